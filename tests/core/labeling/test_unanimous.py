"""What all agree on becomes gold in one go: once, with a note in the audit trail, and back in one go."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from core.errors import Forbidden, InvalidInput
from core.labeling import unanimous
from core.labeling.settling import count_gold, set_aside, settle
from core.labeling.unanimous import Unanimous, preview_unanimous, settle_unanimous, undo_batch
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import Actor
from db.enums import DecisionKind, LabelSource, Role
from db.tables import AuditRow, DecisionRow
from tests.core.labeling.crowd.votes_in import give_votes
from tests.core.labeling.shelf import Shelf, add_campaign, annotator, count, fill_shelf, product_label


@pytest.fixture
def shelf(runtime: Runtime) -> Shelf:
    return fill_shelf(runtime, 8)


@pytest.fixture
def reviewer(runtime: Runtime) -> Actor:
    return sign_in_local(runtime, "reviewer", Role.REVIEWER)


@pytest.fixture
def campaign(runtime: Runtime, shelf: Shelf) -> int:
    """0 and 1: two agree; 2: three agree; 3: they differ; 4: one cannot tell; 5: one vote; 6: set aside."""
    campaign = add_campaign(runtime, shelf, [], overlap=3)
    a, b, c, _ = shelf.leaves
    said: list[list[int | None]] = [[a, a], [c, c], [b, b, b], [a, b], [a, a, None], [a], [a, a]]
    votes = {
        product: [(f"p{j}", category) for j, category in enumerate(given)]
        for product, given in zip(shelf.products, said, strict=False)
    }
    give_votes(runtime, campaign, votes)
    set_aside(runtime, sign_in_local(runtime, "r2", Role.REVIEWER), shelf.products[6], DecisionKind.BAD_LISTING, "x")
    return campaign


def test_the_preview_says_what_would_become_gold(
    runtime: Runtime, shelf: Shelf, reviewer: Actor, campaign: int
) -> None:
    def places(**more: int) -> list[int]:
        found = preview_unanimous(runtime, reviewer, campaign, **more)
        return [shelf.products.index(one.product_id) for one in found]

    assert places() == [0, 1, 2]
    assert places(least=3) == [2]
    assert places(category_id=shelf.men) == [0, 2]
    assert count_gold(runtime) == 0
    with pytest.raises(InvalidInput):
        places(least=1)


def test_it_settles_them_once_and_takes_them_back_together(
    runtime: Runtime, shelf: Shelf, reviewer: Actor, campaign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.labeling.unanimous.CHUNK", 2)
    before = [product_label(runtime, product) for product in shelf.products]
    assert settle_unanimous(runtime, reviewer, campaign, "lot", note="all agreed") == 3
    assert product_label(runtime, shelf.products[1]) == (shelf.leaves[2], LabelSource.GOLD)
    assert settle_unanimous(runtime, reviewer, campaign, "lot") == 0
    assert settle_unanimous(runtime, reviewer, campaign, "again") == 0
    assert count(runtime, DecisionRow, DecisionRow.kind == DecisionKind.SETTLE) == 3
    mine = (AuditRow.action == "settle", AuditRow.person_id == reviewer.person_id)
    assert count(runtime, AuditRow, *mine) == 3
    assert count(runtime, AuditRow, AuditRow.action == "settle_unanimous", AuditRow.entity_id == campaign) == 2
    assert undo_batch(runtime, reviewer, "lot") == 3
    assert undo_batch(runtime, reviewer, "lot") == 0
    assert [product_label(runtime, product) for product in shelf.products] == before
    assert len(preview_unanimous(runtime, reviewer, campaign)) == 3


def test_what_was_settled_or_voted_otherwise_meanwhile_stays(
    runtime: Runtime, shelf: Shelf, reviewer: Actor, campaign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = sign_in_local(runtime, "r2", Role.REVIEWER)
    shown = preview_unanimous(runtime, reviewer, campaign)

    def look(*_: object) -> list[Unanimous]:
        settle(runtime, other, shelf.products[0], shelf.leaves[1], "k0")
        set_aside(runtime, other, shelf.products[1], DecisionKind.BAD_LISTING, "k1")
        return shown

    monkeypatch.setattr(unanimous, "preview_unanimous", look)
    assert settle_unanimous(runtime, reviewer, campaign, "lot") == 1
    assert product_label(runtime, shelf.products[0]) == (shelf.leaves[1], LabelSource.GOLD)
    assert product_label(runtime, shelf.products[1])[1] != LabelSource.GOLD
    assert product_label(runtime, shelf.products[2]) == (shelf.leaves[1], LabelSource.GOLD)


def test_only_what_was_shown_becomes_gold(runtime: Runtime, shelf: Shelf, reviewer: Actor, campaign: int) -> None:
    shown = preview_unanimous(runtime, reviewer, campaign)[:1]
    assert settle_unanimous(runtime, reviewer, campaign, "lot", shown=shown) == 1
    assert count_gold(runtime) == 1


def test_a_lot_is_taken_back_while_another_reviewer_settles(runtime: Runtime) -> None:
    shelf = fill_shelf(runtime, 60)
    campaign = add_campaign(runtime, shelf, [], overlap=2)
    a, b = shelf.leaves[:2]
    give_votes(runtime, campaign, {product: [("x", a), ("y", a)] for product in shelf.products})
    one, other = (sign_in_local(runtime, name, Role.REVIEWER) for name in ("r1", "r2"))
    assert settle_unanimous(runtime, one, campaign, "lot") == 60
    with ThreadPoolExecutor(1) as pool:
        undone = pool.submit(undo_batch, runtime, one, "lot")
        for product in reversed(shelf.products):
            settle(runtime, other, product, b, f"k{product}")
        assert undone.result() == 60
    assert {product_label(runtime, product) for product in shelf.products} == {(b, LabelSource.GOLD)}


def test_it_is_for_reviewers(runtime: Runtime, campaign: int) -> None:
    anna = annotator(runtime, "anna")
    with pytest.raises(Forbidden):
        preview_unanimous(runtime, anna, campaign)
    with pytest.raises(Forbidden):
        settle_unanimous(runtime, anna, campaign, "lot")
    with pytest.raises(Forbidden):
        undo_batch(runtime, anna, "lot")
