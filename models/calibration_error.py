"""How far confidence is from truth: the reliability diagram and the expected calibration error."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

N_BINS = 15


@dataclass(frozen=True)
class ReliabilityBin:
    """The n rows whose confidence lies in (low, high]: their mean confidence, and how many are right."""

    low: float
    high: float
    n: int
    confidence: float  # 0..1
    n_right: int


def reliability_bins(confidences: NDArray[np.float32], is_right: NDArray[np.bool_]) -> list[ReliabilityBin]:
    """Rows by confidence in N_BINS equally wide bins, as in Guo et al. 2017; empty bins are left out. Both (N,)."""
    bins = np.clip(np.ceil(confidences * N_BINS).astype(np.int64) - 1, 0, N_BINS - 1)
    counts = np.bincount(bins, minlength=N_BINS)
    sums = np.bincount(bins, weights=confidences, minlength=N_BINS)
    right = np.bincount(bins, weights=is_right, minlength=N_BINS)
    return [
        ReliabilityBin(k / N_BINS, (k + 1) / N_BINS, int(n), float(sums[k] / n), int(right[k]))
        for k, n in enumerate(counts)
        if n
    ]


def expected_calibration_error(confidences: NDArray[np.float32], is_right: NDArray[np.bool_]) -> float:
    """Mean distance of confidence (0..1) from the share of right answers over the bins, weighted by rows.

    Both (N,), N >= 1; 0 is best, 1 worst.
    """
    bins = reliability_bins(confidences, is_right)
    return sum(abs(part.n * part.confidence - part.n_right) for part in bins) / len(confidences)
