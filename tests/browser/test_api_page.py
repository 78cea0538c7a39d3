"""The API's page in a browser that has no internet: everything comes from the API itself, and a route can be tried."""

from pathlib import Path

from playwright.sync_api import Browser, expect

from core.api_tokens import Scope, create_token
from core.people import sign_in_local
from core.runtime import open_runtime
from core.settings import Settings
from tests.served_api import served_api


def test_a_route_is_tried_and_nothing_comes_from_elsewhere(browser: Browser, tmp_path: Path) -> None:
    runtime = open_runtime(Settings(data_dir=tmp_path))
    token, _ = create_token(runtime, sign_in_local(runtime, "Mina"), "t", [Scope.READ])
    runtime.close()
    page = browser.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    with served_api(tmp_path) as api:
        page.goto(f"{api.url}/docs")
        page.get_by_role("button", name="Authorize").click()
        page.get_by_label("Value").fill(token)
        page.get_by_label("Apply credentials").click()
        page.get_by_role("button", name="Close", exact=True).click()
        page.locator("#operations-me-me_get_me").get_by_role("button").first.click()
        page.get_by_role("button", name="Try it out").click()
        page.get_by_role("button", name="Execute").click()
        expect(page.locator(".live-responses-table").first).to_contain_text('"Mina"')
    page.close()
    assert len(asked) >= 5
    assert [url for url in asked if not url.startswith((api.url, "data:"))] == []
    assert complaints == []
