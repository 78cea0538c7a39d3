"""The statistics of people's and a model's errors on the same products: sums that add up, rates, a paired comparison.

Pure numbers, nothing of the database. Methods:

- A product's votes are not independent (what is hard is hard for everybody), so people's rate is the mean over
  products of the share of wrong votes, each product counting once however many voted. Its interval is Wilson's at an
  effective n: a product with m votes brings 1 / (rho + (1 - rho) / m) votes, rho being the correlation of votes on one
  product (Kish, Survey Sampling, 1965; intervals at the effective n: Korn & Graubard, Survey Methodology 24, 1998).
- rho is taken from all products at once, so that what categories have in common counts as correlation too: intervals
  of single categories err on the wide side.
- `weight` says how many voted products a judged one stands for (`core.analysis.sampling`); it enters the effective n.
- People minus model: Newcombe's square-and-add of the two intervals with the correlation of the pairs (Statistics in
  Medicine 17, 1998, method 10), and McNemar's test for pairs of a share and an answer (Durkalski et al., Statistics in
  Medicine 22, 2003): z^2 = (sum of differences)^2 / sum of squared differences.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from math import erfc, sqrt
from typing import Self

from core.training.intervals import Rate, wilson_interval


@dataclass(frozen=True, slots=True)
class Judged:
    """One gold product: how many votes called a category, how many of them wrongly, and whether the model did.

    `n_votes` >= 1; `n_undecided` votes said 'cannot tell' or 'bad listing' and are no part of it. `model_is_wrong`
    is none where no model is compared (then nowhere).
    """

    n_votes: int
    n_wrong: int
    model_is_wrong: bool | None = None
    weight: float = 1.0
    n_undecided: int = 0


@dataclass(slots=True)
class ErrorSums:
    """What a set of judged products adds up to; sets without a product in common add up to their union."""

    n: float = 0  # products
    n_votes: float = 0
    n_undecided: float = 0
    people_wrong: float = 0  # products with a wrong vote
    model_wrong: float = 0
    both_wrong: float = 0
    w: float = 0.0  # weights
    w_people: float = 0.0  # weighted shares of wrong votes
    w_model: float = 0.0
    w_people_squared: float = 0.0
    w_product: float = 0.0  # weight x share x model
    squares: float = 0.0  # squared weights
    squares_per_vote: float = 0.0  # squared weights / votes
    squared_differences: float = 0.0  # (weight x (share - model)) squared
    pairs: float = 0.0  # weighted pairs of votes on one product
    split_pairs: float = 0.0  # of those, with one wrong and one right

    def add(self, one: Judged) -> None:
        share, model, w = one.n_wrong / one.n_votes, float(one.model_is_wrong or 0), one.weight
        self.n += 1
        self.n_votes += one.n_votes
        self.n_undecided += one.n_undecided
        self.people_wrong += one.n_wrong > 0
        self.model_wrong += model
        self.both_wrong += model * (one.n_wrong > 0)
        self.w += w
        self.w_people += w * share
        self.w_model += w * model
        self.w_people_squared += w * share * share
        self.w_product += w * share * model
        self.squares += w * w
        self.squares_per_vote += w * w / one.n_votes
        self.squared_differences += (w * (share - model)) ** 2
        self.pairs += w * one.n_votes * (one.n_votes - 1) / 2
        self.split_pairs += w * one.n_wrong * (one.n_votes - one.n_wrong)

    @classmethod
    def union(cls, parts: Iterable["ErrorSums"]) -> Self:
        whole = cls()
        for part in parts:
            for name in NAMES:
                setattr(whole, name, getattr(whole, name) + getattr(part, name))
        return whole

    def scaled(self, weight: float) -> "ErrorSums":
        """As if each product, so far of weight 1, had this one."""
        factor = dict.fromkeys(WEIGHTED, weight) | dict.fromkeys(SQUARED, weight * weight)
        return ErrorSums(*(getattr(self, name) * factor.get(name, 1) for name in NAMES))

    def to_list(self) -> list[float]:
        """For keeping, in the order of the fields."""
        return [round(getattr(self, name), 6) for name in NAMES]

    @classmethod
    def from_list(cls, values: Iterable[float]) -> Self:
        return cls(*values)


NAMES = tuple(part.name for part in fields(ErrorSums))
SQUARED = {"squares", "squares_per_vote", "squared_differences"}
WEIGHTED = {"w", "w_people", "w_model", "w_people_squared", "w_product", "pairs", "split_pairs"}


@dataclass(frozen=True)
class PairedErrors:
    """People's and the model's error (0..1, lower is better) on the same products.

    `difference` is people's minus the model's, -1..1: above 0 the model is better. `p` is two-sided, of no difference.
    """

    people: Rate
    model: Rate
    difference: float
    low: float
    high: float
    p: float


def vote_correlation(sums: ErrorSums) -> float:
    """The correlation rho (0..1) of being wrong between two votes on one product; 0 without a second vote anywhere."""
    if not sums.pairs or not sums.w:
        return 0.0
    share = sums.w_people / sums.w
    by_chance = 2 * share * (1 - share) * sums.pairs
    return min(1.0, max(0.0, 1 - sums.split_pairs / by_chance)) if by_chance > 0 else 0.0


def people_rate(sums: ErrorSums, rho: float) -> Rate:
    """People's error with its 95 % interval; `n` is the number of products."""
    spread = rho * sums.squares + (1 - rho) * sums.squares_per_vote
    return _rate(sums.w_people, sums, spread)


