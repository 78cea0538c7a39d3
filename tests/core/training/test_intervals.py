"""Intervals: known values, and that they hold as often as they say."""

import random

import pytest

from core.training.intervals import paired_difference_interval, rate, wilson_interval


def test_wilson_interval_has_the_published_values() -> None:
    # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3
    for successes, n, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611)):
        assert wilson_interval(successes, n) == pytest.approx((low, high), abs=5e-5)
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_a_rate_of_nothing_has_no_value() -> None:
    assert rate(0, 0).value is None
    assert rate(29, 29).is_too_few
    assert not rate(30, 30).is_too_few


def test_paired_difference_is_symmetric_and_never_without_width() -> None:
    low, high = paired_difference_interval(20, 5, 9, 6)
    assert low < 4 / 40 < high
    assert paired_difference_interval(20, 9, 5, 6) == pytest.approx((-high, -low))
    low, high = paired_difference_interval(40, 0, 0, 0)
    assert low < 0 < high
    assert paired_difference_interval(0, 0, 0, 0) == (-1.0, 1.0)


@pytest.mark.parametrize("n", [30, 200])
def test_paired_difference_covers_the_truth_as_often_as_it_says(n: int) -> None:
    chance, shares = random.Random(5), (0.7, 0.05, 0.15, 0.1)  # both, only a, only b, neither
    covered = 0
    for _ in range(2_000):
        drawn = chance.choices(range(4), shares, k=n)
        low, high = paired_difference_interval(*(drawn.count(kind) for kind in range(4)))
        covered += low <= 0.10 <= high
    assert 0.93 <= covered / 2_000 <= 0.985
