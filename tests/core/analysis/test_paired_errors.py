"""The statistics of paired errors: intervals hold what they promise, however many votes and however alike."""

import random

import pytest

from core.analysis.paired_errors import ErrorSums, Judged, adjusted, compare, people_rate, vote_correlation
from core.training.intervals import wilson_interval


def simulate(
    rng: random.Random, n: int, people: float, model: float, votes: tuple[int, ...], likeness: float
) -> ErrorSums:
    """`likeness` 0: votes on a product are independent; the higher, the more they err together (beta-binomial)."""
    sums = ErrorSums()
    for _ in range(n):
        error = rng.betavariate(people / likeness, (1 - people) / likeness) if likeness else people
        k = rng.choice(votes)
        sums.add(Judged(k, sum(rng.random() < error for _ in range(k)), rng.random() < model))
    return sums


@pytest.mark.parametrize(
    ("n", "people", "model", "votes", "likeness"),
    [
        (40, 0.2, 0.2, (1, 2, 3), 0.4),
        (100, 0.25, 0.1, (2, 3), 1.0),
        (60, 0.3, 0.3, (1,), 0.0),
        (200, 0.1, 0.3, (3,), 4),
    ],
)
def test_95_percent_intervals_hold_the_true_rates(
    n: int, people: float, model: float, votes: tuple[int, ...], likeness: float
) -> None:
    rng, held, runs = random.Random(20), [0, 0, 0], 500
    for _ in range(runs):
        sums = simulate(rng, n, people, model, votes, likeness)
        found = compare(sums, vote_correlation(sums))
        held[0] += found.people.low <= people <= found.people.high
        held[1] += found.model.low <= model <= found.model.high
        held[2] += found.low <= people - model <= found.high
    assert min(held) / runs >= 0.92, held  # three standard errors below 95 % is 0.921
    assert max(held) / runs <= 0.995, held  # and they are not simply wide


def test_equal_errors_are_rarely_called_different() -> None:
    rng = random.Random(4)
    ps = []
    for _ in range(600):
        sums = simulate(rng, 80, 0.2, 0.2, (2, 3), 0.5)
        ps.append(compare(sums, vote_correlation(sums)).p)
    assert sum(p <= 0.05 for p in ps) / len(ps) <= 0.08


def test_votes_on_one_product_count_less_the_more_alike_they_are() -> None:
    alike, independent = ErrorSums(), ErrorSums()
    for i in range(200):
        alike.add(Judged(3, 3 if i % 5 == 0 else 0, False))
        independent.add(Judged(3, (i * 7919 % 5 == 0) + (i * 104729 % 7 == 0) + (i * 1299709 % 6 == 0), False))
    assert vote_correlation(alike) == pytest.approx(1.0)
    assert people_rate(alike, 1.0).low == pytest.approx(wilson_interval(40, 200)[0])
    rate = people_rate(independent, 0.0)
    assert rate.high - rate.low == pytest.approx(
        wilson_interval((rate.value or 0) * 600, 600)[1] - wilson_interval((rate.value or 0) * 600, 600)[0]
    )


def test_one_vote_each_is_mcnemar_and_wilson() -> None:
    sums = ErrorSums()
    for people, model, times in ((1, 0, 15), (0, 1, 5), (1, 1, 10), (0, 0, 70)):
        for _ in range(times):
            sums.add(Judged(1, people, bool(model)))
    found = compare(sums, vote_correlation(sums))
    assert (found.people.value, found.model.value, found.people.n) == (0.25, 0.15, 100)
    assert (found.people.low, found.people.high) == pytest.approx(wilson_interval(25, 100))
    assert found.p == pytest.approx(0.0253, abs=1e-4)  # McNemar's: (15 - 5)^2 / 20 = 5
    assert found.low > 0 > found.low - 0.1


def test_weights_stand_for_products_and_widen_intervals() -> None:
    plain, weighted = ErrorSums(), ErrorSums()
    for i in range(100):
        plain.add(Judged(1, int(i < 20), False))
        weighted.add(Judged(1, int(i < 20), False, weight=0.25 if i < 20 else 1.1875))
    rate = people_rate(weighted, 0.0)
    assert rate.value == pytest.approx(0.05)
    assert rate.high - rate.low > wilson_interval(5, 100)[1] - wilson_interval(5, 100)[0]
    assert plain.scaled(3.0).to_list() == pytest.approx(_threefold().to_list())


def _threefold() -> ErrorSums:
    sums = ErrorSums()
    for i in range(100):
        sums.add(Judged(1, int(i < 20), False, weight=3.0))
    return sums


def test_sums_add_up_and_come_back_from_json() -> None:
    rng = random.Random(1)
    parts = [simulate(rng, 30, 0.3, 0.1, (1, 2), 0.5) for _ in range(3)]
    whole = ErrorSums.union(parts)
    assert whole.n == 90
    kept = ErrorSums.from_list(whole.to_list())
    assert compare(kept, 0.2).difference == pytest.approx(compare(whole, 0.2).difference, abs=1e-6)


def test_adjusted_p_values_are_benjamini_and_hochbergs() -> None:
    # The first four of the 15 p-values of their paper (1995, section 4.1) are rejected at .05 only with the procedure
    first = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298]
    ps = [*first, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    assert sum(p <= 0.05 for p in adjusted(ps)) == 4
    assert adjusted(ps[::-1]) == adjusted(ps)[::-1]
    assert adjusted([]) == []


def test_nothing_and_extremes_have_intervals() -> None:
    assert people_rate(ErrorSums(), 0.0).value is None
    never = ErrorSums()
    for _ in range(50):
        never.add(Judged(2, 0, False))
    found = compare(never, vote_correlation(never))
    assert (found.people.value, found.people.low, found.p, found.difference) == (0.0, 0.0, 1.0, 0.0)
    assert found.people.high > 0
    assert found.low < 0 < found.high
