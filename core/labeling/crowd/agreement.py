"""Agreement of several people: percent, Krippendorff's alpha, and both by distance in the tree. Arrays in, numbers out.

Alpha is computed from sparse counts with the formulas of Krippendorff, 'Computing Krippendorff's Alpha-Reliability'
(2011), and equals the library `krippendorff` (a test holds it). The library itself builds products x categories x
categories numbers, which thousands of categories forbid. Its intervals come from drawing products anew, with
replacement: votes on the same product hang together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from core.labeling.crowd.vote_table import Floats, VoteTable
from core.training.intervals import TOO_FEW, Rate, rate, wilson_interval

REPLICATES = 400
BLOCK = 50  # replicates at a time: products x BLOCK weights lie in memory
SEED = 20

Distances = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval, from n products; `value` is none where it is not defined."""

    value: float | None
    low: float | None
    high: float | None
    n: int

    @property
    def is_too_few(self) -> bool:
        return self.n < TOO_FEW


NOTHING = Estimate(None, None, None, 0)


@dataclass(frozen=True)
class Agreement:
    """How far people agree. `same`: two people say the same category, 0..1. `alpha`: 1 is perfect, 0 is chance, below
    it is worse than chance. `closeness`: 1 - tree distance of two votes; `tree_alpha`: alpha by that distance."""

    same: Rate
    alpha: Estimate
    closeness: Estimate
    tree_alpha: Estimate


@dataclass(frozen=True)
class CategoryAgreement:
    """Of a category: given that one person says it, how probable another says it too (specific agreement, Cicchetti
    and Feinstein 1990); the closeness of the others' votes; alpha of 'this category or not'."""

    category_id: int
    same: Rate  # n: products of which somebody said it
    closeness: Estimate
    alpha: Estimate


@dataclass(frozen=True)
class PairAgreement:
    """Two people on the products that both have decided."""

    person_ids: tuple[int, int]
    same: Rate
    closeness: Estimate
    alpha: Estimate


def measure_agreement(table: VoteTable, distances: Distances, replicates: int = REPLICATES) -> Agreement:
    """`distances` (K, K) among the table's categories, 0..1. Every number is none where there is no pair of votes."""
    n = table.n_products
    if n == 0:
        return Agreement(rate(0, 0), NOTHING, NOTHING, NOTHING)
    m = table.per_product()
    nominal, apart = _unlike(table, None), _unlike(table, distances)
    closeness = 1 - apart / m  # (n_products,): mean over the pairs of a product
    counts = table.counts()
    chance, tree_chance = _Chance(None), _Chance(distances)
    drawn: list[list[Floats]] = [[], [], []]
    for weights in _draws(n, replicates):
        totals = np.asarray(counts.T @ weights)
        drawn[0].append(_alpha(nominal @ weights, totals, chance))
        drawn[1].append(_alpha(apart @ weights, totals, tree_chance))
        drawn[2].append(closeness @ weights / n)
    totals = counts.sum(axis=0)[:, None]
    alpha, tree_alpha = _alpha(nominal.sum(), totals, chance)[0], _alpha(apart.sum(), totals, tree_chance)[0]
    same = float((1 - nominal / m).mean())
    return Agreement(
        replace(rate(round(same * n), n), value=same),
        _surely_below_one(_estimate(alpha, np.concatenate(drawn[0]), n), totals, chance),
        _mean_estimate(float(closeness.mean()), np.concatenate(drawn[2]), n),
        _surely_below_one(_estimate(tree_alpha, np.concatenate(drawn[1]), n), totals, tree_chance),
    )