def model_rate(sums: ErrorSums) -> Rate:
    return _rate(sums.w_model, sums, sums.squares)


def _rate(wrong: float, sums: ErrorSums, spread: float) -> Rate:
    if not sums.w:
        return Rate(None, 0.0, 1.0, 0)
    value, effective_n = wrong / sums.w, sums.w * sums.w / spread
    low, high = wilson_interval(value * effective_n, effective_n)
    return Rate(value, low, high, int(sums.n))


def compare(sums: ErrorSums, rho: float) -> PairedErrors:
    """Both rates and their difference. Needs at least one product."""
    people, model = people_rate(sums, rho), model_rate(sums)
    assert people.value is not None
    assert model.value is not None
    phi, difference = _correlation(sums), people.value - model.value
    down = _distance(people.value - people.low, model.high - model.value, phi)
    up = _distance(people.high - people.value, model.value - model.low, phi)
    return PairedErrors(
        people, model, difference, max(-1.0, difference - down), min(1.0, difference + up), _p_value(sums)
    )


def _correlation(sums: ErrorSums) -> float:
    """Of the share of wrong votes and the model's error over products; 0 where one of them never changes.

    A positive one is shrunk as Newcombe does it (his n/2 in the numerator of phi), so that few products do not narrow
    the interval.
    """
    people, model = sums.w_people / sums.w, sums.w_model / sums.w
    spread = (sums.w_people_squared / sums.w - people**2) * (model - model**2)
    if spread <= 1e-12:
        return 0.0
    covariance = sums.w_product / sums.w - people * model
    if covariance > 0:
        effective_n = sums.w * sums.w / sums.squares
        covariance = max(0.0, covariance - 1 / (2 * effective_n))
    return max(-1.0, min(1.0, covariance / sqrt(spread)))


def _distance(one: float, other: float, correlation: float) -> float:
    return sqrt(max(0.0, one * one - 2 * correlation * one * other + other * other))


def _p_value(sums: ErrorSums) -> float:
    if sums.squared_differences <= 0:
        return 1.0
    return erfc(abs(sums.w_people - sums.w_model) / sqrt(2 * sums.squared_differences))


def adjusted(p_values: list[float]) -> list[float]:
    """Benjamini & Hochberg's adjusted p-values (J. of the Royal Statistical Society B 57, 1995), in the order given.

    Of those called different at `adjusted <= q`, no more than the share q is so by chance, on average.
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i], reverse=True)
    result, smallest = [1.0] * len(p_values), 1.0
    for place, i in enumerate(order):
        smallest = min(smallest, p_values[i] * len(p_values) / (len(p_values) - place))
        result[i] = smallest
    return result
