"""Settling: gold outranks what people say before and after, once whatever is sent twice, and can be taken back."""

import pytest
import sqlalchemy as sa

from core.errors import Conflict, Forbidden, InvalidInput, NotFound, UnknownCategory
from core.labeling.decisions import record_decision, undo_decision
from core.labeling.queue import claim_task
from core.labeling.settling import (
    count_gold,
    find_last_settlement,
    list_gold,
    set_aside,
    settle,
    undo_settlement,
)
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import Actor
from db.enums import DecisionKind, LabelSource, Role
from db.labels_for_training import Verdict, count_undecidable, map_verdicts, now_in_labels
from db.tables import AuditRow, DecisionRow, LabelRow, ProductRow
from tests.core.labeling.shelf import Shelf, add_campaign, annotator, count, fill_shelf, product_label

GOLD, HUMAN, IMPORT = LabelSource.GOLD, LabelSource.HUMAN, LabelSource.IMPORT


@pytest.fixture
def shelf(runtime: Runtime) -> Shelf:
    return fill_shelf(runtime, 5)


@pytest.fixture
def reviewer(runtime: Runtime) -> Actor:
    return sign_in_local(runtime, "reviewer", Role.REVIEWER)


def vote(runtime: Runtime, name: str, campaign: int, category: int | None, kind: DecisionKind = DecisionKind.LABEL):
    person = annotator(runtime, name)
    task = claim_task(runtime, person, campaign)
    assert task is not None
    key = f"{name}-{campaign}-{task.id}"
    return record_decision(runtime, person, task.id, kind, category, key)


def verdict(runtime: Runtime, product: int) -> Verdict | None:
    with runtime.sessions.read() as session:
        return map_verdicts(session, product, product, now_in_labels(session)).get(product)


def test_a_settled_product_is_gold(runtime: Runtime, shelf: Shelf, reviewer: Actor) -> None:
    product = shelf.products[0]
    settled = settle(runtime, reviewer, product, shelf.leaves[2], "k", " sure ")
    assert (settled.kind, settled.note, settled.previous_category_id) == ("settle", "sure", shelf.leaves[0])
    assert product_label(runtime, product) == (shelf.leaves[2], GOLD)
    assert verdict(runtime, product) == Verdict(shelf.leaves[2], GOLD, DecisionKind.LABEL)
    line = list_gold(runtime, reviewer)[0]
    assert (line.product_id, line.category_id, line.person, line.note) == (product, shelf.leaves[2], "reviewer", "sure")
    assert count(runtime, AuditRow, AuditRow.action == "settle", AuditRow.entity_id == product) == 1


def test_the_same_key_settles_once(runtime: Runtime, shelf: Shelf, reviewer: Actor) -> None:
    product = shelf.products[0]
    first = settle(runtime, reviewer, product, shelf.leaves[2], "k")
    assert settle(runtime, reviewer, product, shelf.leaves[2], "k") == first
    assert count(runtime, LabelRow, LabelRow.source == GOLD) == count(runtime, DecisionRow) == 1
    with pytest.raises(Conflict):
        settle(runtime, reviewer, product, shelf.leaves[1], "k")


def test_the_latest_settlement_wins_and_an_undo_restores_the_one_before(
    runtime: Runtime, shelf: Shelf, reviewer: Actor
) -> None:
    product = shelf.products[0]
    first = settle(runtime, reviewer, product, shelf.leaves[2], "1")
    second = settle(runtime, reviewer, product, shelf.leaves[3], "2")
    assert product_label(runtime, product) == (shelf.leaves[3], GOLD)
    other = sign_in_local(runtime, "other", Role.REVIEWER)
    assert undo_settlement(runtime, other, second.id, "3").is_undone
    assert product_label(runtime, product) == (shelf.leaves[2], GOLD)
    assert verdict(runtime, product) == Verdict(shelf.leaves[2], GOLD, DecisionKind.LABEL)
    undo_settlement(runtime, other, second.id, "3")
    undo_settlement(runtime, other, second.id, "4")
    undo_settlement(runtime, reviewer, first.id, "5")
    assert product_label(runtime, product) == (shelf.leaves[0], IMPORT)
    assert count(runtime, DecisionRow, DecisionRow.kind == "undo", DecisionRow.person_id == other.person_id) == 1
    assert count(runtime, AuditRow, AuditRow.action == "undo_settlement") == 2


