"""How good answers are, and how sure we are that one model's are better: paired bootstrap over the test rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

N_RESAMPLES = 1000


@dataclass(frozen=True)
class Answers:
    """The best classes of N test rows, best first."""

    best: NDArray[np.int32]  # (N, 4); -1 where there are fewer classes


def judge(answers: Answers, labels: NDArray[np.int64]) -> dict[str, float]:
    """P@1, 2 and 4, macro-F1 over the classes in `labels`, quartiles of P@2 over those classes."""
    hits = np.cumsum(answers.best == labels[:, None], axis=1) > 0  # (N, 4)
    n_rows = np.bincount(labels)
    leaf = np.bincount(labels, hits[:, 1])[n_rows > 0] / n_rows[n_rows > 0]
    q1, median, q3 = np.percentile(leaf, [25, 50, 75])
    ones = np.ones(len(labels))
    return {
        "p_at_1": float(hits[:, 0].mean()),
        "p_at_2": float(hits[:, 1].mean()),
        "p_at_4": float(hits[:, 3].mean()),
        "macro_f1": _macro_f1(answers.best[:, 0], labels, ones),
        "leaf_q1": float(q1),
        "leaf_median": float(median),
        "leaf_q3": float(q3),
    }


def difference(
    ours: Sequence[Answers], theirs: Sequence[Answers], labels: NDArray[np.int64], measure: str
) -> tuple[float, float, float]:
    """(mean, low, high) of ours minus theirs in p_at_1, p_at_2 or macro_f1, each averaged over its seeds; 95 %."""
    chance = np.random.default_rng(0)
    every = _mean(ours, labels, np.ones(len(labels)), measure) - _mean(theirs, labels, np.ones(len(labels)), measure)
    found = []
    for _ in range(N_RESAMPLES):
        times = np.bincount(chance.integers(0, len(labels), len(labels)), minlength=len(labels)).astype(float)
        found.append(_mean(ours, labels, times, measure) - _mean(theirs, labels, times, measure))
    low, high = np.percentile(found, [2.5, 97.5])
    return every, float(low), float(high)


def _mean(answers: Sequence[Answers], labels: NDArray[np.int64], times: NDArray[np.float64], measure: str) -> float:
    """The measure where row i counts times[i] times, averaged over the seeds."""
    if measure == "macro_f1":
        return float(np.mean([_macro_f1(each.best[:, 0], labels, times) for each in answers]))
    k = int(measure[-1])
    hits = np.mean([(each.best[:, :k] == labels[:, None]).any(1) for each in answers], axis=0)
    return float(hits @ times / times.sum())


def _macro_f1(best: NDArray[np.int32], labels: NDArray[np.int64], times: NDArray[np.float64]) -> float:
    """Mean F1 of the classes that have rows."""
    n = int(max(best.max(), labels.max())) + 1
    right = np.bincount(labels, times * (best == labels), n)
    n_labels, n_answers = np.bincount(labels, times, n), np.bincount(best, times, n)
    f1 = 2 * right / np.maximum(n_labels + n_answers, 1e-9)
    return float(f1[n_labels > 0].mean())
