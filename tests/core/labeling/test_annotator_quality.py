"""Quality against gold: people of known accuracy are found, and only reviewers hear of it."""

import random
from collections.abc import Sequence

import pytest

from core.errors import Forbidden
from core.labeling.annotator_quality import Standing, Trend, list_quality
from core.labeling.category_tree import Miss
from core.labeling.settling import settle, undo_settlement
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import DecisionKind, Role
from db.tables import AcceptedAlternativeRow, DailyProgressRow, DecisionRow
from tests.core.labeling.shelf import Shelf, add_campaign, annotator, fill_shelf

GOLD = 0  # the leaf that everything is; leaf 1 is its sibling, 2 and 3 lie elsewhere


@pytest.fixture
def reviewer(runtime: Runtime) -> Actor:
    return sign_in_local(runtime, "reviewer", Role.REVIEWER)


def gold_shelf(runtime: Runtime, reviewer: Actor, n: int = 5) -> Shelf:
    shelf = fill_shelf(runtime, n)
    for product in shelf.products:
        settle(runtime, reviewer, product, shelf.leaves[GOLD], f"gold-{product}")
    return shelf


def answer_checks(runtime: Runtime, shelf: Shelf, name: str, said: Sequence[int | None], is_check: bool = True) -> None:
    """Answers to hidden checks, oldest first, as indexes of leaves; none: cannot tell."""
    person, now = annotator(runtime, name), utc_now()
    campaign = add_campaign(runtime, shelf, [], name=f"checks of {name}")
    with runtime.sessions.write() as session:
        counts = {"n_decisions": len(said), "n_gold": len(said) if is_check else 0}
        session.add(DailyProgressRow(campaign_id=campaign, person_id=person.person_id, day=now.date(), **counts))
        session.add_all(
            DecisionRow(
                idempotency_key=f"{name}-{is_check}-{i}",
                kind=DecisionKind.CANNOT_TELL if leaf is None else DecisionKind.LABEL,
                product_id=shelf.products[i % len(shelf.products)],
                person_id=person.person_id,
                category_id=None if leaf is None else shelf.leaves[leaf],
                is_gold_check=is_check,
                created_at=now,
            )
            for i, leaf in enumerate(said)
        )


def test_known_accuracies_are_found_and_who_is_surely_below_comes_first(runtime: Runtime, reviewer: Actor) -> None:
    shelf = gold_shelf(runtime, reviewer)
    dice = random.Random(7)
    truth = {"good": 0.95, "weak": 0.6, "middling": 0.78}
    for name, accuracy in truth.items():
        answer_checks(runtime, shelf, name, [GOLD if dice.random() < accuracy else 1 for _ in range(200)])
    answer_checks(runtime, shelf, "new", [1] * 29)
    found = list_quality(runtime, reviewer)
    assert [(person.name, person.standing) for person in found] == [
        ("weak", Standing.BELOW),
        ("middling", Standing.WATCH),
        ("good", Standing.GOOD),
        ("new", Standing.TOO_FEW),
    ]
    for person in found[:3]:
        assert person.right.n == 200
        assert person.right.low <= truth[person.name] <= person.right.high


def test_misses_are_told_apart_by_the_tree(runtime: Runtime, reviewer: Actor) -> None:
    shelf = gold_shelf(runtime, reviewer)
    answer_checks(runtime, shelf, "anna", [GOLD] * 6 + [1, 1, 2, None])
    (anna,) = list_quality(runtime, reviewer)
    assert anna.misses == {Miss.SIBLING: 2, Miss.ELSEWHERE: 1}
    assert (anna.right.n, anna.n_cannot_tell) == (9, 1)
    assert anna.closeness.value == pytest.approx(1 - (0.5 + 0.5 + 1) / 9)
    assert anna.closeness.low < anna.closeness.value < anna.closeness.high


def test_the_trend_is_told_when_it_is_sure(runtime: Runtime, reviewer: Actor) -> None:
    shelf = gold_shelf(runtime, reviewer)
    answer_checks(runtime, shelf, "falling", [GOLD] * 100 + [GOLD, 1] * 25)
    answer_checks(runtime, shelf, "rising", [GOLD, 1] * 50 + [GOLD] * 50)
    answer_checks(runtime, shelf, "steady", [GOLD] * 150)
    answer_checks(runtime, shelf, "new", [GOLD] * 40)
    trends = {person.name: person.trend for person in list_quality(runtime, reviewer)}
    assert trends == {
        "falling": Trend.FALLING,
        "rising": Trend.RISING,
        "steady": Trend.STEADY,
        "new": Trend.UNKNOWN,
    }


def test_only_checks_count_and_nobody_is_judged_by_their_own_word(runtime: Runtime, reviewer: Actor) -> None:
    shelf = gold_shelf(runtime, reviewer)
    answer_checks(runtime, shelf, "anna", [1] * 5, is_check=False)
    answer_checks(runtime, shelf, "reviewer", [GOLD] * 5)
    found = list_quality(runtime, reviewer)
    assert [(person.name, person.right.n) for person in found] == [("reviewer", 0)]


def test_an_answer_that_somebody_accepted_is_right_and_what_is_no_gold_any_more_is_no_check(
    runtime: Runtime, reviewer: Actor
) -> None:
    shelf = fill_shelf(runtime, 2)
    kept, lost = shelf.products
    settle(runtime, reviewer, kept, shelf.leaves[GOLD], "a")
    settled = settle(runtime, reviewer, lost, shelf.leaves[GOLD], "b")
    answer_checks(runtime, shelf, "anna", [1, 1])
    with runtime.sessions.write() as session:
        accepted = {"product_id": kept, "category_id": shelf.leaves[1], "person_id": reviewer.person_id}
        session.add(AcceptedAlternativeRow(**accepted, created_at=utc_now()))
    (anna,) = list_quality(runtime, reviewer)
    assert (anna.right.value, anna.right.n) == (0.5, 2)
    undo_settlement(runtime, reviewer, settled.id, "c")
    (anna,) = list_quality(runtime, reviewer)
    assert (anna.right.value, anna.right.n) == (1.0, 1)


@pytest.mark.parametrize("role", [Role.ANNOTATOR, Role.ANALYST, Role.OPERATOR])
def test_nobody_else_sees_it(runtime: Runtime, role: Role) -> None:
    with pytest.raises(Forbidden):
        list_quality(runtime, sign_in_local(runtime, "curious", role))
