"""What is done with labels that look wrong: left out, or mended where the right one is clear."""

import numpy as np
from numpy.typing import NDArray

from models.noise.detector import Suspicion

CLEAR = 0.5  # probability of the suggested category from which on a wrong label is mended instead of left out


def issues(found: Suspicion) -> NDArray[np.bool_]:
    """(N,) the most suspicious labels, as many as are wrong by count; those that were not judged never."""
    chosen = np.zeros(len(found.label_quality_score), bool)
    worst = np.argsort(found.label_quality_score, kind="stable")[: found.n_issues]
    chosen[worst] = found.label_quality_score[worst] < 1.0
    return chosen


def filter_rows(found: Suspicion) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The rows to keep, and which (N,) are left out."""
    dropped = issues(found)
    return np.flatnonzero(~dropped), dropped


def refurbish_rows(found: Suspicion, labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows to keep, and the labels (N,) after mending: an issue whose suggestion is clear gets it."""
    wrong = issues(found)
    mended = wrong & (found.confidence >= CLEAR)
    return np.flatnonzero(~wrong | mended), np.where(mended, found.suggested, labels)
