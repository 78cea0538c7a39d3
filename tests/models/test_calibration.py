"""Temperature on scores whose truth is known."""

import numpy as np
import pytest
import torch

from models.calibration import (
    SOFTMAX,
    USUAL_TEMPERATURES,
    fit_temperature,
    log_probabilities,
)
from models.types import Calibration


def test_scores_that_are_too_sure_become_as_sure_as_they_are_right() -> None:
    chance = np.random.default_rng(3)
    truth = Calibration(temperature=0.5, shift=0.3)
    scores = chance.normal(size=(6000, 5)).astype(np.float32)
    probabilities = log_probabilities(torch.from_numpy(scores), truth).exp().numpy()
    labels = (probabilities.cumsum(1) > chance.random((6000, 1))).argmax(1)
    found = fit_temperature(scores * 4, labels, np.ones(6000, np.float32))
    assert found.temperature == pytest.approx(2.0, rel=0.1)
    assert found.shift == pytest.approx(0.3, abs=0.2)
    assert found.n == 6000
    assert found.ece is not None
    assert found.ece < 0.02


def test_calibration_keeps_the_order() -> None:
    scores = torch.randn(50, 7, generator=torch.Generator().manual_seed(0)) - 1  # as a hinge gives them
    logs = log_probabilities(scores, Calibration(temperature=0.2, shift=-1.0))
    assert (logs.argsort(1) == scores.argsort(1)).all()
    assert torch.allclose(logs.exp().sum(1), torch.ones(50))


def test_without_rows_the_usual_temperature_is_taken() -> None:
    nothing = fit_temperature(np.empty((0, 3), np.float32), np.empty(0, np.int64), np.empty(0, np.float32))
    assert (nothing.temperature, nothing.ece, nothing.n) == (USUAL_TEMPERATURES["sigmoid"], None, 0)


@pytest.mark.parametrize("right", [True, False])
def test_few_rows_all_right_or_all_wrong_stay_finite(right: bool) -> None:
    scores = np.array([[2.0, -1.0], [1.5, -1.5], [-1.0, 1.0]], np.float32)
    labels = scores.argmax(1) if right else scores.argmin(1)
    found = fit_temperature(scores, labels, np.ones(3, np.float32))
    assert 0.0 < found.temperature < 100.0
    assert np.isfinite(log_probabilities(torch.from_numpy(scores), found).numpy()).all()


def test_a_softmax_that_is_too_sure_becomes_as_sure_as_it_is_right() -> None:
    chance = np.random.default_rng(4)
    scores = chance.normal(size=(6000, 5)).astype(np.float32) * 2
    truth = Calibration(temperature=1.5, kind="softmax")
    probabilities = log_probabilities(torch.from_numpy(scores), truth).exp().numpy()
    labels = (probabilities.cumsum(1) > chance.random((6000, 1))).argmax(1)
    found = fit_temperature(scores * 4, labels, np.ones(6000, np.float32), kind="softmax")
    assert (found.kind, found.shift) == ("softmax", 0.0)
    assert found.temperature == pytest.approx(6.0, rel=0.1)
    assert found.ece is not None
    assert found.ece < 0.03
    nothing = fit_temperature(scores[:0], labels[:0], np.ones(0, np.float32), kind="softmax")
    assert (nothing.kind, nothing.temperature) == ("softmax", 1.0)


def test_logits_that_are_too_sure_are_cooled_by_a_softmax() -> None:
    chance = np.random.default_rng(5)
    logits = chance.normal(size=(6000, 5)).astype(np.float32)
    probabilities = torch.from_numpy(logits).softmax(1).numpy()
    labels = (probabilities.cumsum(1) > chance.random((6000, 1))).argmax(1)
    found = fit_temperature(logits * 3, labels, np.ones(6000, np.float32), SOFTMAX)
    assert (found.kind, found.shift) == (SOFTMAX, 0.0)
    assert found.temperature == pytest.approx(3.0, rel=0.1)
    assert found.ece is not None
    assert found.ece < 0.03
    logs = log_probabilities(torch.from_numpy(logits * 3), found)
    assert logs.exp().numpy() == pytest.approx(probabilities, abs=0.05)


def test_rows_of_weight_0_say_nothing() -> None:
    chance = np.random.default_rng(6)
    scores = chance.normal(size=(400, 4)).astype(np.float32)
    labels = scores.argmax(1)
    suspected = np.arange(400) % 4 == 0
    given = np.where(suspected, (labels + 1) % 4, labels)
    weights = np.where(suspected, 0, 1).astype(np.float32)
    found = fit_temperature(scores, given, weights)
    clean = fit_temperature(scores[~suspected], labels[~suspected], np.ones(300, np.float32))
    assert (found.temperature, found.shift, found.n) == (clean.temperature, clean.shift, 300)
    assert fit_temperature(scores, given, np.zeros(400, np.float32)).n == 0
