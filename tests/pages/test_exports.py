"""The Export page: an export is started and listed; webhooks are added, tried, removed; Korean."""

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from core.catalogue.exporting.exporting import list_exports
from core.catalogue.taxonomy import ensure_categories
from core.runtime import Runtime
from core.types import Actor, utc_now
from core.webhooks import list_webhooks
from pages.components.words import LANGUAGE_KEY
from tests.core.catalogue.importing_help import run_next

PAGE = "pages/exports.py"


def test_an_export_is_started_and_fetched(
    open_page: Callable[[str], AppTest], sqlite_runtime: Runtime, actor: Actor
) -> None:
    with sqlite_runtime.sessions.write() as session:
        ensure_categories(session, [("A", "B")], utc_now())
    page = open_page(PAGE).run()
    assert not page.exception
    assert "No exports yet." in [text.value for text in page.text]
    page.selectbox("exports.what").set_value("decisions").run()
    assert not page.exception
    page.button("exports.start").click().run()
    assert not page.exception
    job = run_next(sqlite_runtime)
    [export] = list_exports(sqlite_runtime, actor)
    assert (export.id, export.what, export.n_rows) == (job.id, "decisions", 0)
    page.run()
    assert any(export.sha256 in caption.value for caption in page.caption if export.sha256)
    page.button(f"exports.prepare.{export.id}").click().run()
    page.button(f"exports.delete.{export.id}").click().run()
    assert not page.exception
    assert list_exports(sqlite_runtime, actor)[0].path is None


def test_each_kind_has_its_form(open_page: Callable[[str], AppTest], sqlite_runtime: Runtime) -> None:
    page = open_page(PAGE).run()
    for what in ("labels", "predictions", "snapshot", "label-studio", "products"):
        page.selectbox("exports.what").set_value(what).run()
        assert not page.exception
        assert page.button("exports.start").disabled == (what == "snapshot")  # there is none yet


def _webhooks(open_page: Callable[[str], AppTest]) -> AppTest:
    page = open_page(PAGE)
    page.session_state["exports.part"] = "webhooks"
    page.session_state[LANGUAGE_KEY] = "ko"
    return page.run()


def test_a_webhook_is_added_and_removed(
    open_page: Callable[[str], AppTest], sqlite_runtime: Runtime, actor: Actor
) -> None:
    page = _webhooks(open_page)
    page.text_input("exports.url").set_value("http://127.0.0.1:9/")
    page.button("FormSubmitter:exports.webhook-추가").click().run()
    assert not page.exception
    assert list_webhooks(sqlite_runtime, actor) == []  # a private address
    page = _webhooks(open_page)
    page.text_input("exports.url").set_value("https://1.1.1.1/hear")
    page.button("FormSubmitter:exports.webhook-추가").click().run()
    assert not page.exception
    [hook] = list_webhooks(sqlite_runtime, actor)
    assert hook.secret in [code.value for code in page.code]
    page.button(f"exports.remove.{hook.id}").click().run()
    assert list_webhooks(sqlite_runtime, actor) == []
