"""The picker in a real browser: typing, composing, browsing, picking once, and keeping its keys to itself."""

import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from core.catalogue.taxonomy import ensure_categories, load_categories
from core.runtime import open_runtime
from core.settings import Settings
from core.types import utc_now
from tests.browser.conftest import OpenPage
from tests.browser.server import AppServer

EVIL = "<img src=x onerror=\"document.title='hacked'\">"
TREE = [
    ("패션의류", "여성의류", "바지"),
    ("패션의류", "여성의류", "원피스"),
    ("패션의류", "남성의류", "바지"),
    ("패션의류", "남성의류", "청바지"),
    ("출산/육아", "유아동의류", "바지"),
    ("식품", "과일", "사과"),
    ("식품", EVIL),
]
N_MORE = 5_000  # leaves, so that it is as large as a real one


class PickerServer(AppServer):
    script = "tests/browser/picker_app.py"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    data_dir = tmp_path_factory.mktemp("picker") / "data"
    runtime = open_runtime(Settings(data_dir=data_dir))
    more = [("창고", f"구역 {i % 70}", f"선반{i}") for i in range(N_MORE)]
    with runtime.sessions.write() as session:
        ensure_categories(session, [*TREE, *more], utc_now())
    runtime.close()
    with PickerServer(data_dir) as running:
        yield running


@pytest.fixture(scope="module")
def ids(server: AppServer) -> dict[str, int]:
    runtime = open_runtime(Settings(data_dir=server.data_dir))
    found = {category.path: category.id for category in load_categories(runtime).values()}
    runtime.close()
    return found


@pytest.fixture
def page(open_page: OpenPage, server: AppServer) -> Page:
    opened = open_page(None, server.url)
    opened.goto(server.url)
    expect(opened.get_by_text("now=None")).to_be_visible()
    expect(field(opened)).to_be_visible()
    expect(opened.locator("[data-testid='stApp'][data-test-script-state='notRunning']")).to_be_visible()
    return opened


