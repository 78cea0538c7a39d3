"""Fixtures that drive the real app in a real browser.

- `app`: the running app (`app.url`), one process a test session, over a fresh SQLite database.
- `app_runtime`, `app_actor`: the same database, to seed and to look; the actor is 'tester', an admin.
- `browser`: one Chromium a session. `open_page(person="ann", **context options)`: a page in a window of its own,
  signed in as that person (None: nobody yet), in English; `page` is one for a person of the test's own.
- `goto(page, "label?campaign=1")` opens a page of the app.

Never sleep: `expect(...)` waits. Each test makes the rows it needs (see `shelf.py`), for the database is shared.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from core.people import sign_in_local
from core.runtime import Runtime, open_runtime
from core.settings import Settings
from core.types import Actor
from tests.browser.server import AppServer
from tests.machine import find_chromium

HERE = Path(__file__).parent
CHROMIUM_ARGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
OpenPage = Callable[..., Page]

expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All browser tests run one after the other: two browsers on two cores only wait for each other."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("browser")
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    with AppServer(tmp_path_factory.mktemp("app") / "data") as server:
        yield server


@pytest.fixture(scope="session")
def app_runtime(app: AppServer) -> Iterator[Runtime]:
    runtime = open_runtime(Settings(data_dir=app.data_dir, person="tester"))
    yield runtime
    runtime.close()


@pytest.fixture(scope="session")
def app_actor(app_runtime: Runtime) -> Actor:
    return sign_in_local(app_runtime, "tester")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = find_chromium()
    assert path, "no Chromium: python -m tests.machine installs one"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser, app: AppServer) -> Iterator[OpenPage]:
    contexts: list[BrowserContext] = []

    def open_one(person: str | None = "tester", url: str = app.url, **options: Any) -> Page:
        context = browser.new_context(**{"locale": "en-US", "viewport": {"width": 1440, "height": 900}, **options})
        contexts.append(context)
        if person is not None:
            context.add_cookies([{"name": "shelfwright_name", "value": quote(person), "url": url}])
        page = context.new_page()
        page.set_default_timeout(15_000)
        return page

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture
def person(request: pytest.FixtureRequest) -> str:
    """A name of the test's own, so that what others hold does not matter."""
    return request.node.name[:60]


@pytest.fixture
def page(open_page: OpenPage, person: str) -> Page:
    return open_page(person)
