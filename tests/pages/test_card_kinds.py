"""Blind cards, A-or-B cards, new-leaf cards and near-duplicates on the labeling page."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core.people import sign_in_local
from core.runtime import Runtime
from core.types import utc_now
from db.enums import CampaignKind, DecisionKind, LabelSource
from db.tables import CategoryExampleRow
from tests.browser.shelf import Queue, decisions, make_queue
from tests.core.labeling.gold import group, set_campaign
from tests.core.labeling.shelf import product_label
from tests.pages.test_label import press, title

PAGE = "pages/label.py"
OpenPage = Callable[[str], AppTest]


@pytest.fixture
def queue(sqlite_runtime: Runtime) -> Queue:
    return make_queue(sqlite_runtime, n=4)


def words(page: AppTest) -> str:
    """All that stands on the page."""
    kinds = (page.markdown, page.caption, page.info, page.text)
    texts = [str(one.value) for kind in kinds for one in kind]
    return "\n".join([*texts, *(button.label for button in page.button), *(box.label for box in page.checkbox)])


def test_a_blind_card_says_why_it_offers_nothing(open_page: OpenPage, sqlite_runtime: Runtime, queue: Queue) -> None:
    group(sqlite_runtime, list(queue.product_ids))
    set_campaign(sqlite_runtime, queue.campaign_id, is_blind=True)
    page = open_page(PAGE).run()
    assert not page.exception
    assert title(page) == queue.title(1)
    assert "This campaign is blind" in page.info[0].value
    shown = words(page)
    for hidden in ("운동화", "바지", "60 %", "Label now", "Also fits", "Many at once", "near-duplicates"):
        assert hidden not in shown, hidden
    press(page, "label.cannot_tell.")
    (made,) = decisions(sqlite_runtime, queue)
    assert (made.is_blind, made.model_version_id, made.kind) == (True, None, DecisionKind.CANNOT_TELL)


def test_a_or_b_with_both_definitions(open_page: OpenPage, sqlite_runtime: Runtime, queue: Queue) -> None:
    first, other = queue.leaf_ids[0], queue.leaf_ids[4]
    set_campaign(sqlite_runtime, queue.campaign_id, kind=CampaignKind.AMBIGUOUS_PAIR, choices=[other, first])
    with sqlite_runtime.sessions.write() as session:
        for place, is_counter in ((2, False), (3, True)):
            session.add(
                CategoryExampleRow(
                    category_id=other,
                    product_id=queue.product_ids[place],
                    is_counterexample=is_counter,
                    person_id=sign_in_local(sqlite_runtime, "tester").person_id,
                    created_at=utc_now(),
                )
            )
    page = open_page(PAGE).run()
    takes = [button for button in page.button if (button.key or "").startswith("label.take.")]
    assert ["백팩" in takes[0].label, "바지" in takes[1].label, len(takes)] == [True, True, 2]
    shown = words(page)
    assert "Which of the two is it?" in shown
    assert "No leggings." in shown
    assert queue.title(3) in shown
    assert f"not here\\: {queue.title(4)}" in shown
    assert not [button for button in page.button if (button.key or "").startswith("label.accept.")]
    press(page, "label.take.1.")
    press(page, "label.take.2.")
    assert [(row.category_id, row.suggestion_rank) for row in decisions(sqlite_runtime, queue)] == [
        (other, 5),
        (first, 1),
    ]


def test_a_new_leaf_is_one_key_away_and_others_follow(
    open_page: OpenPage, sqlite_runtime: Runtime, queue: Queue
) -> None:
    leaf = queue.leaf_ids[3]
    set_campaign(sqlite_runtime, queue.campaign_id, kind=CampaignKind.NEW_LEAF, choices=[leaf])
    page = open_page(PAGE).run()
    takes = [button.label for button in page.button if (button.key or "").startswith("label.take.")]
    assert "치마" in takes[0]
    assert len(takes) == 5
    assert "Nobody has written down yet" in words(page)
    press(page, "label.accept.")
    press(page, "label.take.2.")
    assert [row.category_id for row in decisions(sqlite_runtime, queue)] == [leaf, queue.leaf_ids[0]]


def test_the_next_label_goes_to_ticked_near_duplicates(
    open_page: OpenPage, sqlite_runtime: Runtime, queue: Queue
) -> None:
    group(sqlite_runtime, list(queue.product_ids[:3]))
    page = open_page(PAGE).run()
    assert [queue.title(n) in box.label for n, box in zip((2, 3), page.checkbox, strict=True)] == [True, True]
    press(page, "label.near_all.")
    assert [box.value for box in page.checkbox] == [True, True]
    page.checkbox[1].uncheck().run()
    press(page, "label.take.2.")
    assert "Copied to 1 product" in page.toast[0].value
    assert title(page) == queue.title(3)
    made = decisions(sqlite_runtime, queue)
    assert [(row.product_id, row.copied_from_id) for row in made] == [
        (queue.product_ids[0], None),
        (queue.product_ids[1], made[0].id),
    ]
    decided = [box.label for box in page.checkbox if "decided" in box.label]
    assert len(decided) == 2
    press(page, "label.undo_last.")
    assert title(page) == queue.title(1)
    assert product_label(sqlite_runtime, queue.product_ids[1]) == (queue.leaf_ids[5], LabelSource.IMPORT)


@pytest.mark.parametrize(
    ("change", "is_offered"), [({"overlap": 1}, True), ({"gold_rate": 0.1}, False), ({"overlap": 2}, False)]
)
def test_many_at_once_is_offered_where_it_may_be(
    open_page: OpenPage, sqlite_runtime: Runtime, queue: Queue, change: dict[str, float], is_offered: bool
) -> None:
    set_campaign(sqlite_runtime, queue.campaign_id, **change)
    assert any(button.key == "label.bulk" for button in open_page(PAGE).run().button) == is_offered
