"""Scores to probabilities with a temperature, in one of two kinds.

'sigmoid', for scores of one-against-the-rest training, where each is a verdict on its own: each goes through a sigmoid
of score / temperature + shift, and a row is divided by its sum. There a softmax of score / temperature was 2.4 points
worse in calibration error (docs/experiments.md). 'softmax', for scores trained together by cross entropy: the softmax
of score / temperature. The numbers are chosen on held-out rows; neither changes the order of the categories.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.calibration_error import N_BINS, expected_calibration_error
from models.types import Calibration

SIGMOID, SOFTMAX = "sigmoid", "softmax"
# where there is nothing to measure it on: for squared-hinge scores, and for logits
USUAL_TEMPERATURES = {SIGMOID: 0.25, SOFTMAX: 1.0}


def log_probabilities(scores: Tensor, calibration: Calibration) -> Tensor:
    """Log of calibrated probabilities, (B, K), of scores (B, K). The order within a row stays."""
    return _verdicts(scores / calibration.temperature, calibration.shift, calibration.kind).log_softmax(1)


def _verdicts(scores: Tensor, shift: float | Tensor, kind: str) -> Tensor:
    return functional.logsigmoid(scores + shift) if kind == SIGMOID else scores


def fit_temperature(
    scores: NDArray[np.float32], labels: NDArray[np.int64], weights: NDArray[np.float32], kind: str = SIGMOID
) -> Calibration:
    """Temperature (and shift) of least weighted cross entropy on held-out rows: scores (N, K), labels, weights (N,).

    A row of weight 0, such as one whose label is suspected to be wrong, is left out. A weak pull towards the usual
    temperature, worth about one row, keeps few rows or an all-right set from going to extremes. Without rows the usual
    temperature is taken and `ece` is none. `ece` is measured on the same rows.
    """
    usual, counted = USUAL_TEMPERATURES[kind], weights > 0
    scores, labels, weights = scores[counted], labels[counted], weights[counted]
    n = len(labels)
    if not n:
        return Calibration(usual, kind=kind)
    rows, target = torch.from_numpy(scores), torch.from_numpy(labels)
    weight = torch.from_numpy(weights / weights.sum())  # (N,)
    log_factor = torch.zeros((), requires_grad=True)  # temperature = usual / exp of it: above 0 whatever it is
    shift = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [log_factor, shift] if kind == SIGMOID else [log_factor],
        max_iter=40,
        tolerance_change=1e-6,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        verdicts = _verdicts(rows * log_factor.exp() / usual, shift, kind)  # (N, K)
        losses = functional.cross_entropy(verdicts, target, reduction="none")  # (N,)
        loss = (losses * weight).sum() + (log_factor.square() + shift.square()) / (2 * n)
        loss.backward()
        return loss

    optimizer.step(closure)
    with torch.no_grad():
        fitted = Calibration(float(usual / log_factor.exp()), float(shift), kind=kind)
        return measured(fitted, log_probabilities(rows, fitted), target)


def measured(calibration: Calibration, logs: Tensor, labels: Tensor) -> Calibration:
    """`calibration` with its error on held-out rows: log probabilities (N, K) and labels (N,), N >= 1."""
    best = logs.max(1)
    error = expected_calibration_error(best.values.exp().numpy(), (best.indices == labels).numpy())
    details = {"nll": float(functional.nll_loss(logs, labels)), "n_bins": N_BINS}
    return Calibration(calibration.temperature, calibration.shift, error, len(labels), details, calibration.kind)
