"""Errors of models in words that can be translated: every class has its message, and the English is the same."""

import inspect
from pathlib import Path

import pytest

from core.errors import AppError, NotReady
from core.training.model_errors import MESSAGES, in_words
from models import errors

FOLDER = Path("models") / "v1"
EXAMPLES: list[errors.ModelError] = [
    errors.NotEnoughClasses(1),
    errors.BrokenArtifact(FOLDER, "config.json", "is missing"),
    errors.BrokenArtifact(FOLDER, "weights.safetensors", "differs from what was saved"),
    errors.BrokenArtifact(FOLDER, "config.json", "is not JSON"),
    errors.BrokenArtifact(FOLDER, "its content", "does not fit together (no weights)"),
    errors.OtherFormat(FOLDER, 2, 1),
    errors.UnknownDevice("tpu"),
    errors.UnknownEncoder("x", ("joint", "dan")),
    errors.TooManyClasses(5000, 3000),
    errors.TrainingDiverged(12),
    errors.NotEnoughDeviceMemory(),
    errors.NotRepeatable("x_backward has no such algorithm"),
]


def test_every_error_of_models_has_a_message() -> None:
    kinds = {kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.ModelError)}
    assert kinds - {errors.ModelError} == set(MESSAGES), "add the template to core/training/model_errors.py"


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_in_english_it_says_the_same(error: errors.ModelError) -> None:
    assert str(in_words(error)) == str(error)


def test_what_has_no_message_keeps_its_english() -> None:
    assert str(in_words(ValueError("epochs must be at least 1, not {none}"))) == "epochs must be at least 1, not {none}"


def test_an_error_within_an_error_survives_being_kept_as_json() -> None:
    error = NotReady("This model cannot be trained: {reason}", reason=in_words(errors.TrainingDiverged(12)))
    kept = AppError.from_dict(error.to_dict())
    assert str(kept) == str(error)
    inner = kept.values["reason"]
    assert isinstance(inner, AppError)
    assert inner.values == {"step": 12}
