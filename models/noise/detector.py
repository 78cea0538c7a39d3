"""How suspicious a label is: learned from labels made wrong on purpose, where it is known which are.

A row's out-of-fold answers do not depend on its own label. So a second label, drawn as this catalogue mixes categories
up (the off-diagonal of confident learning's joint counts: Northcutt, Jiang, Chuang 2021), shows what a wrong label
looks like on this data, at no cost of another fit. A logistic regression on few numbers a row (how much each view
prefers another category, how frequent the category is, how torn the views are) learns the difference. A little of the
encoder's normalised margin is mixed in by rank: where many labels are alike suspicious, it knows best which are worst.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.noise.kept_answers import KeptAnswers, block_rows, mixed

_FLOOR = np.float32(1e-4)  # probabilities below it are alike
_MOST_TAUGHT = 200_000  # rows the detector learns from
_MARGIN_SHARE = 0.2  # of the encoder's margin in the order; the rest is the detector's
_PRIOR_COUNT = 1.0  # of confusions with any category by its share, beside those that were counted


@dataclass(frozen=True)
class Suspicion:
    """What was found of N labels."""

    label_quality_score: NDArray[np.float32]  # (N,) 0 suspicious .. 1 clean
    suggested: NDArray[np.int64]  # (N,) the best other class
    confidence: NDArray[np.float32]  # (N,) 0..1: the views' probability of it
    n_issues: int  # how many labels are wrong, as confident learning counts


def inspect_labels(
    views: list[KeptAnswers],
    mixture: list[KeptAnswers],
    labels: NDArray[np.int64],
    judged: NDArray[np.bool_],
    taught: NDArray[np.bool_],
    seed: int,
) -> Suspicion:
    """Judge the labels (N,) by several views of the same rows, the encoder's first.

    `mixture` are the views whose mean answers; `judged` (N,) are the labels that may be wrong, the others score 1;
    `taught` (N,) the rows that thresholds and detector are learned from. The same input gives the same output.
    """
    n, n_classes = len(labels), mixture[0].n_classes
    prior = np.bincount(labels[taught], minlength=n_classes) / max(1, int(taught.sum()))
    confused, n_issues = _count_confusions(mixture, labels, judged & taught)
    chance = np.random.default_rng(seed)
    fakes = _draw_labels(labels, confused, prior, chance)  # (N,)
    real, fake = (np.empty((n, 2 * len(views) + 4), np.float32) for _ in range(2))
    suggested, confidence, margin = np.empty(n, np.int64), np.empty(n, np.float32), np.empty(n, np.float32)
    size = block_rows(n_classes)
    for start in range(0, n, size):
        rows = slice(start, min(start + size, n))
        blocks = [view.dense(rows) for view in views]
        mean = mixed(mixture, rows)
        real[rows] = _features(blocks, mean, labels[rows], prior)
        fake[rows] = _features(blocks, mean, fakes[rows], prior)
        suggested[rows], confidence[rows] = _best_other(mean, labels[rows])
        given = blocks[0][np.arange(len(mean)), labels[rows]]
        margin[rows] = _best_other(blocks[0], labels[rows])[1] - given
    n_judged = max(1, int(judged.sum()))
    share = min(max(n_issues / max(1, int((judged & taught).sum())), 1 / n_judged), 0.5)
    wrong = _learn(real, fake, judged & taught, share, chance)
    for part in (judged & taught, judged & ~taught):  # what teaches nothing changes no rank of what does
        wrong[part] = _reorder(wrong[part], margin[part])
    return Suspicion(
        np.where(judged, 1.0 - wrong, 1.0).astype(np.float32), suggested, confidence, round(share * n_judged)
    )


def confident_issues(
    mixture: list[KeptAnswers], labels: NDArray[np.int64], judged: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], int]:
    """Confident learning's threshold of each class (K,) and its number of wrong labels, by `cleanlab`, in batches."""
    from cleanlab.experimental.label_issues_batched import LabelInspector

    rows = np.flatnonzero(judged)
    n_classes = mixture[0].n_classes
    inspector = LabelInspector(num_class=n_classes, verbose=False, store_results=False, n_jobs=1)
    size = block_rows(n_classes)
    batches = [rows[start : start + size] for start in range(0, len(rows), size)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes without a row
        for batch in batches:
            inspector.update_confident_thresholds(labels[batch], mixed(mixture, batch))
        for batch in batches:
            inspector.score_label_quality(labels[batch], mixed(mixture, batch))
    if not batches:
        return np.ones(n_classes), 0
    return np.asarray(inspector.get_confident_thresholds(silent=True)), int(inspector.get_num_issues(silent=True))


def _count_confusions(
    mixture: list[KeptAnswers], labels: NDArray[np.int64], judged: NDArray[np.bool_]
) -> tuple[sparse.csr_matrix, int]:
    """(K, K) how many rows labeled j are confidently k, at [k, j], k != j; and how many labels are wrong."""
    thresholds, n_issues = confident_issues(mixture, labels, judged)
    rows, n_classes = np.flatnonzero(judged), mixture[0].n_classes
    present = np.bincount(labels[rows], minlength=n_classes) > 0
    total = sparse.csr_matrix((n_classes, n_classes))
    size = block_rows(n_classes)
    for start in range(0, len(rows), size):
        batch = rows[start : start + size]
        found = mixed(mixture, batch)
        found[:, ~present] = 0
        found[found < thresholds] = 0
        best, is_sure = found.argmax(1), found.max(1) > 0
        wrong = is_sure & (best != labels[batch])
        pairs = (np.ones(int(wrong.sum())), (best[wrong], labels[batch][wrong]))
        total = total + sparse.csr_matrix(pairs, shape=(n_classes, n_classes))
    return sparse.csr_matrix(total), n_issues


def _draw_labels(
    labels: NDArray[np.int64], confused: sparse.csr_matrix, prior: NDArray[np.float64], chance: np.random.Generator
) -> NDArray[np.int64]:
    """For each row another label, drawn as its category is confused with others."""
    drawn = labels.copy()
    everywhere = np.cumsum(prior)
    order = np.argsort(labels, kind="stable")
    classes, starts = np.unique(labels[order], return_index=True)
    for kind, members in zip(classes.tolist(), np.split(order, starts[1:]), strict=True):
        counts = confused[[kind]]
        n_counted = counts.sum()
        by_count = chance.random(len(members)) < n_counted / (n_counted + _PRIOR_COUNT)
        picks = np.searchsorted(everywhere, chance.random(len(members)) * everywhere[-1], side="right")
        picks = np.minimum(picks, len(prior) - 1)
        if n_counted:
            counted = chance.choice(counts.indices, len(members), p=counts.data / n_counted)
            picks = np.where(by_count, counted, picks)
        drawn[members] = np.where(picks == kind, (kind + 1) % len(prior), picks)
    return drawn


def _features(
    blocks: list[NDArray[np.float32]],
    mean: NDArray[np.float32],
    labels: NDArray[np.int64],
    prior: NDArray[np.float64],
) -> NDArray[np.float32]:
    """(B, F): of each view and their mean the best other category's log odds against the label, and its probability;
    the label's prior; the mean's entropy."""
    columns = [_log_odds(block, labels) for block in [*blocks, mean]]
    columns += [_best_other(block, labels)[1] for block in [*blocks, mean]]
    entropy = -(mean * np.log(mean + np.float32(1e-9))).sum(1)
    return np.stack([*columns, np.log(prior[labels] + 1e-6), entropy], 1).astype(np.float32)


def _log_odds(found: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float32]:
    rows = np.arange(len(found))
    given = found[rows, labels]
    others = found.copy()
    others[rows, labels] = -1.0
    return np.asarray(np.log(others.max(1) + _FLOOR) - np.log(given + _FLOOR), np.float32)


def _best_other(mean: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    rows = np.arange(len(mean))
    others = mean.copy()
    others[rows, labels] = -1.0
    best = others.argmax(1)
    return best, others[rows, best]


def _reorder(wrong: NDArray[np.float64], margin: NDArray[np.float32]) -> NDArray[np.float64]:
    """The same probabilities (J,), given out in the order of the detector's rank and a little of the margin's."""
    order = (1 - _MARGIN_SHARE) * wrong.argsort(kind="stable").argsort() + _MARGIN_SHARE * margin.argsort(
        kind="stable"
    ).argsort()
    found = np.empty_like(wrong)
    found[order.argsort(kind="stable")] = np.sort(wrong)
    return found


def _learn(
    real: NDArray[np.float32],
    fake: NDArray[np.float32],
    taught: NDArray[np.bool_],
    share: float,
    chance: np.random.Generator,
) -> NDArray[np.float64]:
    """(N,) probability that the real label is wrong. Twice: the most suspicious go before the second time.

    `share` is the share of wrong labels; rows made wrong count so that they have it too.
    """
    from sklearn.linear_model import LogisticRegression

    rows = np.flatnonzero(taught)
    if len(rows) < 2:
        return np.zeros(len(real))
    mean, spread = real[rows].mean(0), real[rows].std(0) + 1e-6
    real, fake = (real - mean) / spread, (fake - mean) / spread
    rows = np.sort(chance.permutation(rows)[:_MOST_TAUGHT])
    wrong = np.zeros(len(real))
    for attempt in range(2):
        kept = rows if not attempt else rows[wrong[rows] <= np.quantile(wrong[rows], 1 - share)]
        weights = np.concatenate([np.ones(len(kept)), np.full(len(kept), share / (1 - share))])
        targets = np.repeat([0, 1], len(kept))
        model = LogisticRegression(max_iter=500).fit(np.concatenate([real[kept], fake[kept]]), targets, weights)
        wrong = model.predict_proba(real)[:, 1]
    return np.asarray(wrong, np.float64)
