"""PostgreSQL goes away in the middle of labeling and comes back: a sentence meanwhile, nothing confirmed is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from core.runtime import Runtime, open_runtime
from core.settings import Settings
from tests.browser.conftest import OpenPage
from tests.browser.server import AppServer
from tests.browser.shelf import decisions, make_queue
from tests.browser.test_label_page import expect_card, open_label
from tests.postgres import PostgresServer, running_postgres


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    with running_postgres(durable=True) as server:
        yield server


@pytest.fixture
def own_runtime(postgres: PostgresServer, tmp_path: Path) -> Iterator[Runtime]:
    runtime = open_runtime(Settings(data_dir=tmp_path / "data", database_url=postgres.url, person="tester"))
    yield runtime
    runtime.close()


def test_work_goes_on_by_itself(postgres: PostgresServer, own_runtime: Runtime, open_page: OpenPage) -> None:
    queue = make_queue(own_runtime, 4)
    with AppServer(own_runtime.data_dir, database_url=postgres.url) as app:
        page = open_page(person="ann")
        open_label(page, app, queue)
        page.keyboard.press("Enter")
        expect_card(page, queue, 2)
        postgres.stop()
        page.keyboard.press("2")
        notice = page.get_by_text("The database cannot be reached just now.")
        expect(notice).to_be_visible()
        postgres.start()
        expect_card(page, queue, 2)  # it was not confirmed: the same card again
        expect(notice).not_to_be_visible()
        page.keyboard.press("2")
        expect_card(page, queue, 3)
    assert [row.category_id for row in decisions(own_runtime, queue)] == list(queue.leaf_ids[:2])
