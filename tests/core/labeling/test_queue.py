"""The queue: best first, one task a person, nobody gets another's, what runs out goes on."""

import re
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from core.errors import InvalidInput, LeaseLost, NotFound, NotReady
from core.labeling.bulk import get_window, list_groups
from core.labeling.campaigns import list_choices
from core.labeling.card import get_card, peek_next
from core.labeling.decisions import list_my_decisions, record_decision, undo_decision
from core.labeling.progress import get_progress
from core.labeling.queue import (
    Task,
    claim_task,
    release_all,
    release_task,
    renew_lease,
    save_draft,
    skip_task,
)
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import CampaignStatus, DecisionKind, TaskStatus
from db.tables import CampaignRow, TaskRow
from tests.core.labeling.gold import group, make_gold, set_campaign
from tests.core.labeling.shelf import (
    add_campaign,
    add_version,
    annotator,
    change_row,
    count,
    expire_leases,
    fill_shelf,
    promote,
)


def claim(runtime: Runtime, person: Actor, campaign: int) -> Task:
    task = claim_task(runtime, person, campaign)
    assert task is not None
    return task


def decide(runtime: Runtime, person: Actor, task: Task, category: int) -> None:
    record_decision(runtime, person, task.id, DecisionKind.LABEL, category, f"{person.name}-{task.id}")


def test_best_first_and_a_reload_shows_the_same_task_with_its_draft(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 3)
    campaign = add_campaign(runtime, shelf)
    first = claim(runtime, actor, campaign)
    assert (first.product_id, first.position, first.draft) == (shelf.products[0], 0, {})
    save_draft(runtime, actor, first.id, {"note": "어느 쪽?"})
    again = claim(runtime, actor, campaign)
    assert (again.id, again.claimed_at, again.draft) == (first.id, first.claimed_at, {"note": "어느 쪽?"})
    assert again.lease_expires_at > first.lease_expires_at
    assert count(runtime, TaskRow, TaskRow.status == TaskStatus.LEASED) == 1


def test_two_people_get_different_tasks_and_none_when_nothing_is_left(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 2)
    campaign = add_campaign(runtime, shelf)
    mia, jun = annotator(runtime, "Mia"), annotator(runtime, "Jun")
    assert {claim(runtime, mia, campaign).product_id, claim(runtime, jun, campaign).product_id} == set(shelf.products)
    assert claim_task(runtime, actor, campaign) is None


def test_an_expired_lease_is_handed_on_first_without_the_draft(runtime: Runtime, actor: Actor) -> None:
    campaign = add_campaign(runtime, fill_shelf(runtime, 3))
    mia = annotator(runtime, "Mia")
    first = claim(runtime, actor, campaign)
    save_draft(runtime, actor, first.id, {"note": "mine"})
    expire_leases(runtime)
    taken = claim(runtime, mia, campaign)
    assert (taken.id, taken.draft) == (first.id, {})
    for lost in (renew_lease, skip_task):
        with pytest.raises(LeaseLost):
            lost(runtime, actor, first.id)
    with pytest.raises(LeaseLost):
        save_draft(runtime, actor, first.id, {})
    assert claim(runtime, actor, campaign).id != first.id


def test_an_expired_lease_that_nobody_took_is_still_mine(runtime: Runtime, actor: Actor) -> None:
    campaign = add_campaign(runtime, fill_shelf(runtime, 3))
    first = claim(runtime, actor, campaign)
    expire_leases(runtime)
    assert renew_lease(runtime, actor, first.id).lease_expires_at > utc_now()
    expire_leases(runtime)
    assert claim(runtime, actor, campaign).id == first.id


def test_skipped_tasks_come_last_in_the_order_they_were_skipped(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 4)
    campaign = add_campaign(runtime, shelf)
    first = claim(runtime, actor, campaign)
    save_draft(runtime, actor, first.id, {"note": "later"})
    skip_task(runtime, actor, first.id)
    second = claim(runtime, actor, campaign)
    skip_task(runtime, actor, second.id)
    assert claim(runtime, annotator(runtime, "Mia"), campaign).id == first.id
    release_all(runtime, annotator(runtime, "Mia"))
    seen = []
    for _ in range(2):
        task = claim(runtime, actor, campaign)
        seen.append(task.position)
        decide(runtime, actor, task, shelf.leaves[0])
    assert seen == [2, 3]
    revisited = claim(runtime, actor, campaign)
    assert (revisited.id, revisited.draft) == (first.id, {"note": "later"})
    skip_task(runtime, actor, first.id)
    assert claim(runtime, actor, campaign).id == second.id


def test_release_puts_back_where_it_stood(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 3)
    one, two = add_campaign(runtime, shelf), add_campaign(runtime, shelf, name="other")
    first = claim(runtime, actor, one)
    claim(runtime, actor, two)
    release_task(runtime, annotator(runtime, "Mia"), first.id)
    assert renew_lease(runtime, actor, first.id).id == first.id
    release_task(runtime, actor, first.id)
    assert claim(runtime, annotator(runtime, "Mia"), one).id == first.id
    claim(runtime, actor, one)
    assert release_all(runtime, actor) == 2