def field(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Search a category")


def hits(page: Page) -> Locator:
    return page.get_by_role("option")


def active(page: Page) -> Locator:
    return page.get_by_role("option", selected=True)


def first_is(page: Page, path: str) -> None:
    expect(hits(page).first.locator(".path")).to_have_text(path.replace(" > ", " › "))


def picks(page: Page, *category_ids: int) -> None:
    expect(page.get_by_text(f"picks=[{', '.join(map(str, category_ids))}]")).to_be_visible()


def nothing_fired(page: Page) -> None:
    for name in ("firsts", "accepts", "skips"):
        expect(page.get_by_text(f"{name}=0")).to_be_visible()


def test_type_and_take_the_first(page: Page, ids: dict[str, int]) -> None:
    field(page).click()
    page.keyboard.type("남성바지")
    first_is(page, "패션의류 > 남성의류 > 바지")
    expect(hits(page).first.locator("strong")).to_have_text("바지")
    page.keyboard.press("Enter")
    picks(page, ids["패션의류 > 남성의류 > 바지"])
    expect(hits(page)).to_have_count(0)
    expect(field(page)).to_have_value("")
    expect(field(page)).not_to_be_focused()
    page.get_by_role("button", name="First").click()
    expect(page.get_by_text("firsts=1")).to_be_visible()
    expect(page.get_by_text("now=None")).to_be_visible()  # the pick was there once
    picks(page, ids["패션의류 > 남성의류 > 바지"])


def test_typing_reruns_neither_the_page_nor_the_card(page: Page, ids: dict[str, int]) -> None:
    field(page).click()
    page.keyboard.type("사과", delay=120)
    first_is(page, "식품 > 과일 > 사과")
    expect(page.get_by_text("card_runs=1")).to_be_visible()
    page.keyboard.press("Enter")
    picks(page, ids["식품 > 과일 > 사과"])
    expect(page.get_by_text("card_runs=2")).to_be_visible()
    expect(page.get_by_text("page_runs=1")).to_be_visible()


def test_same_named_leaves_are_told_apart_and_chosen_by_arrows(page: Page, ids: dict[str, int]) -> None:
    field(page).click()
    page.keyboard.type("바지")
    first_is(page, "패션의류 > 여성의류 > 바지")
    expect(hits(page).nth(1)).to_have_text("패션의류 › 남성의류 › 바지")
    expect(hits(page).nth(2)).to_have_text("출산/육아 › 유아동의류 › 바지")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(active(page)).to_have_text("출산/육아 › 유아동의류 › 바지")
    page.keyboard.press("ArrowUp")
    expect(active(page)).to_have_text("패션의류 › 남성의류 › 바지")
    page.keyboard.press("Enter")
    picks(page, ids["패션의류 > 남성의류 > 바지"])


def test_a_click_takes_a_hit(page: Page, ids: dict[str, int]) -> None:
    field(page).click()
    page.keyboard.type("바지")
    expect(hits(page).nth(2)).to_have_text("출산/육아 › 유아동의류 › 바지")
    hits(page).nth(2).click()
    picks(page, ids["출산/육아 > 유아동의류 > 바지"])


def test_the_pages_keys_are_silent_while_typing(page: Page) -> None:
    field(page).click()
    page.keyboard.type("1s1s", delay=30)
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+S")
    expect(page.get_by_text("Nothing like this")).to_be_visible()
    page.keyboard.press("Enter")
    nothing_fired(page)
    page.keyboard.press("Escape")
    expect(field(page)).not_to_be_focused()
    page.keyboard.press("s")  # outside it works
    expect(page.get_by_text("skips=1")).to_be_visible()
    expect(page.get_by_text("firsts=0")).to_be_visible()


def test_a_second_enter_after_a_pick_is_not_meant_for_the_page(page: Page, ids: dict[str, int]) -> None:
    field(page).click()
    page.keyboard.type("사과")
    first_is(page, "식품 > 과일 > 사과")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    picks(page, ids["식품 > 과일 > 사과"])
    nothing_fired(page)


def test_a_slash_comes_here_from_anywhere_but_a_field(page: Page) -> None:
    page.keyboard.press("/")
    expect(field(page)).to_be_focused()
    expect(field(page)).to_have_value("")
    page.keyboard.type("바지")
    first_is(page, "패션의류 > 여성의류 > 바지")
    page.keyboard.press("Escape")
    expect(field(page)).not_to_be_focused()
    expect(field(page)).to_have_value("")
    expect(hits(page)).to_have_count(0)
    elsewhere = page.get_by_label("Elsewhere")
    elsewhere.click()
    page.keyboard.type("a/b")
    expect(elsewhere).to_have_value("a/b")
    expect(elsewhere).to_be_focused()


def test_browsing_by_keys(page: Page, ids: dict[str, int]) -> None:
    page.keyboard.press("/")
    expect(hits(page)).to_have_count(4)
    page.keyboard.press("ArrowRight")
    expect(hits(page)).to_have_text([re.compile("여성의류"), re.compile("남성의류")])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(hits(page)).to_have_text(["바지", "청바지"])
    page.keyboard.press("ArrowLeft")
    expect(hits(page)).to_have_text([re.compile("여성의류"), re.compile("남성의류")])
    page.keyboard.press("ArrowRight")
    expect(hits(page)).to_have_text(["바지", "원피스"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    picks(page, ids["패션의류 > 여성의류 > 원피스"])


def test_browsing_by_clicks(page: Page, ids: dict[str, int]) -> None:
    field(page).click()
    hits(page).filter(has_text="식품").click()
    expect(hits(page).first).to_contain_text("과일")
    page.get_by_role("button", name="All categories").click()
    expect(hits(page)).to_have_count(4)
    hits(page).filter(has_text="식품").click()
    hits(page).filter(has_text="과일").click()
    hits(page).filter(has_text="사과").click()
    picks(page, ids["식품 > 과일 > 사과"])


def test_an_inner_node_opens_instead_of_being_taken(page: Page) -> None:
    field(page).click()
    page.keyboard.type("남성의류")
    first_is(page, "패션의류 > 남성의류")
    page.keyboard.press("Enter")
    expect(hits(page)).to_have_text(["바지", "청바지"])
    expect(page.get_by_text("picks=[]")).to_be_visible()


def test_search_goes_on_while_korean_is_composed(page: Page, ids: dict[str, int]) -> None:
    field(page).click()
    expect(hits(page)).to_have_count(4)
    ime = page.context.new_cdp_session(page)

    def compose(text: str) -> None:
        ime.send("Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)})

    compose("ㅇ")
    compose("원")
    first_is(page, "패션의류 > 여성의류 > 원피스")
    compose("원ㅍ")
    first_is(page, "패션의류 > 여성의류 > 원피스")
    # The Enter that ends a composition is the input method's.
    field(page).evaluate(
        "input => input.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true}))"
    )
    ime.send("Input.insertText", {"text": "원피스"})
    expect(field(page)).to_have_value("원피스")
    first_is(page, "패션의류 > 여성의류 > 원피스")
    expect(page.get_by_text("picks=[]")).to_be_visible()
    page.keyboard.press("Enter")
    picks(page, ids["패션의류 > 여성의류 > 원피스"])


def test_the_newest_words_win(page: Page) -> None:
    field(page).click()
    for words in ("바", "바지", "", "사", "사과", "원피", "원피스", "사과"):
        field(page).fill(words)
    first_is(page, "식품 > 과일 > 사과")
    expect(page.locator("ul.waiting")).to_have_count(0)
    first_is(page, "식품 > 과일 > 사과")


def test_names_are_text_and_never_markup(page: Page) -> None:
    field(page).click()
    page.keyboard.type("img src")
    expect(hits(page).first.locator("strong")).to_have_text(EVIL.replace(">", "›"))
    expect(page.locator("li img")).to_have_count(0)
    assert page.title() != "hacked"


def test_nothing_on_the_page_moves(page: Page) -> None:
    expect(field(page)).to_be_visible()
    expect(page.get_by_role("combobox", name="A branch")).to_be_visible()
    expect(page.get_by_label("Elsewhere")).to_be_visible()  # Streamlit's own field comes late and grows
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    place = page.get_by_text("picks=[]").bounding_box()
    field(page).click()
    page.keyboard.type("바지")
    first_is(page, "패션의류 > 여성의류 > 바지")
    assert page.get_by_text("picks=[]").bounding_box() == place


def test_where_inner_nodes_can_be_taken_they_can_be_opened_too(page: Page, ids: dict[str, int]) -> None:
    branch = page.get_by_role("combobox", name="A branch")
    branch.click()
    expect(hits(page)).to_have_count(4)
    hits(page).filter(has_text="패션의류").locator(".inside").click()
    expect(hits(page)).to_have_text([re.compile("여성의류"), re.compile("남성의류")])
    hits(page).filter(has_text="남성의류").locator(".path").click()
    expect(page.get_by_text(f"branch={ids['패션의류 > 남성의류']}")).to_be_visible()


MEASURE = """(input, letter) => new Promise(done => {
  const list = input.getRootNode().querySelector("ul")
  const start = performance.now()
  new MutationObserver((_, observer) => {
    if (list.classList.contains("waiting")) return
    observer.disconnect()
    requestAnimationFrame(() => done(performance.now() - start))
  }).observe(list, { childList: true, attributes: true })
  input.value += letter
  input.dispatchEvent(new Event("input", { bubbles: true }))
})"""


def test_from_key_to_hits_on_the_screen(page: Page, tmp_path: Path) -> None:
    field(page).click()
    expect(hits(page)).to_have_count(4)
    took = []
    for word in ("남성바지", "선반12", "ㄴㅅㅂㅈ"):
        field(page).fill("")
        expect(hits(page)).to_have_count(4)
        took += [field(page).evaluate(MEASURE, letter) for letter in word]
    print(f"key to hits: median {statistics.median(took):.0f} ms, slowest {max(took):.0f} ms")
    assert statistics.median(took) <= 250
