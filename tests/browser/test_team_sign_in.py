"""Team mode in a real browser at a real provider: who comes in, as what, who does not, and how they leave."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from core.labeling.queue import claim_task
from core.people import deactivate, invite, sign_in_local
from core.runtime import Runtime, open_runtime
from core.types import Actor
from db.enums import Role
from db.members import find_by_email
from tests.browser.shelf import make_queue
from tests.browser.sign_in_provider import Provider, TeamServer

Visit = Callable[[], Page]


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TeamServer]:
    folder = tmp_path_factory.mktemp("team")
    with Provider(folder) as provider, TeamServer(folder / "data", provider) as server:
        yield server


@pytest.fixture(scope="module")
def team_runtime(team: TeamServer) -> Iterator[Runtime]:
    runtime = open_runtime(team.settings)
    yield runtime
    runtime.close()


@pytest.fixture(scope="module")
def terminal(team_runtime: Runtime) -> Actor:
    """Who acts from the server's own terminal."""
    return sign_in_local(team_runtime, "tester")


@pytest.fixture
def visit(browser: Browser, team: TeamServer) -> Iterator[Visit]:
    contexts = []

    def one() -> Page:
        contexts.append(browser.new_context(locale="en-US", viewport={"width": 1440, "height": 900}))
        page = contexts[-1].new_page()
        page.goto(team.url)
        return page

    yield one
    for context in contexts:
        context.close()


def sign_in(page: Page, subject: str) -> None:
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name=subject).click()


def came_in(page: Page, name: str, role: str) -> None:
    expect(page.get_by_text(f"{name} · {role}")).to_be_visible()


def person_of(runtime: Runtime, email: str) -> tuple[int, Role]:
    with runtime.sessions.read() as session:
        row = find_by_email(session, email)
        assert row is not None
        return row.id, row.role


def test_the_first_admin_comes_in_stays_over_a_reload_and_leaves(visit: Visit, team: TeamServer) -> None:
    page = visit()
    expect(page.get_by_text("Welcome to Shelfwright")).to_be_visible()
    expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)
    sign_in(page, "u-boss")
    came_in(page, "Boss", "admin")
    page.reload()
    came_in(page, "Boss", "admin")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="End session").click()  # the provider's own page
    expect(page.get_by_text("Welcome to Shelfwright")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Welcome to Shelfwright")).to_be_visible()


def test_a_claim_gives_the_role_and_the_menu_follows_it(visit: Visit, team: TeamServer, team_runtime: Runtime) -> None:
    page = visit()
    sign_in(page, "u-rev")
    came_in(page, "Rae", "reviewer")
    assert person_of(team_runtime, "rae@shop.example")[1] == Role.REVIEWER
    menu = page.get_by_test_id("stSidebarNav")
    expect(menu.get_by_role("link", name="Campaigns")).to_be_visible()
    expect(menu.get_by_role("link", name="Import", exact=True)).to_have_count(0)
    page.goto(f"{team.url}/import_data")
    expect(page.get_by_text("Your role (reviewer) does not include this page")).to_be_visible()


def test_who_nobody_invited_is_told_whom_to_ask(visit: Visit) -> None:
    page = visit()
    sign_in(page, "u-nobody")
    expect(page.get_by_text("but nobody has invited you yet. Ask an admin.")).to_be_visible()
    expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)
    page.get_by_role("button", name="Sign in as somebody else").click()
    page.get_by_role("button", name="End session").click()
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


def test_an_invitation_is_taken_up_by_whom_the_provider_vouches_for_only(
    visit: Visit, team_runtime: Runtime, terminal: Actor
) -> None:
    person = invite(team_runtime, terminal, "mina@shop.example", Role.ANNOTATOR, "미나")
    liar = visit()
    sign_in(liar, "u-liar")
    expect(liar.get_by_text("does not vouch for that address")).to_be_visible()
    page = visit()
    sign_in(page, "u-mina")
    came_in(page, "미나", "annotator")
    expect(page.get_by_test_id("stSidebarNav").get_by_role("link", name="Campaigns")).to_have_count(0)

    campaign = make_queue(team_runtime, 3).campaign_id
    mina = Actor(person.id, "미나", Role.ANNOTATOR)
    page.goto(page.url.rstrip("/") + f"/label?campaign={campaign}")
    expect(page.get_by_role("button", name="Skip")).to_be_visible()
    held = claim_task(team_runtime, mina, campaign)
    assert held is not None
    deactivate(team_runtime, terminal, person.id, "left the shop")
    page.keyboard.press("s")  # the card is a fragment: the frame does not run
    expect(page.get_by_text("switched off and cannot work here")).to_be_visible()
    other = sign_in_local(team_runtime, "another")
    again = claim_task(team_runtime, other, campaign)
    assert again is not None
    assert again.id == held.id, "what she held went back"
    page.reload()
    expect(page.get_by_text("switched off and cannot work here")).to_be_visible()
    expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)


def test_the_secrets_are_readable_by_us_alone(team: TeamServer) -> None:
    folder = team.data_dir / "sign_in"
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in folder.iterdir()} == {
        "secrets.toml": "0o600",
        "cookie_secret": "0o600",
    }