def measure_categories(
    table: VoteTable, distances: Distances, least: int = TOO_FEW, replicates: int = REPLICATES
) -> list[CategoryAgreement]:
    """Each category that was said of at least `least` products; the one least agreed on first."""
    counts, m = table.counts(), table.per_product()
    n_products = (counts > 0).sum(axis=0)
    chosen = np.flatnonzero(n_products >= least)
    if not len(chosen):
        return []
    near = _near(table, distances)[:, chosen]
    said = counts[:, chosen]
    alike = said * ((said - (said > 0)) / (m - 1)[:, None])
    n_said, n_alike, n_near = said.sum(axis=0), alike.sum(axis=0), near.sum(axis=0)
    alphas, closes = [], []
    for weights in _draws(table.n_products, replicates):
        s, a, t = said.T @ weights, alike.T @ weights, near.T @ weights
        alphas.append(_alpha_of_one(s, a, m @ weights))
        with np.errstate(invalid="ignore", divide="ignore"):
            closes.append(t / s)
    alpha = _alpha_of_one(n_said[:, None], n_alike[:, None], np.array([m.sum()]))[:, 0]
    alpha_draws, close_draws = np.concatenate(alphas, axis=1), np.concatenate(closes, axis=1)
    found = []
    for place, column in enumerate(chosen.tolist()):
        n, same = int(n_products[column]), float(n_alike[place] / n_said[place])
        found.append(
            CategoryAgreement(
                table.category_ids[column],
                replace(rate(round(same * n), n), value=same),
                _mean_estimate(float(n_near[place] / n_said[place]), close_draws[place], n),
                _one_surely_below_one(
                    _estimate(float(alpha[place]), alpha_draws[place], n),
                    float(n_said[place] / m.sum()),
                    n / table.n_products,
                ),
            )
        )
    return sorted(found, key=lambda one: (one.same.value or 0.0, one.category_id))


def measure_pairs(
    table: VoteTable, distances: Distances, least: int = TOO_FEW, limit: int = 500, replicates: int = 200
) -> list[PairAgreement]:
    """Every two people with at least `least` products in common (the `limit` with most), the most at odds first."""
    first, second = table.pairs()
    n_people = len(table.person_ids)
    keys = table.person[first] * n_people + table.person[second]
    found_keys, counted = np.unique(keys, return_counts=True)
    n_common = np.asarray(counted)
    order = np.argsort(-n_common, kind="stable")[:limit]
    by_key = np.argsort(keys, kind="stable")
    bounds = np.asarray(np.searchsorted(keys[by_key], found_keys))
    found = []
    for place in order.tolist():
        n = int(n_common[place])
        if n < least:
            break
        chosen = by_key[bounds[place] : bounds[place] + n]
        votes = np.stack([table.category[first[chosen]], table.category[second[chosen]]], axis=1)
        j, k = divmod(int(found_keys[place]), n_people)
        found.append(_of_pair((table.person_ids[j], table.person_ids[k]), votes, distances, replicates))
    return sorted(found, key=lambda pair: (pair.same.value or 0.0, pair.person_ids))


def mean_of_products(values: Sequence[float], replicates: int = REPLICATES) -> Estimate:
    """The mean of one number a product, 0..1, with the interval of drawing products anew."""
    n = len(values)
    if n == 0:
        return NOTHING
    of_products = np.asarray(values, dtype=np.float64)
    drawn = of_products[np.random.default_rng(SEED).integers(0, n, (replicates, n))].mean(axis=1)
    return _mean_estimate(float(of_products.mean()), drawn, n)


def _of_pair(
    people: tuple[int, int], votes: npt.NDArray[np.int64], distances: Distances, replicates: int
) -> PairAgreement:
    n = len(votes)
    codes, local = np.unique(votes, return_inverse=True)
    product = np.repeat(np.arange(n), 2)
    table = VoteTable(
        list(range(n)),
        list(people),
        codes.tolist(),
        product,
        np.tile(np.arange(2), n),
        local.reshape(-1).astype(np.int64),
    )
    whole = measure_agreement(table, distances[np.ix_(codes, codes)], replicates)
    return PairAgreement(people, whole.same, whole.closeness, whole.alpha)


def agreement_with_others(table: VoteTable) -> dict[int, Rate]:
    """Person -> over the products that they share with others, the mean share of the others who say the same."""
    counts, m = table.counts(), table.per_product()
    others_same = (np.asarray(counts[table.product, table.category]) - 1) / (m[table.product] - 1)
    n = np.bincount(table.person, minlength=len(table.person_ids))
    total = np.bincount(table.person, weights=others_same, minlength=len(table.person_ids))
    return {
        person: replace(rate(round(total[j]), int(n[j])), value=float(total[j] / n[j]))
        for j, person in enumerate(table.person_ids)
    }


