"""The whole loop as one person goes it: name, label, train, compare, promote, roll back. It also takes the pictures.

`make screenshots` sets SCREENSHOTS to a folder and makes the README's pictures on the full demo.
"""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.launched import launched, read_until
from tests.postgres import free_port

N_DECISIONS = 6


def picture(page: Page, name: str) -> None:
    """Keep the screen as docs/screenshots/<name>.png when pictures are wanted."""
    folder = os.environ.get("SCREENSHOTS")
    settled(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def settled(page: Page) -> None:
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=20_000)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)


def visit(page: Page, name: str) -> None:
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True).click()
    expect(page).to_have_title(re.compile(name))
    settled(page)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_whole_loop(browser: Browser, tmp_path: Path) -> None:
    port = free_port()
    n_products = 6000 if os.environ.get("SCREENSHOTS") else 800
    with launched(tmp_path / "data", port, n_products) as process:
        read_until(process, "ready at")
        context = browser.new_context(locale="en-US", viewport={"width": 1440, "height": 900})
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.goto(f"http://127.0.0.1:{port}")
        give_name(page)
        label_some(page)
        train(page)
        compare_and_promote(page)
        roll_back(page)
        look_around(page)
        speak_korean(page)
        context.close()


def give_name(page: Page) -> None:
    page.get_by_role("textbox", name="Your name").fill("Mina")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("This is demo data")).to_be_visible()
    page.wait_for_function("document.cookie.includes('shelfwright_name=Mina')")
    page.reload()
    expect(page.get_by_text("This is demo data")).to_be_visible()
    expect(page.get_by_test_id("stSidebar").get_by_text("Mina")).to_be_visible()


def label_some(page: Page) -> None:
    visit(page, "Label")
    title = page.locator("[class*='st-key-label-title']")
    expect(page.get_by_role("button", name="Keys")).to_be_visible()
    expect(page.get_by_role("combobox", name="Search a category")).to_be_visible()
    for n in range(N_DECISIONS):
        if n == 3:
            picture(page, "label")
        before = title.inner_text()
        page.keyboard.press("Enter")
        expect(title).not_to_have_text(before)
        settled(page)
    expect(page.get_by_text(f"you: {N_DECISIONS} today")).to_be_visible()


def train(page: Page) -> None:
    visit(page, "Training")
    page.get_by_role("button", name="Train a new version").click()
    expect(page.get_by_role("button", name="Train a new version")).to_be_disabled()
    if os.environ.get("SCREENSHOTS"):  # on the full demo there is time to look; a small one may be done already
        page.reload()
        expect(page.get_by_role("button", name="Cancel")).to_be_visible()
        expect(page.get_by_text("Validation P@1").first).to_be_visible(timeout=120_000)
        picture(page, "training")
    expect(page.get_by_role("button", name="Train a new version")).to_be_enabled(timeout=240_000)
    expect(page.get_by_role("link", name="Compare v1 with v2")).to_be_visible()


def compare_and_promote(page: Page) -> None:
    visit(page, "Compare")
    expect(page.get_by_text("Products whose answer changed")).to_be_visible()
    picture(page, "compare")
    page.get_by_role("textbox", name="Reason").fill("first corrections are in")
    all_the_same = page.get_by_text("Put it to use all the same")
    if all_the_same.count():
        all_the_same.click()
    page.get_by_role("button", name="Put v2 to use").click()
    expect(page.get_by_text("v2 is in use").first).to_be_visible()
    visit(page, "Overview")
    expect(page.get_by_text("v2, trained")).to_be_visible()
    expect(page.get_by_text(re.compile(r"Low confidence · .* left"))).to_be_visible()
    picture(page, "overview")


def roll_back(page: Page) -> None:
    visit(page, "Training")
    page.get_by_role("button", name="Roll back to v1").click()
    page.get_by_role("textbox", name="Reason").fill("trying the way back")
    page.get_by_role("button", name="Roll back", exact=True).click()
    expect(page.get_by_role("button", name="Roll back to")).to_have_count(0)
    visit(page, "Overview")
    expect(page.get_by_text("v1, trained")).to_be_visible(timeout=20_000)


def look_around(page: Page) -> None:
    for name, file in (
        ("Campaigns", "campaigns"),
        ("Products", "products"),
        ("Taxonomy", "taxonomy"),
        ("Import", "import_data"),
    ):
        visit(page, name)
        picture(page, file)


def speak_korean(page: Page) -> None:
    page.get_by_role("radio", name="한국어").or_(page.get_by_role("button", name="한국어")).first.click()
    expect(page.get_by_test_id("stSidebarNav").get_by_role("link", name="한눈에 보기")).to_be_visible()
    page.wait_for_function("document.cookie.includes('shelfwright_language=ko')")
    page.reload()
    expect(page.get_by_test_id("stSidebarNav").get_by_role("link", name="한눈에 보기")).to_be_visible()
