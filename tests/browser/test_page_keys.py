"""The keys of Review and of many at once in a real browser: Korean input, boxes with the focus, fields, the overlay."""

import re

import sqlalchemy as sa
from playwright.sync_api import CDPSession, Page, expect

from core.runtime import Runtime
from db.enums import DecisionKind
from db.tables import CampaignRow, DecisionRow, TaskRow
from tests.browser.conftest import OpenPage
from tests.browser.server import AppServer
from tests.browser.shelf import Queue, decisions, make_queue
from tests.core.labeling.crowd.votes_in import give_votes


def key(page: Page, code: str, text: str) -> None:
    """A key as Korean input sends it, to whatever has the focus: Playwright's keyboard knows English letters only."""
    virtual = ord(code[-1])
    cdp: CDPSession = page.context.new_cdp_session(page)
    for kind in ("rawKeyDown", "keyUp"):
        cdp.send("Input.dispatchKeyEvent", {"type": kind, "code": code, "key": text, "windowsVirtualKeyCode": virtual})
    cdp.detach()


def compose(page: Page, parts: str, text: str) -> None:
    """Write a syllable as an input method does: a composition, whose keys say 'Process', and then the text."""
    cdp: CDPSession = page.context.new_cdp_session(page)
    for part, code in zip(parts, ("KeyS", "KeyK", "KeyS"), strict=True):
        pressed = {"code": code, "key": "Process", "windowsVirtualKeyCode": 229}
        cdp.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **pressed})
        cdp.send("Input.imeSetComposition", {"text": part, "selectionStart": 1, "selectionEnd": 1})
        cdp.send("Input.dispatchKeyEvent", {"type": "keyUp", **pressed, "key": part})
    cdp.send("Input.insertText", {"text": text})
    cdp.detach()


def expect_rest(page: Page) -> None:
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def dispute(runtime: Runtime, n: int = 4) -> Queue:
    """A campaign in which two people disagree on every product."""
    queue = make_queue(runtime, n)
    with runtime.sessions.write() as session:
        session.execute(sa.delete(TaskRow).where(TaskRow.campaign_id == queue.campaign_id))
        session.execute(sa.update(CampaignRow).where(CampaignRow.id == queue.campaign_id).values(overlap=2))
    one, other = queue.leaf_ids[0], queue.leaf_ids[4]
    give_votes(runtime, queue.campaign_id, {id_: [("Ann", one), ("Ben", other)] for id_ in queue.product_ids})
    return queue


def verdicts(runtime: Runtime, queue: Queue) -> list[DecisionRow]:
    """What was settled or set aside, in its order."""
    return [row for row in decisions(runtime, queue) if row.task_id is None]


def expect_product(page: Page, queue: Queue, n: int) -> None:
    expect(page.locator("[class*='st-key-label-title']")).to_have_text(queue.title(n))
    expect(page.get_by_role("button", name="Later")).to_be_visible()
    expect(page.get_by_role("button", name="Keys")).to_be_visible()
    expect_rest(page)


def open_review(page: Page, app: AppServer, queue: Queue) -> None:
    page.goto(f"{app.url}/review?campaign={queue.campaign_id}")
    expect_product(page, queue, 1)


def test_review_hears_physical_keys(open_page: OpenPage, app: AppServer, app_runtime: Runtime) -> None:
    queue, page = dispute(app_runtime), open_page()
    open_review(page, app, queue)
    key(page, "KeyS", "ㄴ")  # later
    expect_product(page, queue, 2)
    key(page, "KeyF", "ㄹ")
    expect_product(page, queue, 3)
    page.keyboard.press("b")
    expect_product(page, queue, 4)
    key(page, "KeyZ", "ㅋ")
    expect_product(page, queue, 1)  # from the worst again: the first was put off only
    press = "key => document.body.dispatchEvent(new KeyboardEvent('keydown', {...key, bubbles: true}))"
    page.evaluate(press, {"key": "2", "code": "Numpad2", "keyCode": 98})
    expect_product(page, queue, 3)
    made = [(row.product_id, row.kind) for row in verdicts(app_runtime, queue)]
    first, second, third = queue.product_ids[:3]
    assert made == [
        (second, DecisionKind.CANNOT_TELL),
        (third, DecisionKind.BAD_LISTING),
        (third, DecisionKind.UNDO),
        (first, DecisionKind.SETTLE),
    ]