def test_paused_closed_and_unknown_campaigns_say_so(runtime: Runtime, actor: Actor) -> None:
    campaign = add_campaign(runtime, fill_shelf(runtime, 1))
    for status in (CampaignStatus.PAUSED, CampaignStatus.CLOSED):
        change_row(runtime, CampaignRow, campaign, status=status)
        with pytest.raises(NotReady, match=status.value):
            claim_task(runtime, actor, campaign)
    with pytest.raises(NotFound):
        claim_task(runtime, actor, campaign + 1)


@pytest.mark.parametrize("status", [CampaignStatus.PAUSED, CampaignStatus.CLOSED])
def test_what_somebody_holds_or_takes_back_can_be_decided_after_the_end(
    runtime: Runtime, actor: Actor, status: CampaignStatus
) -> None:
    shelf = fill_shelf(runtime, 3)
    campaign = add_campaign(runtime, shelf)
    held = claim(runtime, actor, campaign)
    save_draft(runtime, actor, held.id, {"note": "half"})
    change_row(runtime, CampaignRow, campaign, status=status)
    again = claim(runtime, actor, campaign)
    assert (again.id, again.claimed_at, again.draft) == (held.id, held.claimed_at, {"note": "half"})
    with pytest.raises(NotReady, match=status.value):
        claim_task(runtime, annotator(runtime, "Mia"), campaign)
    decision = record_decision(runtime, actor, held.id, DecisionKind.LABEL, shelf.leaves[0], "first")
    with pytest.raises(NotReady, match=status.value):
        claim_task(runtime, actor, campaign)
    undo_decision(runtime, actor, decision.id, "undo")
    assert claim(runtime, actor, campaign).id == held.id


def test_overlap_gives_a_product_to_different_people_only(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 3)
    campaign = add_campaign(runtime, shelf, overlap=2)
    done: dict[str, list[int]] = {}
    for person in (annotator(runtime, "Mia"), annotator(runtime, "Jun")):
        while task := claim_task(runtime, person, campaign):
            done.setdefault(person.name, []).append(task.product_id)
            decide(runtime, person, task, shelf.leaves[0])
    assert done == {"Mia": shelf.products, "Jun": shelf.products}
    assert claim_task(runtime, actor, campaign) is None


def test_with_overlap_tasks_behind_me_are_found_in_the_end(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 3)
    campaign = add_campaign(runtime, shelf, overlap=2)
    mia = annotator(runtime, "Mia")
    held = claim(runtime, actor, campaign)
    for _ in range(3):
        decide(runtime, mia, claim(runtime, mia, campaign), shelf.leaves[1])
    release_task(runtime, actor, held.id)
    assert claim_task(runtime, mia, campaign) is None
    assert claim(runtime, actor, campaign).position == 0


@pytest.mark.parametrize("overlap", [1, 2])
def test_eight_people_at_once_never_share_a_task(runtime: Runtime, overlap: int) -> None:
    shelf = fill_shelf(runtime, 40)
    campaign = add_campaign(runtime, shelf, overlap=overlap)
    people = [annotator(runtime, f"person {i}") for i in range(8)]
    got: list[tuple[int, int, int]] = []

    def work(person: Actor) -> None:
        while task := claim_task(runtime, person, campaign):
            got.append((task.id, task.product_id, person.person_id))
            decide(runtime, person, task, shelf.leaves[task.id % 4])

    run_together([lambda person=person: work(person) for person in people])
    assert len(got) == 40 * overlap
    assert max(Counter(task for task, _, _ in got).values()) == 1
    assert max(Counter((product, person) for _, product, person in got).values()) == 1
    assert count(runtime, TaskRow, TaskRow.status == TaskStatus.DONE) == 40 * overlap


def test_one_person_in_many_tabs_holds_one_task(runtime: Runtime, actor: Actor) -> None:
    campaign = add_campaign(runtime, fill_shelf(runtime, 10))
    got: list[int] = []
    run_together([lambda: got.append(claim(runtime, actor, campaign).id)] * 6)
    assert (len(got), len(set(got))) == (6, 1)
    assert count(runtime, TaskRow, TaskRow.status == TaskStatus.LEASED) == 1


