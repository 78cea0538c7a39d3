"""What a title's neighbours and its category's centre say of it: two cheap views beside a trained encoder.

Both hardly learn single labels by heart, so that one wrong label among many right ones does not speak. The centre is
Rocchio's classifier (Manning, Raghavan, Schütze: Introduction to Information Retrieval, 14.2), the neighbours' votes
are weighted by the fourth power of the cosine. Weights may silence labels that are already suspected.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.config import TitleModelConfig
from models.features import encode_ngrams, learn_vocabulary, normalise_texts
from models.noise.kept_answers import KeptAnswers, block_rows
from models.types import Products

N_NEIGHBOURS, VOTE_POWER = 20, 4
SHARPNESS = 20.0  # of the softmax over cosines with the centres
MOST_COMPARED = 60_000  # labeled rows a title is compared with; of more a random part
COMMON = 0.02  # n-grams in more rows than this share tell neighbours little and cost most
RARE_ENOUGH = 200  # rows in which an n-gram may be anyway
_COMPARED_AT_ONCE = 200  # rows: 48 MB of similarities

OnShare = Callable[[float], None]


@dataclass(frozen=True)
class OutOfFold:
    """Who may learn from whom: a row asks only rows of other folds that `learns` marks."""

    labels: NDArray[np.int64]  # (N,)
    folds: NDArray[np.int64]  # (N,)
    learns: NDArray[np.bool_]  # (N,) whether its label may be learned from
    n_classes: int

    def parts(self) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """(rows to learn from, rows to answer) of each fold."""
        found = []
        for fold in np.unique(self.folds).tolist():
            asking = self.folds == fold
            found.append((np.flatnonzero(~asking & self.learns), np.flatnonzero(asking)))
        return found

    def support(self) -> NDArray[np.int64]:
        """(N,) how many rows of other folds teach the category of this row's label."""
        counts = np.zeros((int(self.folds.max(initial=0)) + 1, self.n_classes), np.int64)
        np.add.at(counts, (self.folds[self.learns], self.labels[self.learns]), 1)
        return np.asarray(counts.sum(0)[self.labels] - counts[self.folds, self.labels], np.int64)


class TextSpace:
    """N products as unit vectors of weighted n-grams; which n-grams there are, and how much each tells, is learned from
    the rows that `learns` (N,) marks, none: from all."""

    def __init__(self, products: Products, learns: NDArray[np.bool_] | None = None) -> None:
        config = TitleModelConfig()
        texts = normalise_texts(products, config.max_title_characters)
        known = np.arange(len(products)) if learns is None else np.flatnonzero(learns)
        read = normalise_texts(products.take(known), config.max_title_characters)
        vocabulary = learn_vocabulary(read, config, config.max_ngrams)
        self.rows = _unit(encode_ngrams(texts, vocabulary, config))  # (N, R)
        n_rows = np.bincount(self.rows[known].indices, minlength=self.rows.shape[1])
        self.telling = _unit(self.rows[:, n_rows <= max(RARE_ENOUGH, COMMON * len(known))])  # (N, R')

    def ask_centres(self, task: OutOfFold, weights: NDArray[np.float32], on_share: OnShare) -> KeptAnswers:
        """Softmax of the cosines with every category's centre."""
        found, parts = KeptAnswers.empty(len(task.labels), task.n_classes), task.parts()
        for place, (learning, asking) in enumerate(parts):
            on_share(place / len(parts))
            centres = _centres(self.rows[learning], task.labels[learning], weights[learning], task.n_classes)
            missing = np.bincount(task.labels[learning], minlength=task.n_classes) == 0
            for rows in _blocks(asking, block_rows(task.n_classes)):
                cosines = np.asarray((self.rows[rows] @ centres.T).todense(), np.float32)
                cosines[:, missing] = -1.0
                scores = np.exp(SHARPNESS * (cosines - cosines.max(1, keepdims=True)))
                found.put(rows, scores / scores.sum(1, keepdims=True))
        return found

    def ask_neighbours(
        self, task: OutOfFold, weights: NDArray[np.float32], on_share: OnShare, seed: int = 0
    ) -> KeptAnswers:
        """The votes of the nearest labeled rows, with a little of each category's share."""
        found, parts = KeptAnswers.empty(len(task.labels), task.n_classes), task.parts()
        for place, (learning, asking) in enumerate(parts):
            if len(learning) > MOST_COMPARED:
                learning = np.sort(np.random.default_rng((seed, place)).permutation(learning)[:MOST_COMPARED])
            share = np.bincount(task.labels[learning], minlength=task.n_classes) / max(1, len(learning))
            others = self.telling[learning].T.tocsr()
            size = min(_COMPARED_AT_ONCE, block_rows(task.n_classes))
            for done, rows in enumerate(blocks := _blocks(asking, size)):
                on_share((place + done / len(blocks)) / len(parts))
                votes = _votes(self.telling[rows] @ others, task.labels[learning], weights[learning], task.n_classes)
                votes += (1e-4 * share).astype(np.float32)
                found.put(rows, votes / votes.sum(1, keepdims=True))
        return found


def _votes(
    similar: sparse.csr_matrix, labels: NDArray[np.int64], weights: NDArray[np.float32], n_classes: int
) -> NDArray[np.float32]:
    """(B, K) sums of the nearest rows' similarities (B, L), by their label."""
    dense = np.asarray(similar.todense(), np.float32)
    n = min(N_NEIGHBOURS, dense.shape[1])
    votes = np.zeros((len(dense), n_classes), np.float32)
    if not n:
        return votes
    nearest = np.argpartition(-dense, n - 1, axis=1)[:, :n]
    strength = np.take_along_axis(dense, nearest, 1) ** VOTE_POWER * weights[nearest]
    np.add.at(votes, (np.arange(len(dense))[:, None], labels[nearest]), strength)
    return votes


def _centres(
    rows: sparse.csr_matrix, labels: NDArray[np.int64], weights: NDArray[np.float32], n_classes: int
) -> sparse.csr_matrix:
    members = sparse.csr_matrix((weights, (labels, np.arange(len(labels)))), shape=(n_classes, len(labels)))
    return _unit(members @ rows)


def _unit(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(1)).ravel())
    return sparse.csr_matrix(sparse.diags((1 / np.maximum(lengths, 1e-9)).astype(np.float32)) @ matrix)


def _blocks(rows: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]
