"""CROWDLAB: consensus and quality of annotators from votes and a model's answers together.

Goh, Tkachenko and Mueller, 'CROWDLAB: Supervised learning to infer consensus labels and quality scores for data with
multiple annotators' (2022), as in `cleanlab.multiannotator`. The model should not have learned from these votes.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.labeling.crowd.vote_table import VoteTable

CELLS = 4_000_000  # products x categories of one part: some copies of it lie in memory
SEED = 20

Top = Sequence[tuple[int, float]]
"""A model's answers: (category id, probability 0..1), best first."""


@dataclass(frozen=True)
class Crowdlab:
    """`consensus`: product -> (category id, quality). `quality`: person -> how far to trust their votes. All 0..1."""

    consensus: dict[int, tuple[int, float]]
    quality: dict[int, float]
    used_model: bool


def fit_crowdlab(table: VoteTable, tops: Mapping[int, Top]) -> Crowdlab:
    """`tops`: product id -> its answers; where a product has none, every category is as probable.

    Without any answers it is agreement alone. Only categories that were said or answered take part; very many
    products go in parts, drawn by chance, and a person's quality is the mean over their votes.
    """
    from cleanlab.multiannotator import get_label_quality_multiannotator

    consensus: dict[int, tuple[int, float]] = {}
    sums: dict[int, tuple[float, int]] = {}
    for chosen in _parts(table, tops):
        part = table.keep(np.isin(table.product, chosen))
        ids, probabilities = _probabilities(part, tops)
        if len(ids) < 2 or len(part.person_ids) < 2:
            consensus.update(dict.fromkeys(part.product_ids, (part.category_ids[0], 1.0)))
            continue
        place = {id_: k for k, id_ in enumerate(ids)}
        labels = np.full((part.n_products, len(part.person_ids)), np.nan)
        labels[part.product, part.person] = [place[part.category_ids[c]] for c in part.category.tolist()]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of categories that no consensus names
            found = get_label_quality_multiannotator(
                labels,
                probabilities,
                quality_method="crowdlab" if tops else "agreement",
                return_detailed_quality=False,
                verbose=False,
            )
        quality = found["label_quality"]
        for id_, label, score in zip(
            part.product_ids, quality["consensus_label"], quality["consensus_quality_score"], strict=True
        ):
            consensus[id_] = (ids[int(label)], float(score))
        stats = found["annotator_stats"]
        for j, score, n in zip(stats.index, stats["annotator_quality"], stats["num_examples_labeled"], strict=True):
            total, votes = sums.get(part.person_ids[int(j)], (0.0, 0))
            sums[part.person_ids[int(j)]] = (total + float(score) * int(n), votes + int(n))
    return Crowdlab(consensus, {id_: total / n for id_, (total, n) in sums.items()}, bool(tops))


def _parts(table: VoteTable, tops: Mapping[int, Top]) -> list[npt.NDArray[np.int64]]:
    """Places of products, in parts of about CELLS products x categories."""
    n_categories = len(set(table.category_ids) | {id_ for top in tops.values() for id_, _ in top})
    size = max(200, CELLS // max(n_categories, 1))
    order = np.random.default_rng(SEED).permutation(table.n_products)
    return [part for part in np.array_split(order, max(1, -(-table.n_products // size))) if len(part)]


def _probabilities(table: VoteTable, tops: Mapping[int, Top]) -> tuple[list[int], npt.NDArray[np.float64]]:
    """Category ids, and (products, categories): what the top leaves over is spread evenly over the rest."""
    answered = {id_ for product in table.product_ids for id_, _ in tops.get(product, ())}
    ids = sorted(answered | set(table.category_ids))
    place = {id_: k for k, id_ in enumerate(ids)}
    found = np.zeros((table.n_products, len(ids)))
    for row, product in enumerate(table.product_ids):
        top = tops.get(product, ())
        for category, probability in top:
            found[row, place[category]] = probability
        rest = len(ids) - len(top)
        if rest > 0:
            found[row, found[row] == 0] = max(1 - found[row].sum(), 1e-6) / rest
    return ids, found / found.sum(axis=1, keepdims=True) + _tie_breaks(table, ids)


def _tie_breaks(table: VoteTable, ids: list[int]) -> npt.NDArray[np.float64]:
    """(categories,), next to nothing: of two that are as probable the one said more often, then the lower id.

    Without it cleanlab draws by chance, and stumbles where people disagree on every single product.
    """
    n_said = dict(zip(table.category_ids, np.bincount(table.category).tolist(), strict=True))
    order = sorted(range(len(ids)), key=lambda place: (n_said.get(ids[place], 0), -ids[place]))
    found = np.empty(len(ids))
    found[order] = np.arange(len(ids))
    return found * (1e-9 / max(len(ids), 1))
