"""People and audit pages by role, through the frame: what is not for somebody is a sentence, not data."""

import time
from collections.abc import Callable

import pytest
import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from core import api_tokens
from core.labeling.campaigns import delete_campaign, list_campaigns
from core.people import change_role, deactivate, invite, sign_in_local
from core.runtime import Runtime
from core.types import Actor
from db.enums import Role
from db.members import find_by_email, get_person
from tests.core.labeling.shelf import add_campaign, fill_shelf

OpenPage = Callable[[str], AppTest]


@pytest.fixture(autouse=True)
def framed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The frame runs on every page, as in the real app: AppTest takes the folder `pages` for Streamlit's old kind."""
    make = PagesManager.__init__

    def made(self: PagesManager, *given: object, **named: object) -> None:
        make(self, *given, **named)  # type: ignore[arg-type]
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", made)


def opened(open_page: OpenPage, runtime: Runtime, role: Role, name: str) -> AppTest:
    """The page inside the app, in English, for somebody of this role."""
    page = open_page("app.py")
    page.session_state["app.actor"] = sign_in_local(runtime, f"a {role.value}", role)
    page.session_state["app.language"] = "en"
    page.run()
    page.switch_page(f"pages/{name}.py").run()
    assert not page.exception
    return page


def seen(page: AppTest) -> str:
    """Everything the page says."""
    tables = [frame.value.to_csv() for frame in page.dataframe]
    metrics = [metric.label + metric.value for metric in page.metric]
    words = [block.value for kind in (page.text, page.markdown, page.info, page.caption, page.error) for block in kind]
    return "\n".join([*tables, *metrics, *map(str, words)])


@pytest.mark.parametrize(
    "name", ["audit", "review", "campaigns", "products", "import_data", "training", "compare", "error_rates"]
)
def test_an_annotator_who_follows_a_link_reads_why_not(
    open_page: OpenPage, sqlite_runtime: Runtime, actor: Actor, name: str
) -> None:
    invite(sqlite_runtime, actor, "secret@shop.example", Role.ADMIN, "SECRET")
    page = opened(open_page, sqlite_runtime, Role.ANNOTATOR, name)
    assert "Your role (annotator) does not include this page. An admin can change that." in seen(page)
    assert "SECRET" not in seen(page)
    assert not page.dataframe
    assert len(page.subheader) == 1  # which page it is


@pytest.mark.parametrize(("role", "sees_names"), [(Role.ANNOTATOR, False), (Role.OPERATOR, True), (Role.ANALYST, True)])
def test_without_the_right_nobody_sees_anothers_figures(
    open_page: OpenPage, sqlite_runtime: Runtime, role: Role, sees_names: bool
) -> None:
    sign_in_local(sqlite_runtime, "Colleague", Role.ANNOTATOR)
    page = opened(open_page, sqlite_runtime, role, "people")
    assert ("Colleague" in seen(page)) == sees_names
    assert "My decisions today" in seen(page)
    assert not any("Right on gold" in frame.value or "Decisions" in frame.value for frame in page.dataframe)
    assert not [box for box in page.selectbox if box.label == "Change somebody"]


def test_a_reviewer_sees_figures_and_changes_nobody(open_page: OpenPage, sqlite_runtime: Runtime) -> None:
    sign_in_local(sqlite_runtime, "Colleague", Role.ANNOTATOR)
    page = opened(open_page, sqlite_runtime, Role.REVIEWER, "people")
    (people,) = [frame.value for frame in page.dataframe if "Right on gold" in frame.value]
    assert list(people["Person"]) == ["Colleague", "a reviewer"]
    assert "E-mail" not in people
    assert list(people["Same as the others"]) == [None, None]
    assert not [box for box in page.selectbox if box.label == "Change somebody"]


def test_an_admin_invites_and_switches_off(open_page: OpenPage, sqlite_runtime: Runtime) -> None:
    page = opened(open_page, sqlite_runtime, Role.ADMIN, "people")
    page.text_input(key="people.invited_email").input("Mina@Shop.example")
    page.text_input(key="people.invited_name").input("미나")
    next(button for button in page.button if button.label == "Invite").click().run()
    assert not page.exception
    with sqlite_runtime.sessions.read() as session:
        mina = find_by_email(session, "mina@shop.example")
    assert mina is not None
    assert (mina.name, mina.role) == ("미나", Role.ANNOTATOR)

    page.selectbox(key="people.chosen").select(mina.id).run()
    page.button(key="people.deactivate").click().run()
    assert any("Give a reason" in error.value for error in page.error)
    page.text_input(key=f"people.reason.{mina.id}").input("left")
    page.button(key="people.deactivate").click().run()
    assert not page.error
    with sqlite_runtime.sessions.read() as session:
        kept = get_person(session, mina.id)
    assert kept is not None
    assert not kept.is_active

    page.switch_page("pages/audit.py").run()
    assert not page.exception
    assert "Reason: *left*" in seen(page)
    assert "deactivated" in seen(page)


