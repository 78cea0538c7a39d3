"""Logit adjustment of any model: rare classes get their chance, probabilities stay so, artifacts come back."""

from pathlib import Path

import numpy as np
import pytest

from models.adjusted import AdjustedModel, adjust_model
from models.artifact import write_folder
from models.family import load_model
from models.types import LabeledProducts
from tests.models.given import GivenModel, rows
from tests.models.made_up import fit_quickly, make_rows

COUNTS = np.array([900, 90, 10])


def even_rows(n: int) -> tuple[GivenModel, LabeledProducts]:
    """A model trained on skewed classes, asked about rows of even classes: its prior is in its answers."""
    chance = np.random.default_rng(0)
    labels = chance.integers(0, 3, n)
    evidence = chance.normal(size=(n, 3)) + 2 * np.eye(3)[labels]
    odds = np.exp(2 * evidence - 2 * evidence.max(axis=1, keepdims=True)) * COUNTS
    model = GivenModel((odds / odds.sum(axis=1, keepdims=True)).astype(np.float32), [5, 6, 7])
    return model, LabeledProducts(rows(*range(n)), labels, np.ones(n, np.float32))


def test_rare_classes_are_found_and_the_probabilities_are_calibrated() -> None:
    model, validation = even_rows(3000)
    adjusted = adjust_model(model, 1.0, np.repeat(np.arange(3), COUNTS), validation)
    before, after = model.predict_proba(validation.products), adjusted.predict_proba(validation.products)
    rare = validation.labels == 2
    assert (after.argmax(1) == 2)[rare].mean() > (before.argmax(1) == 2)[rare].mean() + 0.3
    assert (after.argmax(1) == validation.labels).mean() > (before.argmax(1) == validation.labels).mean()
    assert after.sum(1) == pytest.approx(np.ones(3000), abs=1e-5)
    assert adjusted.calibration.ece is not None
    assert adjusted.calibration.ece < 0.03


def test_no_adjustment_is_the_model_itself() -> None:
    model, validation = even_rows(10)
    assert adjust_model(model, 0.0, np.zeros(10, np.int64), validation) is model


def test_an_adjusted_model_is_saved_with_the_model_below(tmp_path: Path) -> None:
    model = fit_quickly(tmp_path / "fit")
    adjusted = adjust_model(model, 0.5, make_rows(160).labels, make_rows(40, seed=1))
    assert isinstance(adjusted, AdjustedModel)
    products = make_rows(20, seed=2).products
    write_folder(tmp_path / "artifact", adjusted.files())
    again = load_model(tmp_path / "artifact")
    assert again.predict_proba(products) == pytest.approx(adjusted.predict_proba(products), abs=1e-6)
    assert again.config == adjusted.config
    assert again.config["logit_adjustment"] == 0.5
    assert again.calibration == adjusted.calibration


def test_without_validation_rows_the_usual_temperature_is_taken(tmp_path: Path) -> None:
    model, validation = even_rows(10)
    adjusted = adjust_model(model, 1.0, np.repeat(np.arange(3), COUNTS), validation.take(np.empty(0, np.int64)))
    assert (adjusted.calibration.temperature, adjusted.calibration.n) == (1.0, 0)
