"""Intervals of rates: what a fraction of n rows says about the rows not seen."""

from dataclasses import dataclass
from math import sqrt

Z_95 = 1.959964
TOO_FEW = 30  # below this many rows a rate is shown as 'too few'


@dataclass(frozen=True)
class Rate:
    """A fraction 0..1 of n rows with its 95 % interval; `value` is none where n is 0."""

    value: float | None
    low: float
    high: float
    n: int

    @property
    def is_too_few(self) -> bool:
        return self.n < TOO_FEW


def wilson_interval(successes: float, n: float, z: float = Z_95) -> tuple[float, float]:
    """The Wilson score interval of successes / n: right at the edges and for small n. (0, 1) where n is 0.

    With weights or clusters n is an effective one and need not be whole.
    """
    if n == 0:
        return 0.0, 1.0
    share, spread = successes / n, z * z / n
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * sqrt(share * (1 - share) / n + spread / (4 * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def rate(successes: int, n: int) -> Rate:
    low, high = wilson_interval(successes, n)
    return Rate(successes / n if n else None, low, high, n)


def paired_difference_interval(n_both: int, n_only_a: int, n_only_b: int, n_neither: int) -> tuple[float, float]:
    """95 % interval of P(B right) - P(A right) where both answered the same rows.

    Newcombe's square-and-add of the two Wilson intervals with the correlation of the pairs (Statistics in
    Medicine 17, 1998, method 10). It holds for few rows, where the usual +- 1.96 standard errors would be
    too narrow, and it is not zero wide when no row differs. (-1, 1) where there are no rows.
    """
    n = n_both + n_only_a + n_only_b + n_neither
    if n == 0:
        return -1.0, 1.0
    right_a, right_b = n_both + n_only_a, n_both + n_only_b
    share_a, share_b = right_a / n, right_b / n
    low_a, high_a = wilson_interval(right_a, n)
    low_b, high_b = wilson_interval(right_b, n)
    correlation = _correlation(n_both, n_only_a, n_only_b, n_neither)
    difference = share_b - share_a
    down = _distance(share_b - low_b, high_a - share_a, correlation)
    up = _distance(high_b - share_b, share_a - low_a, correlation)
    return max(-1.0, difference - down), min(1.0, difference + up)


def _correlation(n_both: int, n_only_a: int, n_only_b: int, n_neither: int) -> float:
    """Newcombe's phi with his continuity correction; 0 where a margin is empty."""
    n = n_both + n_only_a + n_only_b + n_neither
    margins = (n_both + n_only_a) * (n_only_b + n_neither) * (n_both + n_only_b) * (n_only_a + n_neither)
    if margins == 0:
        return 0.0
    product = n_both * n_neither - n_only_a * n_only_b
    if product > 0:
        product = max(0, product - n // 2)
    return float(product / sqrt(margins))


def _distance(one: float, other: float, correlation: float) -> float:
    return sqrt(max(0.0, one * one - 2 * correlation * one * other + other * other))
