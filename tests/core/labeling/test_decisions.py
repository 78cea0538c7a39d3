"""Decisions: one row whatever is pressed twice, undo by a row of its own, the right label wins."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from core.errors import (
    AlreadyLabeled,
    AppError,
    Conflict,
    Forbidden,
    InvalidInput,
    LeaseLost,
    NotFound,
    UnknownCategory,
)
from core.labeling.decisions import (
    Decision,
    list_my_decisions,
    record_decision,
    undo_decision,
)
from core.labeling.progress import get_progress
from core.labeling.queue import claim_task, release_all, renew_lease, save_draft, skip_task
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import DecisionKind, LabelSource, TaskStatus
from db.tables import CategoryRow, DailyProgressRow, DecisionRow, LabelRow, TaskRow
from tests.core.labeling.shelf import (
    Shelf,
    add_campaign,
    annotator,
    change_row,
    count,
    expire_leases,
    fill_shelf,
    product_label,
)
from tests.core.labeling.test_queue import claim, run_together

LABEL = DecisionKind.LABEL


def label(runtime: Runtime, person: Actor, campaign: int, category: int, key: str | None = None) -> Decision:
    task = claim(runtime, person, campaign)
    return record_decision(runtime, person, task.id, LABEL, category, key or f"{person.name}-{task.id}")


def test_a_decision_is_label_task_and_count_in_one(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 3)
    campaign = add_campaign(runtime, shelf)
    task = claim(runtime, actor, campaign)
    made = record_decision(runtime, actor, task.id, LABEL, shelf.leaves[2], "k1", 3, 2.5, "  clear  ")
    assert (made.category_id, made.previous_category_id, made.model_version_id) == (
        shelf.leaves[2],
        shelf.leaves[0],
        shelf.version,
    )
    assert (made.suggestion_rank, made.seconds_spent, made.note) == (3, 2.5, "clear")
    assert product_label(runtime, task.product_id) == (shelf.leaves[2], LabelSource.HUMAN)
    assert count(runtime, LabelRow, LabelRow.decision_id == made.id, LabelRow.person_id == actor.person_id) == 1
    progress = get_progress(runtime, actor, campaign)
    assert (progress.n_tasks, progress.n_done, progress.n_mine_today, progress.n_mine) == (3, 1, 1, 1)
    assert progress.per_hour is None
    assert progress.fraction == pytest.approx(1 / 3)


def test_flags_write_no_label(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 2)
    campaign = add_campaign(runtime, shelf)
    for kind in (DecisionKind.CANNOT_TELL, DecisionKind.BAD_LISTING):
        task = claim(runtime, actor, campaign)
        made = record_decision(runtime, actor, task.id, kind, None, kind.value)
        assert (made.kind, made.category_id) == (kind, None)
    assert count(runtime, LabelRow, LabelRow.source == LabelSource.HUMAN) == 0
    assert product_label(runtime, shelf.products[0]) == (shelf.leaves[0], LabelSource.IMPORT)
    assert get_progress(runtime, actor, campaign).n_done == 2
    assert claim_task(runtime, actor, campaign) is None


def test_the_same_key_again_is_the_same_decision(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 2)
    campaign = add_campaign(runtime, shelf)
    made = label(runtime, actor, campaign, shelf.leaves[1], "k1")
    again = record_decision(runtime, actor, made.task_id, LABEL, shelf.leaves[1], "k1")
    assert again == made
    with pytest.raises(AlreadyLabeled):
        record_decision(runtime, actor, made.task_id, LABEL, shelf.leaves[3], "k2")
    with pytest.raises(Conflict, match="used for something else"):
        label(runtime, actor, campaign, shelf.leaves[1], "k1")
    assert count(runtime, TaskRow, TaskRow.status == TaskStatus.LEASED) == 1  # that failure took nothing away
    assert count(runtime, DecisionRow) == 1
    assert get_progress(runtime, actor, campaign).n_done == 1


@pytest.mark.parametrize("one_key", [True, False])
def test_eight_presses_at_once_make_one_row(runtime: Runtime, actor: Actor, one_key: bool) -> None:
    shelf = fill_shelf(runtime, 2)
    campaign = add_campaign(runtime, shelf)
    task = claim(runtime, actor, campaign)
    made: list[int] = []
    refused: list[AppError] = []
    start = threading.Barrier(8)

    def press(i: int) -> None:
        start.wait()
        try:
            key = "k" if one_key else f"k{i}"
            made.append(record_decision(runtime, actor, task.id, LABEL, shelf.leaves[1], key).id)
        except AlreadyLabeled as error:
            refused.append(error)

    run_together([lambda i=i: press(i) for i in range(8)])
    assert len(set(made)) == 1
    assert (len(made), len(refused)) == ((8, 0) if one_key else (1, 7))
    assert (count(runtime, DecisionRow), count(runtime, LabelRow, LabelRow.source == "human")) == (1, 1)
    assert get_progress(runtime, actor, campaign).n_done == 1


def test_only_a_leaf_in_use_can_be_given(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 1)
    campaign = add_campaign(runtime, shelf)
    task = claim(runtime, actor, campaign)
    change_row(runtime, CategoryRow, shelf.leaves[3], retired_at=utc_now())
    for wrong in (None, 10**9, shelf.men, shelf.leaves[3]):
        with pytest.raises(UnknownCategory):
            record_decision(runtime, actor, task.id, LABEL, wrong, "k1")
    assert renew_lease(runtime, actor, task.id).id == task.id
    assert count(runtime, DecisionRow) == 0


def test_what_cannot_be_recorded_says_why(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 2)
    campaign = add_campaign(runtime, shelf)
    task = claim(runtime, actor, campaign)
    with pytest.raises(LeaseLost):
        record_decision(runtime, annotator(runtime, "Mia"), task.id, LABEL, shelf.leaves[0], "k1")
    for key in ("", "x" * 65):
        with pytest.raises(InvalidInput):
            record_decision(runtime, actor, task.id, LABEL, shelf.leaves[0], key)
    with pytest.raises(InvalidInput):
        record_decision(runtime, actor, task.id, DecisionKind.UNDO, None, "k1")
    with pytest.raises(InvalidInput):
        record_decision(runtime, actor, task.id, LABEL, shelf.leaves[0], "k1", note="x" * 5_000)
    with pytest.raises(NotFound):
        record_decision(runtime, actor, task.id + 100, LABEL, shelf.leaves[0], "k1")
    skip_task(runtime, actor, task.id)
    with pytest.raises(LeaseLost):
        record_decision(runtime, actor, task.id, LABEL, shelf.leaves[0], "k1")


def test_an_expired_lease_counts_until_somebody_takes_it(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 2)
    campaign = add_campaign(runtime, shelf)
    claim(runtime, actor, campaign)
    expire_leases(runtime)
    made = label(runtime, actor, campaign, shelf.leaves[1])
    late = claim(runtime, actor, campaign)
    expire_leases(runtime)
    mia = annotator(runtime, "Mia")
    assert claim(runtime, mia, campaign).id == late.id
    with pytest.raises(LeaseLost):
        record_decision(runtime, actor, late.id, LABEL, shelf.leaves[1], "late")
    record_decision(runtime, mia, late.id, LABEL, shelf.leaves[0], "mia")
    with pytest.raises(AlreadyLabeled):
        record_decision(runtime, actor, late.id, LABEL, shelf.leaves[1], "late")
    assert made.task_id != late.id


def test_another_answer_under_the_same_key_is_not_swallowed(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 2)
    campaign = add_campaign(runtime, shelf)
    made = label(runtime, actor, campaign, shelf.leaves[1], "k1")
    for kind, category in ((LABEL, shelf.leaves[3]), (DecisionKind.CANNOT_TELL, None)):
        with pytest.raises(AlreadyLabeled):
            record_decision(runtime, actor, made.task_id, kind, category, "k1")
    assert count(runtime, DecisionRow) == 1


def test_undo_brings_the_task_back_and_the_import_label(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 3)
    campaign = add_campaign(runtime, shelf)
    made = label(runtime, actor, campaign, shelf.leaves[2], "k1")
    held = claim(runtime, actor, campaign)
    save_draft(runtime, actor, held.id, {"note": "wait"})
    back = undo_decision(runtime, actor, made.id, "u1")
    assert (back.id, back.product_id) == (made.task_id, shelf.products[0])
    assert claim(runtime, actor, campaign).id == back.id
    assert product_label(runtime, shelf.products[0]) == (shelf.leaves[0], LabelSource.IMPORT)
    assert get_progress(runtime, actor, campaign).n_done == 0
    assert [line.is_undone for line in list_my_decisions(runtime, actor)] == [True]
    redone = record_decision(runtime, actor, back.id, LABEL, shelf.leaves[3], "k2")
    following = claim(runtime, actor, campaign)
    assert (following.id, following.draft) == (held.id, {"note": "wait"})
    assert product_label(runtime, shelf.products[0]) == (shelf.leaves[3], LabelSource.HUMAN)
    assert record_decision(runtime, actor, back.id, LABEL, shelf.leaves[2], "k1") == made  # a late retry: no new row
    assert count(runtime, DecisionRow) == 3
    assert redone.id != made.id


def test_undo_twice_changes_nothing_more(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 3)
    campaign = add_campaign(runtime, shelf)
    made = label(runtime, actor, campaign, shelf.leaves[2], "k1")
    first = undo_decision(runtime, actor, made.id, "u1")
    second = label(runtime, actor, campaign, shelf.leaves[3], "k2")
    for key in ("u1", "u2"):
        task = undo_decision(runtime, actor, made.id, key)
        assert (task.id, task.lease_expires_at) == (first.id, None)  # decided again meanwhile, and it stays so
    assert product_label(runtime, shelf.products[0]) == (shelf.leaves[3], LabelSource.HUMAN)
    assert count(runtime, DecisionRow) == 3
    with pytest.raises(Conflict, match="used for something else"):
        undo_decision(runtime, actor, second.id, "u1")
    assert get_progress(runtime, actor, campaign).n_done == 1


def test_eight_undos_at_once_make_one_row(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 3)
    campaign = add_campaign(runtime, shelf)
    made = label(runtime, actor, campaign, shelf.leaves[2], "k1")
    claim(runtime, actor, campaign)
    tasks: list[int] = []
    run_together([lambda i=i: tasks.append(undo_decision(runtime, actor, made.id, f"u{i}").id) for i in range(8)])
    assert tasks == [made.task_id] * 8
    assert count(runtime, DecisionRow) == 2
    assert get_progress(runtime, actor, campaign).n_done == 0
    assert count(runtime, TaskRow, TaskRow.status == TaskStatus.LEASED) == 1


def test_a_chain_of_undos_falls_back_step_by_step(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 1)
    one, two = (add_campaign(runtime, shelf, name=name) for name in ("one", "two"))
    early = label(runtime, actor, one, shelf.leaves[1], "early")
    late = label(runtime, actor, two, shelf.leaves[2], "late")
    undo_decision(runtime, actor, late.id, "u1")
    assert product_label(runtime, shelf.products[0]) == (shelf.leaves[1], LabelSource.HUMAN)
    undo_decision(runtime, actor, early.id, "u2")
    assert product_label(runtime, shelf.products[0]) == (shelf.leaves[0], LabelSource.IMPORT)


def test_somebody_elses_later_decision_keeps_winning(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 5)
    unlabeled = shelf.products[4]
    campaign = add_campaign(runtime, shelf, [unlabeled], overlap=2)
    mia = annotator(runtime, "Mia")
    mine = label(runtime, actor, campaign, shelf.leaves[1])
    hers = label(runtime, mia, campaign, shelf.leaves[2])
    undo_decision(runtime, actor, mine.id, "u1")
    assert product_label(runtime, unlabeled) == (shelf.leaves[2], LabelSource.HUMAN)
    undo_decision(runtime, mia, hers.id, "u2")
    assert product_label(runtime, unlabeled) == (None, None)


def test_two_deciders_of_one_product_leave_the_later_label(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 1)
    people = [annotator(runtime, f"person {i}") for i in range(8)]
    campaign = add_campaign(runtime, shelf, overlap=8)
    held = [claim(runtime, person, campaign) for person in people]
    decide: list[Callable[[], object]] = [
        lambda i=i: record_decision(runtime, people[i], held[i].id, LABEL, shelf.leaves[i % 4], f"k{i}")
        for i in range(8)
    ]
    run_together(decide)
    with runtime.sessions.read() as session:
        last = session.query(LabelRow).order_by(LabelRow.id.desc()).first()
        assert product_label(runtime, shelf.products[0]) == (last.category_id, LabelSource.HUMAN)


def test_only_own_decisions_and_no_undo_of_an_undo(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 1)
    campaign = add_campaign(runtime, shelf)
    made = label(runtime, actor, campaign, shelf.leaves[1])
    with pytest.raises(Forbidden):
        undo_decision(runtime, annotator(runtime, "Mia"), made.id, "u1")
    with pytest.raises(NotFound):
        undo_decision(runtime, actor, made.id + 100, "u1")
    undo_decision(runtime, actor, made.id, "u1")
    with runtime.sessions.read() as session:
        undo = session.query(DecisionRow).filter_by(kind=DecisionKind.UNDO).one().id
    with pytest.raises(InvalidInput):
        undo_decision(runtime, actor, undo, "u2")


def test_an_undo_counts_off_the_day_of_its_decision(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 2)
    campaign = add_campaign(runtime, shelf)
    made = label(runtime, actor, campaign, shelf.leaves[1])
    yesterday = utc_now() - timedelta(days=1)
    change_row(runtime, DecisionRow, made.id, created_at=yesterday)
    with runtime.sessions.write() as session:
        session.query(DailyProgressRow).update({"day": yesterday.date()})
    label(runtime, actor, campaign, shelf.leaves[1])
    undo_decision(runtime, actor, made.id, "u1")
    progress = get_progress(runtime, actor, campaign)
    assert (progress.n_done, progress.n_mine_today, progress.n_mine) == (1, 1, 1)


def test_my_last_decisions(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 6)
    campaign = add_campaign(runtime, shelf)
    other = add_campaign(runtime, shelf, name="other")
    made = [label(runtime, actor, campaign, shelf.leaves[i % 4]) for i in range(4)]
    label(runtime, actor, other, shelf.leaves[0], "elsewhere")
    release_all(runtime, actor)
    undo_decision(runtime, actor, made[1].id, "u1")
    lines = list_my_decisions(runtime, actor, campaign, limit=3)
    assert [line.decision.id for line in lines] == [made[3].id, made[2].id, made[1].id]
    assert [line.is_undone for line in lines] == [False, False, True]
    assert lines[0].title == "상품 3 Trousers 100%_면"
    assert len(list_my_decisions(runtime, actor)) == 5
    assert list_my_decisions(runtime, annotator(runtime, "Mia")) == []
    speed = get_progress(runtime, actor, campaign).per_hour
    assert speed is not None
    assert speed > 60
    for one in made:
        change_row(runtime, DecisionRow, one.id, created_at=utc_now() - timedelta(hours=2))
    assert get_progress(runtime, actor, campaign).per_hour is None  # a pace is of the last hour


def test_a_shelf_without_a_model(runtime: Runtime, actor: Actor) -> None:
    shelf: Shelf = fill_shelf(runtime, 1, promoted=False)
    made = label(runtime, actor, add_campaign(runtime, shelf), shelf.leaves[1])
    assert made.model_version_id == shelf.version  # the campaign's own
