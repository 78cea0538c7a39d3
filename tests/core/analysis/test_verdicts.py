"""Verdicts and pooling: right in clear cases, none under 30 products, few by chance among many categories."""

import random

import pytest

from core.analysis.paired_errors import ErrorSums, Judged
from core.analysis.sampling import Part, Sampled, Sampling, part_of
from core.analysis.verdicts import Node, Verdict, VerdictRules, error_rows, group_leaves
from tests.core.analysis.test_paired_errors import simulate

# 1 > (10 > 100, 101, 102; 11 > 110); 2 > 20 > 200
PARENTS = {1: None, 2: None, 10: 1, 11: 1, 20: 2, 100: 10, 101: 10, 102: 10, 110: 11, 200: 20}


def node(category_id: int) -> Node:
    parent, depth = PARENTS[category_id], 1
    while parent is not None and PARENTS[parent] is not None:
        parent, depth = PARENTS[parent], depth + 1
    return Node(category_id, PARENTS[category_id], depth + (PARENTS[category_id] is not None))


def verdict(people: float, model: float, n: int, **rules: float) -> Verdict:
    sums = simulate(random.Random(5), n, people, model, (2, 3), 0.3)
    rows = error_rows([(100, False, (100,))], {100: sums}, 0.1, True, VerdictRules(**rules))  # type: ignore[arg-type]
    return rows[0].verdict


def test_clear_cases() -> None:
    assert verdict(0.30, 0.08, 200) == Verdict.MODEL
    assert verdict(0.05, 0.25, 200) == Verdict.PEOPLE
    assert verdict(0.15, 0.15, 200) == Verdict.UNCLEAR
    assert verdict(0.50, 0.55, 200) == Verdict.BOTH_FAIL
    assert verdict(0.50, 0.50, 200, both_fail_above=0.7) == Verdict.UNCLEAR
    assert verdict(0.90, 0.02, 29) == Verdict.TOO_FEW
    assert verdict(0.90, 0.02, 30) == Verdict.MODEL


def test_among_many_equal_categories_hardly_any_gets_a_verdict() -> None:
    rng = random.Random(8)
    wrong, runs = 0, 40
    for _ in range(runs):
        sums = {leaf: simulate(rng, 60, 0.2, 0.2, (2, 3), 0.4) for leaf in range(50)}
        rows = error_rows([(leaf, False, (leaf,)) for leaf in sums], sums, 0.15, True, VerdictRules())
        wrong += any(row.verdict in (Verdict.MODEL, Verdict.PEOPLE) for row in rows)
    assert wrong / runs <= 0.15  # at .05 without adjusting, more than 9 of 10 runs would name one


def test_without_a_model_there_are_rates_and_no_verdict() -> None:
    sums = ErrorSums()
    for _ in range(40):
        sums.add(Judged(2, 1))
    row = error_rows([(100, False, (100,))], {100: sums}, 0.0, False, VerdictRules())[0]
    assert (row.people.value, row.paired, row.verdict) == (0.5, None, Verdict.TOO_FEW)


@pytest.mark.parametrize(
    ("counts", "depth", "expected"),
    [
        ({100: 40, 101: 35}, None, [(100, False, (100,)), (101, False, (101,))]),
        ({100: 40, 101: 20, 102: 15}, None, [(100, False, (100,)), (10, True, (101, 102))]),
        ({100: 40, 101: 20, 110: 15}, None, [(100, False, (100,)), (1, True, (110, 101))]),
        ({100: 5, 110: 5, 200: 5}, None, [(None, True, (100, 110, 200))]),
        ({100: 40, 101: 5, 110: 3}, 1, [(1, False, (100, 101, 110))]),
        ({100: 40, 101: 5, 110: 3}, 2, [(10, False, (100, 101)), (None, True, (110,))]),
        ({}, None, []),
    ],
)
def test_small_categories_are_pooled_under_their_parent(
    counts: dict[int, int], depth: int | None, expected: list[tuple[int | None, bool, tuple[int, ...]]]
) -> None:
    found = {(category, pooled, frozenset(leaves)) for category, pooled, leaves in group_leaves(counts, node, depth)}
    assert found == {(category, pooled, frozenset(leaves)) for category, pooled, leaves in expected}


def test_every_leaf_is_in_one_group() -> None:
    rng = random.Random(5)
    for _ in range(50):
        counts = {leaf: rng.randrange(60) for leaf in (100, 101, 102, 110, 200)}
        for depth in (None, 1, 2):
            groups = group_leaves(counts, node, depth)
            assert sorted(leaf for _, _, leaves in groups for leaf in leaves) == sorted(counts)


def test_disputed_products_settled_first_do_not_make_people_look_bad() -> None:
    """All disputed products settled, a fifth of the agreed ones: weighted, the rate is that of all of them."""
    rng = random.Random(2)
    population = []
    for _ in range(6000):
        votes = [int(rng.random() < 0.2), int(rng.random() < 0.2)]
        population.append((part_of(votes, 0, asks_model=True), sum(votes), rng.random() < 0.1))
    settled = [one for one in population if one[0] == Part.DISPUTED or rng.random() < 0.2]
    parts = [
        Sampled(part, sum(one[0] == part for one in population), sum(one[0] == part for one in settled))
        for part in {one[0] for one in population}
    ]
    sampling, sums, naive = Sampling(tuple(parts)), ErrorSums(), ErrorSums()
    for part, n_wrong, model in settled:
        sums.add(Judged(2, n_wrong, model, sampling.weights()[part]))
        naive.add(Judged(2, n_wrong, model))
    row = error_rows([(1, False, (1,))], {1: sums}, 0.0, True, VerdictRules())[0]
    assert naive.w_people / naive.w > 0.3
    assert row.people.low <= 0.2 <= row.people.high
    assert row.verdict == Verdict.MODEL
    assert not sampling.neglected()


def test_a_part_that_is_hardly_settled_forbids_verdicts() -> None:
    disputed, agreed = Sampled(Part.DISPUTED, 100, 100), Sampled(Part.AGREED, 300, 6)
    assert Sampling((disputed, agreed)).neglected() == [agreed]
    assert not Sampling((disputed, Sampled(Part.AGREED, 300, 60))).neglected()
    assert not Sampling((disputed, Sampled(Part.AGREED, 5, 0))).neglected()  # too small a part to matter
    assert not Sampling(()).neglected()
    assert Sampling((Sampled(Part.AGREED, 40, 20), Sampled(Part.DISPUTED, 20, 10))).weights() == {
        Part.AGREED: 1.0,
        Part.DISPUTED: 1.0,
    }


@pytest.mark.parametrize(
    ("votes", "answer", "expected"),
    [
        ([1], 1, Part.ONE_VOTE),
        ([1], 2, Part.ONE_VOTE_MODEL_DIFFERS),
        ([1, 1], 1, Part.AGREED),
        ([1, 1], 2, Part.AGREED_MODEL_DIFFERS),
        ([1, 2], 1, Part.DISPUTED),
        ([1, None], 1, Part.DISPUTED),
        ([None, None], 1, Part.AGREED_MODEL_DIFFERS),
    ],
)
def test_parts(votes: list[int | None], answer: int, expected: Part) -> None:
    assert part_of(votes, answer, asks_model=True) == expected
