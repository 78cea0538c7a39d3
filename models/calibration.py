"""Scores to probabilities with a temperature, and the expected calibration error.

Scores come from one-against-the-rest training: each is a verdict on its own. So each goes through a sigmoid of
score / temperature + shift, and a row is divided by its sum. Both numbers are chosen on held-out rows; neither changes
the order of the categories. A softmax of score / temperature was 2.4 points worse in calibration error
(docs/experiments.md).
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.types import Calibration

N_BINS = 15
USUAL_TEMPERATURE = 0.25  # for squared-hinge scores, where there is nothing to measure it on


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows whose confidence is in (low, high]."""

    low: float
    high: float
    n: int
    confidence: float  # mean, 0..1
    accuracy: float  # share that was right, 0..1


def log_probabilities(scores: Tensor, calibration: Calibration) -> Tensor:
    """Log of calibrated probabilities, (B, K), of scores (B, K). The order within a row stays."""
    return functional.logsigmoid(scores / calibration.temperature + calibration.shift).log_softmax(1)


def fit_temperature(
    scores: NDArray[np.float32], labels: NDArray[np.int64], weights: NDArray[np.float32]
) -> Calibration:
    """Temperature and shift of least weighted cross entropy on held-out rows: scores (N, K), labels and weights (N,).

    A weak pull towards USUAL_TEMPERATURE, worth about one row, keeps few rows or an all-right set from going to
    extremes. Without rows the usual temperature is taken and `ece` is none. `ece` is measured on the same rows.
    """
    n = len(labels)
    if not n:
        return Calibration(USUAL_TEMPERATURE)
    rows, target = torch.from_numpy(scores), torch.from_numpy(labels)
    weight = torch.from_numpy(weights / weights.sum())  # (N,)
    log_factor = torch.zeros((), requires_grad=True)  # temperature = usual / exp of it: above 0 whatever it is
    shift = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [log_factor, shift], max_iter=40, tolerance_change=1e-6, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        verdicts = functional.logsigmoid(rows * log_factor.exp() / USUAL_TEMPERATURE + shift)  # (N, K)
        losses = functional.cross_entropy(verdicts, target, reduction="none")  # (N,)
        loss = (losses * weight).sum() + (log_factor.square() + shift.square()) / (2 * n)
        loss.backward()
        return loss

    optimizer.step(closure)
    with torch.no_grad():
        fitted = Calibration(float(USUAL_TEMPERATURE / log_factor.exp()), float(shift))
        logs = log_probabilities(rows, fitted)
        nll = float(functional.nll_loss(logs, target))
    error = expected_calibration_error(logs.exp().numpy(), labels)
    return replace(fitted, ece=error, n=n, details={"nll": nll, "n_bins": N_BINS})


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
