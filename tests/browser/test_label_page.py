"""The labeling page in a real browser, by keyboard."""

import re
import time
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from PIL import Image
from playwright.sync_api import Page, expect

from core.labeling.alternatives import list_alternatives
from core.runtime import Runtime, open_runtime
from core.settings import Settings
from db.enums import DecisionKind, TaskStatus
from db.tables import ProductRow, TaskRow
from tests.browser.conftest import OpenPage
from tests.browser.server import AppServer
from tests.browser.shelf import Queue, decisions, make_queue
from tests.roles import ADMIN


def title(page: Page):  # type: ignore[no-untyped-def]
    return page.locator("[class*='st-key-label-title']")


def expect_card(page: Page, queue: Queue, n: int) -> None:
    """The n-th product is drawn, all of it."""
    expect(title(page)).to_have_text(queue.title(n))
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def open_label(page: Page, app: AppServer, queue: Queue, n: int = 1) -> None:
    page.goto(f"{app.url}/{queue.path}")
    expect_card(page, queue, n)
    expect_ready(page)


def expect_ready(page: Page) -> None:
    """What hears the keys is there: on a first visit the browser loads it piece by piece."""
    for name in ("Skip", "Bad listing", "Keys"):
        expect(page.get_by_role("button", name=name)).to_be_visible()
    expect(page.get_by_role("combobox", name="Search a category")).to_be_visible()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


@pytest.fixture
def queue(app_runtime: Runtime) -> Queue:
    return make_queue(app_runtime)


def test_keys_decide_and_bring_the_next_card(page: Page, app: AppServer, app_runtime: Runtime, queue: Queue) -> None:
    open_label(page, app, queue)
    for n, key in enumerate(("Enter", "2", "f", "b"), start=2):
        page.keyboard.press(key)
        expect_card(page, queue, n)
    page.keyboard.press("6")  # the label it has now
    expect(page.get_by_text("Done. Nothing is left in this campaign.")).to_be_visible()
    leaves = queue.leaf_ids
    assert [(row.kind, row.category_id, row.suggestion_rank) for row in decisions(app_runtime, queue)] == [
        (DecisionKind.LABEL, leaves[0], 1),
        (DecisionKind.LABEL, leaves[1], 2),
        (DecisionKind.CANNOT_TELL, None, None),
        (DecisionKind.BAD_LISTING, None, None),
        (DecisionKind.LABEL, leaves[5], None),
    ]


def test_a_key_says_what_else_fits(page: Page, app: AppServer, app_runtime: Runtime, queue: Queue) -> None:
    open_label(page, app, queue)
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="Which one fits as well?")).to_be_visible()
    page.keyboard.press("2")
    expect(page.get_by_role("button", name="셔츠", exact=True)).to_be_visible()
    expect_card(page, queue, 1)  # nothing is decided yet
    assert [one.category_id for one in list_alternatives(app_runtime, ADMIN, queue.product_ids[0])] == [
        queue.leaf_ids[1]
    ]
    page.keyboard.press("1")
    expect_card(page, queue, 2)
    (row,) = decisions(app_runtime, queue)
    assert row.category_id == queue.leaf_ids[0]


def test_skip_puts_off_and_undo_brings_back(page: Page, app: AppServer, app_runtime: Runtime, queue: Queue) -> None:
    open_label(page, app, queue)
    page.keyboard.press("s")
    expect_card(page, queue, 2)
    page.keyboard.press("3")
    expect_card(page, queue, 3)
    page.keyboard.press("z")
    expect_card(page, queue, 2)
    page.keyboard.press("4")
    expect_card(page, queue, 3)
    kinds = [(row.kind, row.category_id) for row in decisions(app_runtime, queue)]
    leaves = queue.leaf_ids
    assert kinds == [(DecisionKind.LABEL, leaves[2]), (DecisionKind.UNDO, None), (DecisionKind.LABEL, leaves[3])]


def test_an_older_decision_is_undone_from_the_list(page: Page, app: AppServer, queue: Queue) -> None:
    open_label(page, app, queue)
    for n in (2, 3, 4):
        page.keyboard.press("1")
        expect_card(page, queue, n)
    page.get_by_role("button", name=queue.title(1)).click()
    expect_card(page, queue, 1)
    expect(page.get_by_role("button", name=queue.title(1))).to_be_disabled()


