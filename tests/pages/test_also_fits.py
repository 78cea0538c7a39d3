"""'Also fits' on the labeling card: the next choice is a further category, and the card stays."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core.labeling.alternatives import list_alternatives
from core.runtime import Runtime
from tests.browser.shelf import Queue, decisions, make_queue
from tests.pages.test_label import press, title
from tests.roles import ADMIN


@pytest.fixture
def queue(sqlite_runtime: Runtime) -> Queue:
    return make_queue(sqlite_runtime, n=3)


@pytest.fixture
def page(open_page: Callable[[str], AppTest], queue: Queue) -> AppTest:
    return open_page("pages/label.py").run()


def accepted(runtime: Runtime, queue: Queue) -> list[int]:
    return [one.category_id for one in list_alternatives(runtime, ADMIN, queue.product_ids[0])]


def test_the_next_choice_is_a_further_category(page: AppTest, sqlite_runtime: Runtime, queue: Queue) -> None:
    press(page, "label.also.")
    press(page, "label.take.2")
    assert accepted(sqlite_runtime, queue) == [queue.leaf_ids[1]]
    assert decisions(sqlite_runtime, queue) == []
    assert title(page) == queue.title(1)
    press(page, "label.take.1")  # on again only by another press: this one decides
    assert title(page) == queue.title(2)
    assert len(decisions(sqlite_runtime, queue)) == 1
    assert accepted(sqlite_runtime, queue) == [queue.leaf_ids[1]]


def test_it_is_taken_back_by_a_press(page: AppTest, sqlite_runtime: Runtime, queue: Queue) -> None:
    press(page, "label.also.")
    press(page, "label.accept.")
    assert accepted(sqlite_runtime, queue) == [queue.leaf_ids[0]]
    press(page, "label.not_also.")
    assert accepted(sqlite_runtime, queue) == []
    assert title(page) == queue.title(1)


def test_pressed_twice_it_is_off(page: AppTest, sqlite_runtime: Runtime, queue: Queue) -> None:
    press(press(page, "label.also."), "label.also.")
    press(page, "label.take.2")
    assert accepted(sqlite_runtime, queue) == []
    assert title(page) == queue.title(2)


def test_it_does_not_pass_on_to_the_next_card(page: AppTest, sqlite_runtime: Runtime, queue: Queue) -> None:
    press(page, "label.also.")
    press(page, "label.skip.")
    press(page, "label.take.1")
    assert len(decisions(sqlite_runtime, queue)) == 1
    assert accepted(sqlite_runtime, queue) == []