def run_together(jobs: list) -> None:
    threads = [threading.Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_draft_has_a_bound(runtime: Runtime, actor: Actor) -> None:
    task = claim(runtime, actor, add_campaign(runtime, fill_shelf(runtime, 1)))
    with pytest.raises(InvalidInput):
        save_draft(runtime, actor, task.id, {"note": "x" * 30_000})


def test_the_card_shows_the_promoted_versions_suggestions(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 2)
    campaign = add_campaign(runtime, shelf, overlap=2)
    task = claim(runtime, actor, campaign)
    card = get_card(runtime, task)
    assert (card.product.title, card.product.mall, card.product.category_id) == ("상품 0 shirt", None, shelf.leaves[0])
    assert [category for category, _ in card.suggestions] == [shelf.leaves[0], shelf.leaves[2], shelf.leaves[3]]
    assert (card.model_version_name, card.overlap, card.n_done_of_product) == ("v1", 2, 0)
    assert card.margin == pytest.approx(0.1)
    with runtime.sessions.write() as session:  # a newer version, in use, that has not scored this product
        promote(session, actor, add_version(session, actor, utc_now(), "v2"), utc_now())
    assert get_card(runtime, task).model_version_name == "v1"


def test_peeking_takes_nothing(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 2)
    campaign = add_campaign(runtime, shelf)
    claim(runtime, actor, campaign)
    upcoming = peek_next(runtime, actor, campaign)
    assert upcoming is not None
    assert upcoming.product_id == shelf.products[1]
    twice = add_campaign(runtime, shelf, overlap=2, name="twice")
    claim(runtime, actor, twice)  # its other slot is for somebody else
    assert [peek_next(runtime, actor, twice).product_id for _ in range(2)] == [shelf.products[1]] * 2
    release_all(runtime, actor)
    claim(runtime, actor, campaign)
    assert count(runtime, TaskRow, TaskRow.status == TaskStatus.LEASED) == 1


def test_claiming_reads_an_index_and_sorts_nothing(sqlite_runtime: Runtime) -> None:
    from db import task_claims

    for overlapping in (False, True):
        statement = task_claims._claim_statement(overlapping)
        with sqlite_runtime.sessions.read() as session:
            compiled = str(statement.compile(dialect=session.get_bind().dialect))
            values = {"campaign": 1, "person": 1, "now": "2026", "expires": "2026"}
            plan = session.execute(sa.text(f"EXPLAIN QUERY PLAN {compiled.replace('?', '1')}"), values)
            steps = [row[3] for row in plan]
        assert not [step for step in steps if step.startswith("SCAN")], steps


def test_what_a_card_asks_does_not_grow_with_what_was_decided(sqlite_runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(sqlite_runtime, 5)
    for overlap in (1, 2):
        campaign = add_campaign(sqlite_runtime, shelf, overlap=overlap, name=f"by {overlap}")
        decide(sqlite_runtime, actor, claim(sqlite_runtime, actor, campaign), shelf.leaves[0])
        steps = plans_of(
            sqlite_runtime,
            lambda campaign=campaign: (
                list_my_decisions(sqlite_runtime, actor, campaign),
                get_progress(sqlite_runtime, actor, campaign),
                peek_next(sqlite_runtime, actor, campaign),
                list_choices(sqlite_runtime),
                list_groups(get_window(sqlite_runtime, actor, campaign)),
            ),
        )
        assert not [step for step in steps if re.match(r"SCAN (decisions|tasks|products|candidate|last|undo)", step)]
        mine = [step for step in steps if "(person_id=? AND campaign_id=?" in step]
        assert len(mine) == 2 + (overlap == 2), steps  # my list, my pace, my last position
        assert any("ix_tasks_open (campaign_id=? AND position>?)" in step for step in steps) == (overlap == 2)
        assert any("AS other" in step or "other USING" in step or "SEARCH other" in step for step in steps) == (
            overlap == 2
        )  # nobody asks of whom the product is


def plans_of(runtime: Runtime, ask: Callable[[], object]) -> list[str]:
    """The steps in which SQLite answers what `ask` asks."""
    asked: list[tuple[str, Any]] = []
    engine = runtime.sessions.engine

    def listen(connection: object, cursor: object, statement: str, parameters: Any, *_: object) -> None:
        asked.append((statement, parameters))

    sa.event.listen(engine, "before_cursor_execute", listen)
    ask()
    sa.event.remove(engine, "before_cursor_execute", listen)
    with engine.connect() as connection:
        plans = [
            connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            for statement, parameters in asked
            if statement.startswith(("SELECT", "WITH"))
        ]
    return [row[3] for plan in plans for row in plan]


def test_a_card_and_its_neighbours_are_found_by_index(sqlite_runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(sqlite_runtime, 8)
    group(sqlite_runtime, shelf.products[:4])
    make_gold(sqlite_runtime, shelf.products[6:], shelf.leaves[1])
    campaign = add_campaign(sqlite_runtime, shelf, shelf.products[:5])
    set_campaign(sqlite_runtime, campaign, gold_rate=1.0, choices=shelf.leaves[:2])

    def go_on() -> None:
        task = claim(sqlite_runtime, actor, campaign)
        get_card(sqlite_runtime, task)
        release_all(sqlite_runtime, actor)

    steps = plans_of(sqlite_runtime, go_on)
    big = "decisions|tasks|products|product_splits|labels|predictions|task_skips|candidate|last"
    assert not [step for step in steps if re.match(rf"SCAN ({big})\b", step)], steps
