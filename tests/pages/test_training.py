"""The Training and Compare pages: what is learned from, why not, the running job, versions, gate, changed products."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core.jobs.queue import find_unfinished_job, get_job
from core.jobs.worker import run_claimed
from core.runtime import Runtime
from core.training import registry
from core.training.read_images_job import enqueue_read_images
from core.training.train import enqueue_training
from core.types import Actor, utc_now
from db import jobs
from db.enums import JobStatus
from tests.core.training.answers import add_version, put_in_fold
from tests.core.training.shelf import add_products, category_id, decide, fill_shelf, make_titles

Show = Callable[..., AppTest]


@pytest.fixture
def show(open_page: Callable[[str], AppTest], actor: Actor) -> Show:
    """`show("compare", a="1", b="2")`: the page inside the frame, which its links to other pages need."""

    def run(name: str, **query: str) -> AppTest:
        page = open_page("app.py")
        page.session_state["app.actor"] = actor
        page.run()
        page.query_params.update(query)
        page.switch_page(f"pages/{name}.py").run()
        assert not page.exception, page.exception
        return page

    return run


def words(page: AppTest) -> str:
    parts = [*page.text, *page.caption, *page.markdown, *page.info, *page.success, *page.warning, *page.error]
    return "\n".join(part.value for part in parts)


def test_an_empty_catalogue_says_why_the_button_is_disabled(sqlite_runtime: Runtime, actor: Actor, show: Show) -> None:
    page = show("training")
    assert page.button(key="training.start").disabled
    assert "0 usable labels in 0 categories" in words(page).replace("\\", "")


def test_the_button_starts_one_job_and_a_reload_shows_it(sqlite_runtime: Runtime, actor: Actor, show: Show) -> None:
    decide(sqlite_runtime, actor, fill_shelf(sqlite_runtime)["바지"][0], "신발")
    page = show("training")
    assert [metric.value for metric in page.metric] == ["1", "179", "3", "1"]
    page.number_input(key="training.epochs").set_value(3).run()
    page.button(key="training.start").click().run()
    assert not page.exception
    job = find_unfinished_job(sqlite_runtime, ["train"])
    assert job
    assert (job.payload["epochs"], job.status) == (3, JobStatus.TODO)
    reloaded = show("training")
    assert reloaded.button(key="training.start").disabled
    assert "waiting or running" in words(reloaded)
    reloaded.button(key=f"job_progress.cancel.{job.id}").click().run()
    assert get_job(sqlite_runtime, job.id).status == JobStatus.CANCELLED


def test_a_running_job_shows_its_numbers(sqlite_runtime: Runtime, actor: Actor, show: Show) -> None:
    fill_shelf(sqlite_runtime)
    job_id = enqueue_training(sqlite_runtime, actor)
    with sqlite_runtime.sessions.write() as session:
        jobs.claim_job(session, "w1", utc_now())
        detail = {"epoch": 2, "n_epochs": 8, "loss": 0.5, "validation_p_at_1": 0.75, "rows_per_second": 1234.0}
        jobs.set_progress(session, job_id, "w1", 0.4, "training", detail | {"history": [[1, 0.9, 0.5], [2, 0.5, 0.75]]})
        jobs.add_log(session, job_id, utc_now(), "<b>a line</b>")
    page = show("training")
    values = [metric.value for metric in page.metric]
    assert values[-5:] == ["2 of 8", "0.500", "75.0 %", "1,234", "…"]  # the time left is not known yet
    assert any("<b>a line</b>" in code.value for code in page.code)


def test_a_waiting_job_names_the_one_that_runs(sqlite_runtime: Runtime, actor: Actor, show: Show) -> None:
    fill_shelf(sqlite_runtime)
    running = enqueue_read_images(sqlite_runtime, actor)
    enqueue_training(sqlite_runtime, actor)
    (bar,) = show("training").get("progress")
    assert bar.proto.text.replace("\\", "") == "Waiting for the worker ..."
    with sqlite_runtime.sessions.write() as session:
        jobs.claim_job(session, "w1", utc_now())
    (bar,) = show("training").get("progress")
    assert f"busy with another job: Reading images #{running}" in bar.proto.text.replace("\\", "")


@pytest.fixture
def versions(sqlite_runtime: Runtime, actor: Actor) -> list[int]:
    """v1 in use; v2 better at shoes, v3 worse at trousers."""
    ids = fill_shelf(sqlite_runtime)
    for products in ids.values():
        put_in_fold(sqlite_runtime, products[:40], 0)
    truth = {product: category_id(sqlite_runtime, name) for name, products in ids.items() for product in products}
    gadgets = category_id(sqlite_runtime, "가전")
    first = add_version(sqlite_runtime, actor, truth | dict.fromkeys(ids["신발"][:12], gadgets))
    better = add_version(sqlite_runtime, actor, truth)
    worse = add_version(sqlite_runtime, actor, truth | dict.fromkeys(ids["바지"][:20], gadgets))
    registry.promote(sqlite_runtime, actor, first, "the first")
    return [first, better, worse]


def test_promoting_needs_a_reason_and_rolls_back(sqlite_runtime: Runtime, versions: list[int], show: Show) -> None:
    page = show("training")
    page.selectbox(key=f"training.version.{versions[2]}").set_value(versions[1]).run()
    button = next(one for one in page.button if "v2" in one.label and "Put" in one.label)
    button.click().run()
    assert "Say why" in words(page)
    page.text_input(key="training.promote_reason").set_value("shoes are right")
    next(one for one in page.button if "v2" in one.label and "Put" in one.label).click().run()
    assert registry.find_promoted_version(sqlite_runtime).name == "v2"  # type: ignore[union-attr]
    next(one for one in page.button if one.label == "Roll back").click().run()
    assert "Say why" in words(page)
    page.text_input(key="training.rollback_reason").set_value("a test")
    next(one for one in page.button if one.label == "Roll back").click().run()
    assert registry.find_promoted_version(sqlite_runtime).name == "v1"  # type: ignore[union-attr]
    assert "Say why" not in words(page)


def test_comparing_names_what_was_gained(sqlite_runtime: Runtime, versions: list[int], show: Show) -> None:
    page = show("compare", a=str(versions[0]), b=str(versions[1]))
    assert page.selectbox(key="compare.a").value == versions[0]
    said = words(page)
    assert "P@1 +10.0 points" in said
    assert "▲ gained: 1" in said
    assert "▼ lost: 0" in said
    tables = [frame.value for frame in page.dataframe]
    assert tables[0]["Category"].tolist() == ["상품 > 신발"]
    assert len(tables[1]) == 12
    assert page.button(key="compare.next").disabled


def test_the_gate_names_what_falls_and_can_be_overridden(
    sqlite_runtime: Runtime, versions: list[int], show: Show
) -> None:
    page = show("compare", a=str(versions[0]), b=str(versions[2]))
    assert "v3 is held back" in words(page).replace("\\", "")
    page.text_input(key="compare.promote_reason").set_value("on purpose")
    next(one for one in page.button if "Put" in one.label).click().run()
    assert "P@1 falls by more than" in words(page).replace("\\", "")
    page.checkbox(key="compare.override").check()
    page.text_input(key="compare.promote_reason").set_value("on purpose")
    next(one for one in page.button if "Put" in one.label).click().run()
    assert registry.find_promoted_version(sqlite_runtime).name == "v3"  # type: ignore[union-attr]


def test_one_version_is_not_enough_to_compare(sqlite_runtime: Runtime, actor: Actor, show: Show) -> None:
    add_version(sqlite_runtime, actor, {})
    assert "Two versions are needed" in words(show("compare"))


def test_a_failed_training_says_why_in_the_persons_language(
    sqlite_runtime: Runtime, actor: Actor, open_page: Callable[[str], AppTest]
) -> None:
    add_products(sqlite_runtime, "바지", make_titles("바지", 60))
    job_id = enqueue_training(sqlite_runtime, actor)
    with sqlite_runtime.sessions.write() as session:
        assert jobs.claim_job(session, "w1", utc_now()) == job_id
    assert "are of one category" in (run_claimed(sqlite_runtime, job_id, "w1").error or "")
    page = open_page("app.py")
    page.session_state["app.actor"] = actor
    page.session_state["app.language"] = "ko"
    page.run()
    page.switch_page("pages/training.py").run()
    assert not page.exception
    assert "모두 한 카테고리에 속합니다" in words(page)