def test_gold_outranks_decisions_before_and_after_it(runtime: Runtime, shelf: Shelf, reviewer: Actor) -> None:
    product = shelf.products[0]
    campaign = add_campaign(runtime, shelf, [product], overlap=3)
    vote(runtime, "anna", campaign, shelf.leaves[1])
    settled = settle(runtime, reviewer, product, shelf.leaves[2], "k", campaign_id=campaign)
    late = vote(runtime, "ben", campaign, shelf.leaves[3])
    assert product_label(runtime, product) == (shelf.leaves[2], GOLD)
    undo_decision(runtime, annotator(runtime, "ben"), late.id, "u")
    assert product_label(runtime, product) == (shelf.leaves[2], GOLD)
    vote(runtime, "cleo", campaign, None, DecisionKind.CANNOT_TELL)
    assert verdict(runtime, product) == Verdict(shelf.leaves[2], GOLD, DecisionKind.LABEL)
    with runtime.sessions.read() as session:
        assert count_undecidable(session) == {}
    undo_settlement(runtime, reviewer, settled.id, "back")
    assert product_label(runtime, product) == (shelf.leaves[1], HUMAN)
    assert verdict(runtime, product) == Verdict(None, HUMAN, DecisionKind.CANNOT_TELL)
    with runtime.sessions.read() as session:
        assert count_undecidable(session) == {"cannot_tell": 1}


def test_what_nobody_can_tell_is_set_aside(runtime: Runtime, shelf: Shelf, reviewer: Actor) -> None:
    product = shelf.products[0]
    aside = set_aside(runtime, reviewer, product, DecisionKind.BAD_LISTING, "k", "two products")
    assert verdict(runtime, product) == Verdict(None, HUMAN, DecisionKind.BAD_LISTING)
    assert count_gold(runtime) == 0
    assert find_last_settlement(runtime, reviewer) == aside
    undo_settlement(runtime, reviewer, aside.id, "u")
    assert find_last_settlement(runtime, reviewer) is None
    assert product_label(runtime, product) == (shelf.leaves[0], IMPORT)
    settle(runtime, reviewer, product, shelf.leaves[0], "g")
    with pytest.raises(Conflict):
        set_aside(runtime, reviewer, product, DecisionKind.CANNOT_TELL, "k2")
    with pytest.raises(InvalidInput):
        set_aside(runtime, reviewer, product, DecisionKind.LABEL, "k3")


def test_gold_is_listed_page_by_page(runtime: Runtime, shelf: Shelf, reviewer: Actor) -> None:
    for product in shelf.products:
        settle(runtime, reviewer, product, shelf.leaves[1], f"k{product}")
    first = list_gold(runtime, reviewer, limit=3)
    rest = list_gold(runtime, reviewer, before_id=first[-1].product_id, limit=3)
    assert [line.product_id for line in first + rest] == shelf.products[::-1]
    assert count_gold(runtime) == 5


def test_only_reviewers_settle(runtime: Runtime, shelf: Shelf, reviewer: Actor) -> None:
    anna, product = annotator(runtime, "anna"), shelf.products[0]
    settled = settle(runtime, reviewer, product, shelf.leaves[1], "k")
    with pytest.raises(Forbidden):
        settle(runtime, anna, product, shelf.leaves[1], "a")
    with pytest.raises(Forbidden):
        set_aside(runtime, anna, product, DecisionKind.CANNOT_TELL, "a")
    with pytest.raises(Forbidden):
        undo_settlement(runtime, anna, settled.id, "a")
    with pytest.raises(Forbidden):
        list_gold(runtime, anna)


def test_what_cannot_be_settled_is_refused_and_leaves_nothing(runtime: Runtime, shelf: Shelf, reviewer: Actor) -> None:
    product = shelf.products[0]
    with pytest.raises(UnknownCategory):
        settle(runtime, reviewer, product, shelf.men, "a")
    with pytest.raises(NotFound):
        settle(runtime, reviewer, 10**9, shelf.leaves[0], "b")
    with pytest.raises(NotFound):
        undo_settlement(runtime, reviewer, 10**9, "c")
    with pytest.raises(InvalidInput):
        settle(runtime, reviewer, product, shelf.leaves[0], "")
    assert count(runtime, DecisionRow) == count(runtime, AuditRow, AuditRow.action == "settle") == 0
    decided = vote(runtime, "anna", add_campaign(runtime, shelf, [product]), shelf.leaves[1])
    with pytest.raises(InvalidInput):
        undo_settlement(runtime, reviewer, decided.id, "d")


def test_gold_of_an_import_is_not_set_aside_either(runtime: Runtime, shelf: Shelf, reviewer: Actor) -> None:
    product = shelf.products[0]
    with runtime.sessions.write() as session:
        of_product = LabelRow.product_id == product
        session.execute(sa.update(LabelRow).where(of_product).values(source=GOLD))
        session.execute(sa.update(ProductRow).where(ProductRow.id == product).values(label_source=GOLD))
    with pytest.raises(Conflict):
        set_aside(runtime, reviewer, product, DecisionKind.CANNOT_TELL, "aside")
    assert not count(runtime, DecisionRow)
