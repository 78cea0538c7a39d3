"""Temperature scaling and the expected calibration error.

A temperature T > 0 divides all scores before the softmax: above 1 the model was too sure. It changes no order.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from models.types import Calibration

N_BINS = 15


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows whose confidence is in (low, high]."""

    low: float
    high: float
    n: int
    confidence: float  # mean, 0..1
    accuracy: float  # share that was right, 0..1


def fit_temperature(
    scores: NDArray[np.float32], labels: NDArray[np.int64], weights: NDArray[np.float32]
) -> Calibration:
    """The temperature of least weighted cross entropy on held-out rows: scores (N, K), labels (N,), weights (N,).

    Without rows the temperature stays 1 and `ece` is none. `ece` is measured on the same rows.
    """
    n = len(labels)
    if not n:
        return Calibration()
    rows, target = torch.from_numpy(scores), torch.from_numpy(labels)
    weight = torch.from_numpy(weights / weights.sum())
    log_inverse = torch.zeros((), requires_grad=True)  # of the temperature: 1/T = exp of it, so it stays above 0
    optimizer = torch.optim.LBFGS([log_inverse], lr=0.5, max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        losses = functional.cross_entropy(rows * log_inverse.exp(), target, reduction="none")  # (N,)
        loss = (losses * weight).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    # all rows right, or all wrong: the best temperature would be 0 or infinite
    temperature = 1.0 / float(log_inverse.detach().clamp(-5.0, 5.0).exp())
    probabilities = torch.softmax(rows / temperature, 1).numpy()
    details = {"nll": float(functional.cross_entropy(rows / temperature, target)), "n_bins": N_BINS}
    return Calibration(temperature, expected_calibration_error(probabilities, labels), n, details)


def reliability_bins(
    pred_probs: NDArray[np.float32], labels: NDArray[np.int64], n_bins: int = N_BINS
) -> list[ReliabilityBin]:
    """Confidence against accuracy in bins of equal width over 0..1; bins without rows are left out."""
    confidence = pred_probs.max(1)  # (N,)
    right = pred_probs.argmax(1) == labels  # (N,)
    bins = np.clip(np.ceil(confidence * n_bins).astype(np.int64) - 1, 0, n_bins - 1)
    return [
        ReliabilityBin(
            low=b / n_bins,
            high=(b + 1) / n_bins,
            n=int((bins == b).sum()),
            confidence=float(confidence[bins == b].mean()),
            accuracy=float(right[bins == b].mean()),
        )
        for b in np.unique(bins).tolist()
    ]


def expected_calibration_error(
    pred_probs: NDArray[np.float32], labels: NDArray[np.int64], n_bins: int = N_BINS
) -> float:
    """Mean distance of confidence from accuracy over equally wide bins, weighted by rows: 0 is best, 1 worst.

    pred_probs (N, K), labels (N,), N >= 1. Guo et al. 2017 with 15 bins.
    """
    bins = reliability_bins(pred_probs, labels, n_bins)
    return sum(bin_.n * abs(bin_.confidence - bin_.accuracy) for bin_ in bins) / len(labels)
