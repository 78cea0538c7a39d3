"""Property: whatever people do in whatever order, no decision is lost or doubled: cards, copies, lots, skips, undos."""

import random
from collections import Counter
from contextlib import suppress

import pytest
import sqlalchemy as sa

from core.errors import Conflict, InvalidInput, NotFound
from core.labeling.bulk import LotAnswer, decide_lot, get_window, list_groups, list_suggested, reject_lot
from core.labeling.card import get_card
from core.labeling.copies import record_with_copies
from core.labeling.decisions import list_my_decisions, record_decision, undo_decision
from core.labeling.queue import claim_task, release_all, skip_task
from core.labeling.undoing import undo_lot
from core.runtime import Runtime
from core.types import Actor
from db.enums import DecisionKind, LabelSource, TaskStatus
from db.tables import DailyProgressRow, DecisionRow, LabelRow, ProductRow, TaskRow
from tests.core.labeling.gold import group, make_gold, set_campaign
from tests.core.labeling.shelf import Shelf, add_campaign, annotator, fill_shelf
from tests.core.labeling.test_queue import run_together

LABEL = DecisionKind.LABEL


class Walk:
    """One person doing whatever the dice say. `told` is what they were told is recorded and not taken back."""

    def __init__(self, runtime: Runtime, person: Actor, shelf: Shelf, campaigns: list[int], seed: int) -> None:
        self.runtime, self.person, self.shelf, self.campaigns = runtime, person, shelf, campaigns
        self.dice = random.Random(seed)
        self.told: set[int] = set()
        self.n = 0

    def step(self) -> None:
        campaign = self.dice.choice(self.campaigns)
        acts = [self.decide, self.decide, self.copy, self.lot, self.undo, self.undo, self.skip, self.leave]
        # A refusal: nothing was recorded, which is what is looked at in the end. Nobody waits in a circle (NotReady).
        with suppress(Conflict, InvalidInput, NotFound):
            self.dice.choice(acts)(campaign)

    def key(self) -> str:
        self.n += 1
        return f"{self.person.name}-{self.n}"

    def leaf(self) -> int:
        return self.dice.choice(self.shelf.leaves)

    def decide(self, campaign: int) -> None:
        if task := claim_task(self.runtime, self.person, campaign):
            kind = self.dice.choice([LABEL, LABEL, DecisionKind.CANNOT_TELL])
            category = self.leaf() if kind == LABEL else None
            key = self.key()
            for _ in range(self.dice.choice([1, 2])):  # pressed twice
                self.told.add(record_decision(self.runtime, self.person, task.id, kind, category, key).id)

    def copy(self, campaign: int) -> None:
        if task := claim_task(self.runtime, self.person, campaign):
            near = [one.product_id for one in get_card(self.runtime, task).neighbours]
            over = self.dice.random() < 0.3
            made = record_with_copies(self.runtime, self.person, task.id, self.leaf(), near, self.key(), over)
            self.told |= {made.decision.id, *(one.id for one in made.copies)}

    def lot(self, _campaign: int) -> None:
        campaign = self.campaigns[0]  # the other one has hidden checks: no lots
        window = get_window(self.runtime, self.person, campaign)
        groups = list_groups(window)
        if groups:
            found = list_suggested(window, groups[0].category_id, limit=4)
            ids = [one.product_id for one in found]
            if self.dice.random() < 0.2:
                reject_lot(self.runtime, self.person, campaign, ids[:1], self.key())
            answers = [LotAnswer(id_, LABEL, self.leaf()) for id_ in ids]
            made = decide_lot(self.runtime, self.person, campaign, answers, self.key())
            self.told |= {one.id for one in made.decisions}

    def undo(self, campaign: int) -> None:
        mine = list_my_decisions(self.runtime, self.person, None, 100)
        if not mine:
            return
        line = self.dice.choice(mine).decision
        if line.batch_key and self.dice.random() < 0.5:
            undo_lot(self.runtime, self.person, line.batch_key, self.key())
        else:
            undo_decision(self.runtime, self.person, line.id, self.key())
        lot = {one.decision.id for one in mine if line.batch_key and one.decision.batch_key == line.batch_key}
        self.told -= lot | {line.id}

    def skip(self, campaign: int) -> None:
        if task := claim_task(self.runtime, self.person, campaign):
            skip_task(self.runtime, self.person, task.id)

    def leave(self, campaign: int) -> None:
        release_all(self.runtime, self.person)


