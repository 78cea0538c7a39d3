"""The expected calibration error: how far confidence is from truth."""

import numpy as np
from numpy.typing import NDArray

N_BINS = 15


def expected_calibration_error(confidences: NDArray[np.float32], is_right: NDArray[np.bool_]) -> float:
    """Mean distance of confidence (0..1) from the share of right answers over equally wide bins, weighted by rows.

    Both (N,), N >= 1; 0 is best, 1 worst. A bin is (low, high], as in Guo et al. 2017 with 15 bins.
    """
    bins = np.clip(np.ceil(confidences * N_BINS).astype(np.int64) - 1, 0, N_BINS - 1)
    sums = np.bincount(bins, weights=confidences, minlength=N_BINS)
    right = np.bincount(bins, weights=is_right, minlength=N_BINS)
    return float(np.abs(sums - right).sum() / len(confidences))