def test_the_picker_takes_a_category_by_keyboard(
    page: Page, app: AppServer, app_runtime: Runtime, queue: Queue
) -> None:
    open_label(page, app, queue)
    page.keyboard.press("/")
    page.keyboard.type("ㅇㄷㅎ")
    expect(page.get_by_role("option").first).to_contain_text("운동화")
    page.keyboard.press("Enter")
    expect_card(page, queue, 2)
    page.keyboard.press("1")  # the keys are back
    expect_card(page, queue, 3)
    rows = decisions(app_runtime, queue)
    assert [row.category_id for row in rows] == [queue.leaf_ids[5], queue.leaf_ids[0]]


def test_typing_a_note_fires_no_keys_and_the_note_goes_with_the_decision(
    page: Page, app: AppServer, app_runtime: Runtime, queue: Queue
) -> None:
    open_label(page, app, queue)
    page.get_by_label("Note").click()
    page.keyboard.type("1 sz fb? 바지")
    page.keyboard.press("Escape")
    expect(page.get_by_label("Note")).not_to_be_focused()
    expect_card(page, queue, 1)
    assert decisions(app_runtime, queue) == []
    page.keyboard.press("2")
    expect_card(page, queue, 2)
    expect(page.get_by_label("Note")).to_have_value("")
    assert [row.note for row in decisions(app_runtime, queue)] == ["1 sz fb? 바지"]


def test_the_sidebar_hears_a_click_that_leaves_the_note(page: Page, app: AppServer, queue: Queue) -> None:
    open_label(page, app, queue)
    sidebar = page.get_by_test_id("stSidebar")
    before = page.get_by_label("Note").bounding_box()
    page.get_by_label("Note").click()
    page.keyboard.type("half")
    sidebar.get_by_text("한국어").click()
    expect(sidebar.get_by_role("link", name="라벨링")).to_be_visible()
    expect(page.get_by_label("메모")).to_have_value("half")
    assert page.get_by_label("메모").bounding_box() == before  # what remembers the language takes no room
    page.get_by_label("메모").click()
    page.keyboard.type(" a thought")
    sidebar.get_by_role("button", name="나가기").click()
    expect(page.get_by_role("textbox", name="이름")).to_be_visible()
    expect(title(page)).to_be_hidden()


def test_nothing_is_fetched_from_outside(page: Page, app: AppServer, queue: Queue) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_label(page, app, queue)
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Campaigns").click()
    expect(page).to_have_title(re.compile("Campaigns"))
    assert [url for url in asked if not url.startswith((app.url, "data:", "blob:"))] == []


def test_a_reload_shows_the_same_task_and_draft(page: Page, app: AppServer, queue: Queue) -> None:
    open_label(page, app, queue)
    page.keyboard.press("1")
    expect_card(page, queue, 2)
    page.get_by_label("Note").fill("half a thought")
    page.get_by_label("Note").press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning")
    page.reload()
    expect_card(page, queue, 2)
    expect(page.get_by_label("Note")).to_have_value("half a thought")


def test_two_browsers_never_get_the_same_task(
    open_page: OpenPage, app: AppServer, app_runtime: Runtime, queue: Queue, person: str
) -> None:
    one, two = open_page(f"{person} 1"), open_page(f"{person} 2")
    open_label(one, app, queue, 1)
    open_label(two, app, queue, 2)
    one.keyboard.press("1")
    expect_card(one, queue, 3)
    two.keyboard.press("1")
    expect_card(two, queue, 4)
    rows = decisions(app_runtime, queue)
    assert len({row.task_id for row in rows}) == len(rows) == 2


def test_double_keys_and_double_clicks_make_one_decision_a_card(
    page: Page, app: AppServer, app_runtime: Runtime, queue: Queue
) -> None:
    open_label(page, app, queue)
    page.evaluate(  # both in one moment, before the first can be answered
        """() => { for (const name of ["keydown", "keyup", "keydown", "keyup"]) {
             const key = {key: "1", code: "Digit1", keyCode: 49, bubbles: true}
             document.body.dispatchEvent(new KeyboardEvent(name, key))
           } }"""
    )
    expect_card(page, queue, 2)
    page.get_by_role("button", name=re.compile("Accept")).dblclick()
    expect_card(page, queue, 3)
    page.keyboard.press("s")
    expect_card(page, queue, 4)  # whatever was under way has been answered by now
    assert len(decisions(app_runtime, queue)) == 2