def check(runtime: Runtime, walks: list[Walk], campaigns: list[int]) -> None:
    with runtime.sessions.read() as session:
        rows = list(session.scalars(sa.select(DecisionRow).order_by(DecisionRow.id)))
        tasks = {row.id: row for row in session.scalars(sa.select(TaskRow))}
        labels = list(session.scalars(sa.select(LabelRow).order_by(LabelRow.id)))
        products = {row.id: row for row in session.scalars(sa.select(ProductRow))}
        days = list(session.scalars(sa.select(DailyProgressRow)))
    for name in ("is_gold_check", "copied_from_id", "batch_key", "undoes_id"):
        assert any(getattr(row, name) for row in rows), f"the walk never came to {name}"
    undone = {row.undoes_id for row in rows if row.undoes_id}
    standing = [row for row in rows if row.kind != DecisionKind.UNDO and row.id not in undone]
    answers = [row for row in standing if row.kind != DecisionKind.SETTLE]
    assert {row.id for row in answers} == set().union(*(walk.told for walk in walks))  # nothing lost, nothing more
    of_tasks = Counter(row.task_id for row in answers if row.task_id)
    assert set(of_tasks.values()) <= {1}  # one standing decision a task
    assert set(of_tasks) == {id_ for id_, task in tasks.items() if task.status == TaskStatus.DONE}
    for row in answers:
        if row.task_id:
            task = tasks[row.task_id]
            assert (task.annotator_id, task.product_id, task.is_gold) == (
                row.person_id,
                row.product_id,
                row.is_gold_check,
            )
    assert len({(row.person_id, row.campaign_id, row.product_id) for row in answers}) == len(answers)
    for campaign in campaigns:
        counted = sum(day.n_decisions for day in days if day.campaign_id == campaign)
        assert counted == sum(1 for row in answers if row.task_id and row.campaign_id == campaign)
        gold = sum(day.n_gold for day in days if day.campaign_id == campaign)
        assert gold == sum(1 for row in answers if row.is_gold_check and row.campaign_id == campaign)
    said = {row.id: row for row in standing}
    for id_, product in products.items():
        mine = [row for row in labels if row.product_id == id_ and (row.decision_id is None or row.decision_id in said)]
        rank = {LabelSource.IMPORT: 0, LabelSource.HUMAN: 1, LabelSource.GOLD: 2}
        winner = max(mine, key=lambda row: (rank[row.source], row.id), default=None)
        wanted = (winner.category_id, winner.source) if winner else (None, None)
        assert (product.category_id, product.label_source) == wanted
    assert len([row for row in labels if row.decision_id]) == len(
        [row for row in rows if row.kind in (LABEL, DecisionKind.SETTLE)]
    )
    lots = [
        {row.id in undone for row in rows if row.batch_key == key} for key in {row.batch_key for row in rows} - {None}
    ]
    assert all(len(lot) == 1 for lot in lots)  # a lot stands or is undone, whole


def start(runtime: Runtime, seed: int) -> tuple[list[Walk], list[int]]:
    shelf = fill_shelf(runtime, 24)
    make_gold(runtime, shelf.products[20:], shelf.leaves[3])
    for first in (0, 4, 8):
        group(runtime, shelf.products[first : first + 4], f"g{first}")
    one = add_campaign(runtime, shelf, shelf.products[:16])
    two = add_campaign(runtime, shelf, shelf.products[6:20], overlap=2, name="twice")
    set_campaign(runtime, two, gold_rate=0.5)  # one has none: there products are decided by the lot
    people = [annotator(runtime, name) for name in ("Mia", "Jun", "Ada")]
    return [Walk(runtime, person, shelf, [one, two], seed + i) for i, person in enumerate(people)], [one, two]


@pytest.mark.parametrize("seed", [1, 2])
def test_one_after_the_other(runtime: Runtime, seed: int) -> None:
    walks, campaigns = start(runtime, 10 * seed)
    for n in range(90):
        walks[n % 3].step()
    check(runtime, walks, campaigns)


def test_at_once(runtime: Runtime) -> None:
    walks, campaigns = start(runtime, 5)
    run_together([lambda walk=walk: [walk.step() for _ in range(30)] for walk in walks])
    check(runtime, walks, campaigns)
