"""Copies to near-duplicates: rows of their own, nothing of anybody else's touched, one undo for all."""

import pytest

from core.errors import InvalidInput, LeaseLost
from core.labeling.card import get_card
from core.labeling.copies import LeftOutBecause, record_with_copies
from core.labeling.decisions import list_my_decisions, record_decision, undo_decision
from core.labeling.progress import get_progress
from core.labeling.queue import claim_task
from core.labeling.settling import set_aside
from core.runtime import Runtime
from core.types import Actor
from db.enums import DecisionKind, LabelSource, TaskStatus
from db.tables import DecisionRow, LabelRow, TaskRow
from tests.core.labeling.gold import group, make_gold, set_campaign
from tests.core.labeling.shelf import Shelf, add_campaign, annotator, count, fill_shelf, product_label
from tests.core.labeling.test_queue import claim, run_together

LABEL = DecisionKind.LABEL


@pytest.fixture
def shelf(runtime: Runtime) -> Shelf:
    """Six near-duplicates and four others."""
    shelf = fill_shelf(runtime, 10)
    group(runtime, shelf.products[:6])
    group(runtime, shelf.products[6:7], "alone")
    return shelf


def test_near_duplicates_get_the_same_label_and_their_tasks_are_done(
    runtime: Runtime, actor: Actor, shelf: Shelf
) -> None:
    campaign = add_campaign(runtime, shelf, shelf.products[:3])
    task = claim(runtime, actor, campaign)
    card = get_card(runtime, task)
    assert [one.product_id for one in card.neighbours] == shelf.products[1:6]
    assert [one.category_id for one in card.neighbours[2:4]] == [shelf.leaves[0], None]
    targets = [shelf.products[1], shelf.products[4]]  # the second is in no queue
    made = record_with_copies(runtime, actor, task.id, shelf.leaves[2], targets, "k1", note="same", suggestion_rank=2)
    assert [(one.product_id, one.task_id is None) for one in made.copies] == [(targets[0], False), (targets[1], True)]
    for copy in made.copies:
        assert (copy.copied_from_id, copy.batch_key, copy.category_id) == (made.decision.id, "k1", shelf.leaves[2])
        assert (copy.note, copy.suggestion_rank, copy.seconds_spent) == ("same", None, None)
        assert product_label(runtime, copy.product_id) == (shelf.leaves[2], LabelSource.HUMAN)
    assert made.left_out == ()
    assert (get_progress(runtime, actor, campaign).n_done, count(runtime, LabelRow, LabelRow.source == "human")) == (
        2,
        3,
    )
    assert claim(runtime, actor, campaign).product_id == shelf.products[2]
    again = record_with_copies(runtime, actor, task.id, shelf.leaves[2], targets, "k1")
    assert (again.decision, again.copies) == (made.decision, made.copies)
    assert count(runtime, DecisionRow) == 3


@pytest.mark.parametrize("which", [0, 1, 2])
def test_one_undo_takes_all_back_whichever_is_named(runtime: Runtime, actor: Actor, shelf: Shelf, which: int) -> None:
    campaign = add_campaign(runtime, shelf, shelf.products[:3])
    task = claim(runtime, actor, campaign)
    made = record_with_copies(runtime, actor, task.id, shelf.leaves[2], shelf.products[1:5:3], "k1")
    named = [made.decision, *made.copies][which]
    assert undo_decision(runtime, actor, named.id, "u1").id == task.id
    assert undo_decision(runtime, actor, made.decision.id, "u2").id == task.id  # no second time
    assert count(runtime, DecisionRow, DecisionRow.kind == DecisionKind.UNDO) == 3
    assert product_label(runtime, shelf.products[0]) == (shelf.leaves[0], LabelSource.IMPORT)
    assert product_label(runtime, shelf.products[4]) == (None, None)
    assert count(runtime, TaskRow, TaskRow.status == TaskStatus.OPEN) == 2
    assert all(line.is_undone for line in list_my_decisions(runtime, actor, campaign))
    assert get_progress(runtime, actor, campaign).n_done == 0
    assert claim(runtime, actor, campaign).id == task.id


