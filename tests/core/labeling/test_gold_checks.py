"""Hidden gold checks: handed out at their rate, to one person, looking like any other card, changing nothing."""

from collections import Counter
from datetime import timedelta

import pytest
import sqlalchemy as sa

from core.labeling import gold_checks
from core.labeling.campaigns import get_campaign
from core.labeling.card import get_card
from core.labeling.decisions import list_my_decisions, record_decision, undo_decision
from core.labeling.progress import get_progress
from core.labeling.queue import Task, claim_task, release_all, renew_lease, save_draft, skip_task
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import CampaignKind, CampaignStatus, DecisionKind, LabelSource, NoiseMethod, NoiseVerdict, TaskStatus
from db.tables import CategoryRow, DailyProgressRow, DecisionRow, LabelIssueRow, TaskRow
from tests.core.labeling.gold import make_gold, set_campaign
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


@pytest.fixture
def shelf(runtime: Runtime) -> Shelf:
    """Twenty products; the last ten are gold, in leaf 3, and in no queue."""
    shelf = fill_shelf(runtime, 20)
    make_gold(runtime, shelf.products[10:], shelf.leaves[3])
    return shelf


def checked_campaign(runtime: Runtime, shelf: Shelf, rate: float = 1.0, **values: object) -> int:
    campaign = add_campaign(runtime, shelf, shelf.products[:10])
    set_campaign(runtime, campaign, gold_rate=rate, **values)
    return campaign


def is_check(runtime: Runtime, task: Task) -> bool:
    with runtime.sessions.read() as session:
        return session.get_one(TaskRow, task.id).is_gold


def decide(runtime: Runtime, person: Actor, task: Task, category: int):  # type: ignore[no-untyped-def]
    return record_decision(runtime, person, task.id, LABEL, category, f"{task.id}-{task.claimed_at}")


def first_check(runtime: Runtime, person: Actor, campaign: int) -> Task:
    """With the rate 1 the first card is one."""
    task = claim(runtime, person, campaign)
    assert is_check(runtime, task)
    return task


def test_a_check_looks_like_any_card_and_changes_no_label(runtime: Runtime, actor: Actor, shelf: Shelf) -> None:
    campaign = checked_campaign(runtime, shelf)
    task = first_check(runtime, actor, campaign)
    assert task.product_id in shelf.products[10:]
    assert (task.slot, task.position) == (0, 0)
    card = get_card(runtime, task)
    labeled = shelf.products.index(task.product_id) % 5 != 4
    wanted = (shelf.leaves[0], LabelSource.IMPORT) if labeled else (None, None)
    assert (card.product.category_id, card.product.label_source) == wanted
    assert (card.overlap, card.n_done_of_product) == (1, 0)
    assert card.suggestions
    made = decide(runtime, actor, task, shelf.leaves[1])
    assert made.previous_category_id == wanted[0]  # as the card showed it
    assert not hasattr(made, "is_gold_check")
    assert count(runtime, DecisionRow, DecisionRow.is_gold_check.is_(True)) == 1
    assert product_label(runtime, task.product_id) == (shelf.leaves[3], LabelSource.GOLD)
    (mine,) = list_my_decisions(runtime, actor, campaign)
    assert mine.decision == made


def test_early_on_no_two_checks_follow_one_another_and_all_is_decided_in_the_end(
    runtime: Runtime, actor: Actor, shelf: Shelf
) -> None:
    campaign = checked_campaign(runtime, shelf)
    kinds = []
    while task := claim_task(runtime, actor, campaign):
        kinds.append(is_check(runtime, task))
        decide(runtime, actor, task, shelf.leaves[0])
    assert kinds[:4] == [True, False, True, True]
    assert Counter(kinds) == {True: 10, False: 10}  # each gold product once, then the queue
    assert not kinds[-1]  # and none when nothing else is left
    with runtime.sessions.read() as session:
        (day,) = session.scalars(sa.select(DailyProgressRow)).all()
        assert (day.n_decisions, day.n_gold) == (20, 10)
    found = get_campaign(runtime, campaign)
    assert (found.n_tasks, found.n_done) == (10, 10)
    progress = get_progress(runtime, actor, campaign)
    assert (progress.n_done, progress.n_left, progress.n_mine) == (progress.n_tasks, 0, 20)