def test_a_key_held_down_decides_once(page: Page, app: AppServer, app_runtime: Runtime, queue: Queue) -> None:
    open_label(page, app, queue)
    page.keyboard.down("1")
    for _repeat in range(30):
        page.keyboard.down("1")
    page.keyboard.up("1")
    expect_card(page, queue, 2)
    page.keyboard.press("s")
    expect_card(page, queue, 3)
    assert len(decisions(app_runtime, queue)) == 1


def test_keys_work_with_korean_input_and_on_the_number_pad(
    page: Page, app: AppServer, app_runtime: Runtime, queue: Queue
) -> None:
    """Playwright's keyboard has neither, so the events are made as browsers make them."""
    press = "key => document.body.dispatchEvent(new KeyboardEvent('keydown', {...key, bubbles: true}))"
    open_label(page, app, queue)
    page.evaluate(press, {"key": "ㄴ", "code": "KeyS", "keyCode": 83})
    expect_card(page, queue, 2)
    page.evaluate(press, {"key": "2", "code": "Numpad2", "keyCode": 98})
    expect_card(page, queue, 3)
    (row,) = decisions(app_runtime, queue)
    assert row.suggestion_rank == 2


def test_enter_after_a_click_takes_the_first_suggestion_and_after_tab_the_focused_button(
    page: Page, app: AppServer, app_runtime: Runtime, queue: Queue
) -> None:
    open_label(page, app, queue)
    page.get_by_role("button", name=re.compile("치마")).click()
    expect_card(page, queue, 2)
    page.keyboard.press("Enter")
    expect_card(page, queue, 3)
    skip = page.get_by_role("button", name="Skip")
    page.get_by_role("button", name=re.compile("Accept")).focus()
    while not skip.evaluate("button => button === document.activeElement"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect_card(page, queue, 4)
    assert [row.suggestion_rank for row in decisions(app_runtime, queue)] == [4, 1]


def test_the_overlay_lists_the_keys_and_holds_them_back(
    page: Page, app: AppServer, app_runtime: Runtime, queue: Queue
) -> None:
    open_label(page, app, queue)
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keys of this page")).to_be_visible()
    page.keyboard.press("1")
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Keys of this page")).to_be_hidden()
    page.keyboard.press("s")
    expect_card(page, queue, 2)
    assert decisions(app_runtime, queue) == []


def test_guidelines_are_one_click_away(page: Page, app: AppServer, queue: Queue) -> None:
    open_label(page, app, queue)
    page.get_by_role("button", name="Guidelines").click()
    expect(page.get_by_text("No leggings.")).to_be_visible()


def test_a_card_without_suggestions_works(page: Page, app: AppServer, app_runtime: Runtime) -> None:
    queue = make_queue(app_runtime, n=2, suggestions=False)
    open_label(page, app, queue)
    page.keyboard.press("1")  # only the label it has now
    expect_card(page, queue, 2)
    (row,) = decisions(app_runtime, queue)
    assert (row.category_id, row.suggestion_rank) == (queue.leaf_ids[5], None)


def test_titles_from_outside_are_text(page: Page, app: AppServer, app_runtime: Runtime) -> None:
    evil = "<img src=x onerror=window.hit=1> **b** :red[x] [l](javascript:window.hit=1) $x^2$ `c`"
    queue = make_queue(app_runtime, n=2)
    with app_runtime.sessions.write() as session:
        session.execute(
            sa.update(ProductRow).where(ProductRow.id == queue.product_ids[0]).values(title=evil, brand=evil)
        )
    page.goto(f"{app.url}/{queue.path}")
    expect(title(page)).to_have_text(evil)
    expect(page.locator(".st-key-label-facts")).to_contain_text(evil)
    expect_ready(page)
    page.keyboard.press("1")
    expect(page.locator(".st-key-label-recent")).to_contain_text(evil[:60])
    assert page.evaluate("window.hit") is None


def test_nothing_moves_from_card_to_card(page: Page, app: AppServer, app_runtime: Runtime, queue: Queue) -> None:
    """With a picture or none, a long title or a short one."""
    folder = app_runtime.data_dir / "images"
    folder.mkdir(exist_ok=True)
    Image.new("RGB", (900, 300), "teal").save(folder / f"{queue.name}.png")
    with app_runtime.sessions.write() as session:
        second = sa.update(ProductRow).where(ProductRow.id == queue.product_ids[1])
        session.execute(second.values(image=f"{queue.name}.png", mall_id=None))
        third = sa.update(ProductRow).where(ProductRow.id == queue.product_ids[2])
        session.execute(third.values(title="아주 긴 상품명 " * 30))
    open_label(page, app, queue)
    before = places(page)
    page.keyboard.press("1")
    expect_card(page, queue, 2)
    expect(page.get_by_role("img", name="Picture of the product")).to_be_visible()
    assert places(page) == before
    page.keyboard.press("s")
    expect(title(page)).to_contain_text("아주 긴 상품명")
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    assert places(page) == before
    assert page.locator(".stMain").evaluate("main => main.scrollHeight <= main.clientHeight")


def places(page: Page) -> list[tuple[int, int]]:
    """Where things stand: x and y of what the hand and the eye go to."""
    wanted = [
        page.locator(".st-key-label-image"),
        page.locator(".st-key-label-facts"),
        page.get_by_role("button", name=re.compile("셔츠.* 2$")),
        page.get_by_role("combobox", name="Search a category"),
        page.get_by_role("button", name="Skip"),
        page.get_by_label("Note"),
    ]
    boxes = [locator.bounding_box() for locator in wanted]
    return [(round(box["x"]), round(box["y"])) for box in boxes if box]


def test_an_app_killed_between_claim_and_decision_loses_nothing(
    open_page: OpenPage, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with AppServer(tmp_path_factory.mktemp("killed") / "data") as app:
        runtime = open_runtime(Settings(data_dir=app.data_dir))
        queue = make_queue(runtime)
        page = open_page("ann", url=app.url)
        open_label(page, app, queue)
        page.keyboard.press("1")
        expect_card(page, queue, 2)
        app.kill()
        page.keyboard.press("2")  # into the void
        app.start()
        page.reload()
        expect_card(page, queue, 2)
        expect_ready(page)
        page.keyboard.press("3")
        expect_card(page, queue, 3)
        assert [row.suggestion_rank for row in decisions(runtime, queue)] == [1, 3]
        runtime.close()


def test_an_open_card_keeps_its_lease_and_the_renewals_drop_no_keys(
    open_page: OpenPage, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data_dir = tmp_path_factory.mktemp("lease") / "data"
    with AppServer(data_dir, lease_minutes="0.05") as app:  # three seconds, renewed each second
        runtime = open_runtime(Settings(data_dir=data_dir))
        queue = make_queue(runtime, n=12)
        page = open_page("ann", url=app.url)
        open_label(page, app, queue)
        claimed = lease_end(runtime, queue)
        page.get_by_label("Note").click()
        deadline = time.monotonic() + 20
        while lease_end(runtime, queue) < claimed + timedelta(seconds=4) and time.monotonic() < deadline:
            page.keyboard.type("aaaaa", delay=80)  # the renewals neither take the focus nor what is typed
        assert lease_end(runtime, queue) >= claimed + timedelta(seconds=4)
        typed = page.get_by_label("Note").input_value()
        assert len(typed) >= 30
        assert set(typed) == {"a"}
        page.keyboard.press("Escape")
        expect_card(page, queue, 1)
        for n in range(2, 13):
            page.keyboard.press("1")
            expect_card(page, queue, n)
        assert len(decisions(runtime, queue)) == 11
        runtime.close()


def lease_end(runtime: Runtime, queue: Queue) -> datetime:
    """Of the only task that is held."""
    with runtime.sessions.read() as session:
        held = sa.select(TaskRow.lease_expires_at).where(
            TaskRow.campaign_id == queue.campaign_id, TaskRow.status == TaskStatus.LEASED
        )
        return session.execute(held).scalar_one()