def test_composing_korean_in_the_note_of_a_review_presses_nothing(
    open_page: OpenPage, app: AppServer, app_runtime: Runtime
) -> None:
    queue, page = dispute(app_runtime), open_page()
    open_review(page, app, queue)
    note = page.get_by_label("Note")
    note.click()
    compose(page, "ㄴ나난", "난")
    page.keyboard.type(" szfb12?")
    expect(note).to_have_value("난 szfb12?")
    expect(page.get_by_role("heading", name="Keys of this page")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(note).not_to_be_focused()
    expect_product(page, queue, 1)
    assert verdicts(app_runtime, queue) == []
    page.keyboard.press("1")
    expect_product(page, queue, 2)
    assert [(row.kind, row.note) for row in verdicts(app_runtime, queue)] == [(DecisionKind.SETTLE, "난 szfb12?")]


def test_the_overlay_of_review_holds_its_keys_back(open_page: OpenPage, app: AppServer, app_runtime: Runtime) -> None:
    queue, page = dispute(app_runtime), open_page(viewport={"width": 1024, "height": 768})
    open_review(page, app, queue)
    page.keyboard.press("?")
    expect(page.get_by_text("settle it as this: gold")).to_be_visible()
    key(page, "KeyB", "ㅠ")
    page.keyboard.press("1")
    page.keyboard.press("?")
    expect(page.get_by_text("settle it as this: gold")).to_be_hidden()
    expect_product(page, queue, 1)
    assert verdicts(app_runtime, queue) == []
    for name in ("Disagreements", "Agreement", "Annotators on gold", "Gold products"):
        expect(page.get_by_role("radio", name=name, exact=True)).to_be_in_viewport(ratio=1)


def open_bulk(page: Page, app: AppServer, queue: Queue, n: int) -> None:
    page.goto(f"{app.url}/bulk?campaign={queue.campaign_id}")
    expect_lot(page, n)


def expect_lot(page: Page, n: int) -> None:
    expect(page.get_by_role("button", name=re.compile(f"Accept {n} "))).to_be_visible()
    expect(page.get_by_role("button", name="Keys")).to_be_visible()
    expect_rest(page)


def test_many_at_once_hears_its_letters_on_a_box_and_in_korean(
    page: Page, app: AppServer, app_runtime: Runtime
) -> None:
    queue = make_queue(app_runtime, 4)
    open_bulk(page, app, queue, 4)
    box = page.get_by_role("checkbox").first
    box.focus()
    page.keyboard.press("Space")
    expect_lot(page, 3)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("3 products are decided.")).to_be_visible()
    expect_lot(page, 1)
    page.get_by_role("checkbox").first.focus()
    page.keyboard.press("z")
    expect(page.get_by_text("3 decisions are taken back.")).to_be_visible()
    expect_lot(page, 4)
    page.get_by_role("checkbox").first.focus()
    key(page, "KeyX", "ㅌ")
    expect(page.get_by_text("4 products are put off: they come to you one by one, at the end.")).to_be_visible()
    assert [row.kind for row in decisions(app_runtime, queue)] == [DecisionKind.LABEL] * 3 + [DecisionKind.UNDO] * 3


def test_many_at_once_is_silent_while_a_field_is_written_in(page: Page, app: AppServer, app_runtime: Runtime) -> None:
    queue = make_queue(app_runtime, 3)
    open_bulk(page, app, queue, 3)
    field = page.get_by_role("combobox", name="Something else for this one").first
    field.click()
    key(page, "KeyX", "ㅌ")
    page.keyboard.type("x")
    page.keyboard.press("Escape")
    expect(field).not_to_be_focused()
    expect_lot(page, 3)
    page.keyboard.press("?")
    expect(page.get_by_text("decide all that is ticked")).to_be_visible()
    page.keyboard.press("x")
    page.keyboard.press("Escape")
    expect_lot(page, 3)
    key(page, "KeyX", "Process")  # as Windows sends it while an input method is on
    expect(page.get_by_text("3 products are put off: they come to you one by one, at the end.")).to_be_visible()
    assert decisions(app_runtime, queue) == []