def test_the_share_is_that_of_the_rate(runtime: Runtime, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = fill_shelf(runtime, 60)
    make_gold(runtime, shelf.products[40:], shelf.leaves[3])
    campaign = add_campaign(runtime, shelf, shelf.products[:40])
    set_campaign(runtime, campaign, gold_rate=0.25)
    rolled = iter([0.9, 0.2, 0.5] * 40)

    class Dice:
        random = staticmethod(lambda: next(rolled))
        randrange = staticmethod(lambda low, high: -(count(runtime, TaskRow) % 30_000) - 1)

    monkeypatch.setattr(gold_checks, "_dice", Dice)
    seen = []
    for _ in range(12):
        task = claim(runtime, actor, campaign)
        seen.append(is_check(runtime, task))
        decide(runtime, actor, task, shelf.leaves[0])
    # 0.9 no; 0.2 yes (0.5 is where to look); 0.9 no; ...
    assert seen == [False, True] * 6


def test_numbers_move_after_a_check_as_after_any_card(runtime: Runtime, actor: Actor, shelf: Shelf) -> None:
    campaign = checked_campaign(runtime, shelf, 0.5)
    before = get_progress(runtime, actor, campaign)
    set_campaign(runtime, campaign, gold_rate=1.0)
    task = first_check(runtime, actor, campaign)
    set_campaign(runtime, campaign, gold_rate=0.5)
    decide(runtime, actor, task, shelf.leaves[0])
    after = get_progress(runtime, actor, campaign)
    assert (before.n_tasks, before.n_done, before.n_left) == (20, 0, 10)
    assert (after.n_tasks, after.n_done, after.n_mine_today, after.n_left) == (20, 1, 1, 10)


def test_a_reload_and_other_tabs_find_the_same_check(runtime: Runtime, actor: Actor, shelf: Shelf) -> None:
    campaign = checked_campaign(runtime, shelf)
    got: list[int] = []
    run_together([lambda: got.append(claim(runtime, actor, campaign).id)] * 6)
    assert (len(got), len(set(got))) == (6, 1)
    task = first_check(runtime, actor, campaign)
    save_draft(runtime, actor, task.id, {"note": "odd"})
    assert claim(runtime, actor, campaign).draft == {"note": "odd"}
    assert renew_lease(runtime, actor, task.id).id == task.id
    assert count(runtime, TaskRow, TaskRow.is_gold.is_(True)) == 1


def test_people_at_once_get_checks_of_their_own(runtime: Runtime, shelf: Shelf) -> None:
    campaign = checked_campaign(runtime, shelf)
    people = [annotator(runtime, f"person {i}") for i in range(4)]
    done: list[tuple[int, int, bool]] = []

    def work(person: Actor) -> None:
        while task := claim_task(runtime, person, campaign):
            decide(runtime, person, task, shelf.leaves[0])
            done.append((task.product_id, person.person_id, is_check(runtime, task)))

    run_together([lambda person=person: work(person) for person in people])
    assert max(Counter((product, person) for product, person, _ in done).values()) == 1
    assert sorted(product for product, _, check in done if not check) == shelf.products[:10]
    assert get_campaign(runtime, campaign).n_done == 10
    assert count(runtime, DecisionRow, DecisionRow.kind == LABEL) == len(done)


def test_nobody_else_is_given_a_check_whatever_becomes_of_it(runtime: Runtime, actor: Actor, shelf: Shelf) -> None:
    campaign = checked_campaign(runtime, shelf)
    mia = annotator(runtime, "Mia")
    task = first_check(runtime, actor, campaign)
    set_campaign(runtime, campaign, gold_rate=0.0)
    expire_leases(runtime)
    assert claim(runtime, mia, campaign).product_id == shelf.products[0]
    release_all(runtime, mia)
    assert claim(runtime, actor, campaign).id == task.id  # still theirs
    assert release_all(runtime, actor) == 1  # signed out
    assert claim(runtime, mia, campaign).product_id == shelf.products[0]
    again = claim(runtime, actor, campaign)
    assert again.id == task.id
    assert again.claimed_at != task.claimed_at  # another card, as with every task that was given back


def test_a_skipped_check_comes_back_at_the_end(runtime: Runtime, actor: Actor, shelf: Shelf) -> None:
    campaign = checked_campaign(runtime, shelf)
    check = first_check(runtime, actor, campaign)
    skip_task(runtime, actor, check.id)
    following = claim(runtime, actor, campaign)
    assert not is_check(runtime, following)  # early on not another one
    set_campaign(runtime, campaign, gold_rate=0.0)
    seen = []
    while task := claim_task(runtime, actor, campaign):
        seen.append(task.id)
        decide(runtime, actor, task, shelf.leaves[0])
    assert seen[-1] == check.id
    assert len(seen) == 11
    assert count(runtime, TaskRow, TaskRow.status == TaskStatus.CANCELLED) == 0


def test_a_check_in_hand_comes_next_after_an_undo(runtime: Runtime, actor: Actor, shelf: Shelf) -> None:
    campaign = checked_campaign(runtime, shelf, 0.0)
    made = decide(runtime, actor, claim(runtime, actor, campaign), shelf.leaves[1])
    set_campaign(runtime, campaign, gold_rate=1.0)
    check = first_check(runtime, actor, campaign)
    assert undo_decision(runtime, actor, made.id, "u1").id == made.task_id
    assert claim(runtime, annotator(runtime, "Mia"), campaign).id != check.id
    decide(runtime, actor, claim(runtime, actor, campaign), shelf.leaves[2])
    assert claim(runtime, actor, campaign).id == check.id
    mine = decide(runtime, actor, claim(runtime, actor, campaign), shelf.leaves[2])
    assert undo_decision(runtime, actor, mine.id, "u2").id == check.id
    with runtime.sessions.read() as session:
        row = session.scalars(sa.select(DailyProgressRow)).one()
        assert (row.n_decisions, row.n_gold) == (1, 0)
    assert product_label(runtime, check.product_id) == (shelf.leaves[3], LabelSource.GOLD)


def test_who_is_never_asked_and_what_never(runtime: Runtime, actor: Actor, shelf: Shelf) -> None:
    rita = annotator(runtime, "Rita")  # who settled them all
    campaign = checked_campaign(runtime, shelf)
    assert not is_check(runtime, claim(runtime, rita, campaign))
    release_all(runtime, rita)
    change_row(runtime, CategoryRow, shelf.leaves[3], retired_at=utc_now())
    assert not is_check(runtime, claim(runtime, actor, campaign))
    release_all(runtime, actor)
    change_row(runtime, CategoryRow, shelf.leaves[3], retired_at=None)
    for values in (
        {"status": CampaignStatus.BUILDING},
        {"choices": shelf.leaves[:2], "kind": CampaignKind.AMBIGUOUS_PAIR},
        {"filter": {"source": "elsewhere"}},
        {"kind": CampaignKind.LABEL_ISSUES},
    ):
        set_campaign(runtime, campaign, **values)
        assert not is_check(runtime, claim(runtime, actor, campaign)), values
        release_all(runtime, actor)
        set_campaign(
            runtime, campaign, status=CampaignStatus.ACTIVE, choices=None, filter={}, kind=CampaignKind.LOW_CONFIDENCE
        )
    set_campaign(runtime, campaign, choices=shelf.leaves[2:], filter={"source": "shop"})
    assert is_check(runtime, claim(runtime, actor, campaign))


def test_a_gold_product_that_is_queued_anyway_is_no_check(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 3)
    make_gold(runtime, shelf.products[2:], shelf.leaves[3])
    campaign = add_campaign(runtime, shelf)
    set_campaign(runtime, campaign, gold_rate=1.0)
    seen = []
    while task := claim_task(runtime, actor, campaign):
        seen.append((task.product_id, is_check(runtime, task)))
        decide(runtime, actor, task, shelf.leaves[0])
    assert seen == [(product, False) for product in shelf.products]


def test_in_a_campaign_about_suspected_labels_a_check_looks_suspected(
    runtime: Runtime, actor: Actor, shelf: Shelf
) -> None:
    campaign = checked_campaign(runtime, shelf, kind=CampaignKind.LABEL_ISSUES)
    with runtime.sessions.write() as session:
        session.add(
            LabelIssueRow(
                product_id=shelf.products[12],
                method=NoiseMethod.CONFIDENT_LEARNING,
                verdict=NoiseVerdict.ISSUE,
                given_category_id=shelf.leaves[0],
                suggested_category_id=shelf.leaves[3],
                label_quality_score=0.05,
                created_at=utc_now() - timedelta(days=1),
            )
        )
    task = first_check(runtime, actor, campaign)
    card = get_card(runtime, task)
    assert task.product_id == shelf.products[12]
    assert card.is_about_issue
    assert card.issue is not None
    assert (card.issue.given_category_id, card.product.category_id) == (shelf.leaves[0], shelf.leaves[0])