def test_the_last_admin_stays(open_page: OpenPage, sqlite_runtime: Runtime) -> None:
    page = opened(open_page, sqlite_runtime, Role.ADMIN, "people")
    me = page.session_state["app.actor"]
    page.selectbox(key="people.chosen").select(me.person_id).run()
    page.selectbox(key=f"people.role.{me.person_id}.admin").select("annotator").run()
    page.button(key="people.give_role").click().run()
    assert any("last admin" in error.value for error in page.error)


def test_a_token_is_shown_once(open_page: OpenPage, sqlite_runtime: Runtime) -> None:
    page = opened(open_page, sqlite_runtime, Role.ANNOTATOR, "people")
    page.text_input(key="people.token_name").input("bot")
    next(button for button in page.button if button.label == "Make a token").click().run()
    assert not page.exception
    token = page.code[0].value
    assert api_tokens.authenticate(sqlite_runtime, token)[0].name == "a annotator"
    page.button(key="people.token_copied").click().run()
    assert not page.code
    assert token not in seen(page)
    page.button(key="people.token_revoke").click().run()
    assert "revoked" in seen(page)


def test_who_is_switched_off_is_out_with_the_next_click(open_page: OpenPage, sqlite_runtime: Runtime) -> None:
    boss = sign_in_local(sqlite_runtime, "boss")
    page = opened(open_page, sqlite_runtime, Role.ANNOTATOR, "people")
    who = page.session_state["app.actor"]
    deactivate(sqlite_runtime, boss, who.person_id, "left")
    page.run()
    assert not page.exception
    assert "My decisions today" not in seen(page)
    assert "switched off and cannot work here" in seen(page)
    assert page.text_input(key="app.name") is not None


def test_a_new_role_counts_from_the_next_click(open_page: OpenPage, sqlite_runtime: Runtime) -> None:
    boss = sign_in_local(sqlite_runtime, "boss")
    page = opened(open_page, sqlite_runtime, Role.ANNOTATOR, "audit")
    assert "does not include this page" in seen(page)
    change_role(sqlite_runtime, boss, page.session_state["app.actor"].person_id, Role.OPERATOR)
    page.run()
    assert "does not include this page" not in seen(page)
    assert "annotator → " in seen(page)


@pytest.mark.parametrize(
    ("listens_on", "asked_for"), [("0.0.0.0", "localhost"), (None, "localhost"), ("127.0.0.1", "shelf.example.com")]
)
def test_a_password_free_app_is_for_its_own_machine(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, listens_on: str | None, asked_for: str
) -> None:
    """Started by hand on another address, or behind a proxy that nobody told us of."""
    monkeypatch.setattr(st, "get_option", lambda name: listens_on)
    monkeypatch.setattr(type(st.context), "headers", {"Host": f"{asked_for}:8501"})
    monkeypatch.setattr(type(st.context), "cookies", {"shelfwright_name": "boss"})
    page = open_page("app.py").run()
    assert not page.exception
    assert any("its own machine only" in error.value for error in page.error)
    assert not page.text_input


def test_a_team_is_not_entered_by_name(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELFWRIGHT_SIGN_IN", "oidc")
    monkeypatch.setattr(type(st.context), "cookies", {"shelfwright_name": "boss"})
    page = open_page("app.py").run()
    assert not page.exception
    assert any("The sign-in is not set up" in error.value for error in page.error)
    assert not page.text_input


@pytest.mark.parametrize(("hours_ago", "is_in"), [(1, True), (25, False)])
def test_a_sign_in_ends_in_an_open_tab_too(
    open_page: OpenPage, sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch, hours_ago: int, is_in: bool
) -> None:
    monkeypatch.setenv("SHELFWRIGHT_SIGN_IN", "oidc")
    page = open_page("app.py")
    page.session_state["app.actor"] = sign_in_local(sqlite_runtime, "boss", Role.ADMIN)
    page.session_state["app.signed_in_at"] = time.time() - 3600 * hours_ago
    page.run()
    assert not page.exception
    assert ("app.actor" in page.session_state) == is_in


def test_a_page_without_the_frame_acts_for_nobody_in_a_team(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELFWRIGHT_SIGN_IN", "oidc")
    page = open_page("pages/people.py").run()
    assert page.exception, "NotSignedIn"
    assert not page.metric


def test_a_deleted_campaign_comes_back_from_the_trail(
    open_page: OpenPage, sqlite_runtime: Runtime, actor: Actor
) -> None:
    campaign = add_campaign(sqlite_runtime, fill_shelf(sqlite_runtime, 2), name="Autumn")
    delete_campaign(sqlite_runtime, actor, campaign, "made twice")
    page = opened(open_page, sqlite_runtime, Role.OPERATOR, "audit")
    assert "Reason: *made twice*" in seen(page)
    next(button for button in page.button if button.label == "Restore this campaign").click().run()
    assert not page.exception
    assert [found.name for found in list_campaigns(sqlite_runtime)] == ["Autumn"]
    assert "campaign restored" in seen(page)