def _unlike(table: VoteTable, distances: Distances | None) -> Floats:
    """(products,): the disagreement of a product's pairs, each vote beside (m - 1) others."""
    first, second = table.pairs()
    a, b = table.category[first], table.category[second]
    apart = (a != b).astype(np.float64) if distances is None else distances[a, b].astype(np.float64)
    sums = np.bincount(table.product[first], weights=apart, minlength=table.n_products)
    return np.asarray(2 * sums / (table.per_product() - 1))


def _near(table: VoteTable, distances: Distances):  # type: ignore[no-untyped-def]
    """(products, categories), sparse: the closeness of the other votes to each vote for the category, summed."""
    import scipy.sparse as sp

    first, second = table.pairs()
    a, b = table.category[first], table.category[second]
    product = table.product[first]
    value = (1.0 - distances[a, b]) / (table.per_product()[product] - 1)
    shape = (table.n_products, len(table.category_ids))
    places = (np.concatenate([product, product]), np.concatenate([a, b]))
    return sp.csr_array((np.concatenate([value, value]), places), shape=shape)


class _Chance:
    """Sum over all ordered pairs of votes of their distance, from the votes of each category, (K, B) -> (B,)."""

    def __init__(self, distances: Distances | None) -> None:
        self._distances = distances

    def __call__(self, totals: Floats) -> Floats:
        if self._distances is None:
            return np.asarray(totals.sum(axis=0) ** 2 - (totals**2).sum(axis=0))
        return np.asarray((totals * (self._distances.astype(np.float64) @ totals)).sum(axis=0))


def _alpha(unlike: Floats, totals: Floats, chance: _Chance) -> Floats:
    """1 - observed / expected disagreement; NaN where all votes are for one category."""
    n, expected = totals.sum(axis=0), chance(totals)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(expected > 0, 1 - (n - 1) * unlike / expected, np.nan)).reshape(-1)


def _alpha_of_one(said: Floats, alike: Floats, n: Floats) -> Floats:
    """Alpha of 'this category or not'; (K, B)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(1 - (n - 1) * (said - alike) / (said * (n - said)))


def _draws(n: int, replicates: int) -> Iterator[Floats]:
    """How often each product is drawn, (products, up to BLOCK) at a time."""
    rng = np.random.default_rng(SEED)
    for start in range(0, replicates, BLOCK):
        size = min(BLOCK, replicates - start)
        yield np.stack([np.bincount(rng.integers(0, n, n), minlength=n) for _ in range(size)], axis=1).astype(float)


def _estimate(value: float, drawn: Floats, n: int) -> Estimate:
    kept = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or not len(kept):
        return Estimate(None, None, None, n)
    low, high = np.quantile(kept, [0.025, 0.975])
    return Estimate(float(value), float(min(low, value)), float(max(high, value)), n)


def _mean_estimate(value: float, drawn: Floats, n: int) -> Estimate:
    """Of a mean in 0..1; where nothing differs, as wide as Wilson's interval is."""
    found = _estimate(value, drawn, n)
    if found.value is not None and value >= 1:
        return replace(found, low=wilson_interval(n, n)[0])
    return found


def _surely_below_one(found: Estimate, totals: Floats, chance: _Chance) -> Estimate:
    """Where nobody disagreed, drawing anew cannot show that somebody might: Wilson's upper end of 0 in n does."""
    if found.value is None or found.value < 1 - 1e-9:
        return found
    votes = totals.sum(axis=0)
    expected = float((chance(totals) / (votes * (votes - 1)))[0])
    return replace(found, low=1 - wilson_interval(0, found.n)[1] / expected)


def _one_surely_below_one(found: Estimate, share_of_votes: float, share_of_products: float) -> Estimate:
    """As `_surely_below_one`, of 'this category or not': only products of which somebody said it can disagree."""
    if found.value is None or found.value < 1 - 1e-9:
        return found
    expected = 2 * share_of_votes * (1 - share_of_votes)
    return replace(found, low=1 - wilson_interval(0, found.n)[1] * share_of_products / expected)