def test_what_is_somebody_elses_is_left_out_and_named(runtime: Runtime, actor: Actor, shelf: Shelf) -> None:
    campaign = add_campaign(runtime, shelf)
    mia, jun = annotator(runtime, "Mia"), annotator(runtime, "Jun")
    task = claim(runtime, actor, campaign)
    held, decided = claim(runtime, mia, campaign), claim(runtime, jun, campaign)
    record_decision(runtime, jun, decided.id, LABEL, shelf.leaves[1], "jun")
    make_gold(runtime, [shelf.products[3]], shelf.leaves[3])
    set_aside(runtime, actor, shelf.products[4], DecisionKind.BAD_LISTING, "aside")
    made = record_with_copies(runtime, actor, task.id, shelf.leaves[2], shelf.products[1:6], "k1")
    assert [one.product_id for one in made.copies] == [shelf.products[5]]
    assert {one.product_id: one.reason for one in made.left_out} == {
        held.product_id: LeftOutBecause.TAKEN,
        decided.product_id: LeftOutBecause.DECIDED,
        shelf.products[3]: LeftOutBecause.DECIDED,
        shelf.products[4]: LeftOutBecause.DECIDED,
    }
    assert claim(runtime, mia, campaign).id == held.id
    assert product_label(runtime, shelf.products[3]) == (shelf.leaves[3], LabelSource.GOLD)
    assert product_label(runtime, decided.product_id) == (shelf.leaves[1], LabelSource.HUMAN)


def test_asked_for_it_goes_over_people_but_never_over_gold_or_their_tasks(
    runtime: Runtime, actor: Actor, shelf: Shelf
) -> None:
    one, two = add_campaign(runtime, shelf), add_campaign(runtime, shelf, shelf.products[:1], name="two")
    jun = annotator(runtime, "Jun")
    for _ in range(2):
        task = claim(runtime, jun, one)
        record_decision(runtime, jun, task.id, LABEL, shelf.leaves[1], f"jun {task.id}")
    make_gold(runtime, [shelf.products[3]], shelf.leaves[3])
    task = claim(runtime, actor, two)
    assert [near.is_decided for near in get_card(runtime, task).neighbours] == [True, False, True, False, False]
    made = record_with_copies(runtime, actor, task.id, shelf.leaves[2], shelf.products[1:4], "k1", over_people=True)
    assert [copy.product_id for copy in made.copies] == shelf.products[1:3]
    assert product_label(runtime, shelf.products[1]) == (shelf.leaves[2], LabelSource.HUMAN)
    assert product_label(runtime, shelf.products[3]) == (shelf.leaves[3], LabelSource.GOLD)
    undo_decision(runtime, actor, made.decision.id, "u1")
    assert product_label(runtime, shelf.products[1]) == (shelf.leaves[1], LabelSource.HUMAN)


def test_what_cannot_be_copied_says_so_and_nothing_is_written(runtime: Runtime, actor: Actor, shelf: Shelf) -> None:
    campaign = add_campaign(runtime, shelf)
    task = claim(runtime, actor, campaign)
    with pytest.raises(InvalidInput, match="near-duplicates only"):
        record_with_copies(runtime, actor, task.id, shelf.leaves[2], [shelf.products[7]], "k1")
    with pytest.raises(InvalidInput, match="12"):
        record_with_copies(runtime, actor, task.id, shelf.leaves[2], range(20), "k1")
    with pytest.raises(LeaseLost):
        record_with_copies(runtime, annotator(runtime, "Mia"), task.id, shelf.leaves[2], [shelf.products[1]], "k1")
    set_campaign(runtime, campaign, is_blind=True)
    with pytest.raises(InvalidInput, match="blind"):
        record_with_copies(runtime, actor, task.id, shelf.leaves[2], [shelf.products[1]], "k1")
    assert count(runtime, DecisionRow) == 0
    assert claim(runtime, actor, campaign).id == task.id


def test_what_several_people_decide_gets_no_copies(runtime: Runtime, actor: Actor, shelf: Shelf) -> None:
    campaign = add_campaign(runtime, shelf, shelf.products[:2], overlap=2)
    task = claim(runtime, actor, campaign)
    made = record_with_copies(runtime, actor, task.id, shelf.leaves[2], [shelf.products[1]], "k1")
    assert [one.reason for one in made.left_out] == [LeftOutBecause.SEVERAL]


def test_two_who_copy_to_each_others_products_both_go_on(runtime: Runtime, shelf: Shelf) -> None:
    campaigns = [
        add_campaign(runtime, shelf, shelf.products[i : i + 1], name=f"c{i}") for i in range(2)
    ]  # each other's product is in no queue of theirs
    people = [annotator(runtime, name) for name in ("Mia", "Jun")]
    tasks = [claim(runtime, person, campaign) for person, campaign in zip(people, campaigns, strict=True)]
    made = []

    def decide(i: int) -> None:
        other = [shelf.products[1 - i]]
        made.append(record_with_copies(runtime, people[i], tasks[i].id, shelf.leaves[i], other, f"k{i}"))

    run_together([lambda i=i: decide(i) for i in range(2)])
    assert len(made) == 2
    assert sum(len(one.copies) for one in made) <= 1  # who came second finds it decided, or in other hands
    assert claim_task(runtime, people[0], campaigns[0]) is None
