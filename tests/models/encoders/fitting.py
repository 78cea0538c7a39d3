"""Small, quick fits of the neural encoders on the made-up catalogue."""

from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from models.encoders.model import NeuralTextModel
from models.family import fit_model
from models.types import FitProgress, FitTask, LabeledProducts
from tests.models.made_up import CLASS_IDS, make_rows

ENCODERS = ("fasttext", "dan", "gru")
QUICK: dict[str, Any] = {
    "epochs": 5,
    "batch_size": 32,
    "vocabulary_size": 300,
    "max_ngram_buckets": 2048,
    "embedding_dim": 16,
    "learning_rate": 0.01,
    "embedding_learning_rate": 0.2,
}
SMALL: dict[str, dict[str, Any]] = {"fasttext": {}, "dan": {"layer_sizes": [32]}, "gru": {"gru_dim": 16}}
# the made-up categories in a tree of two levels
PATHS = np.array([[100 + row // 4, class_id] for row, class_id in enumerate(CLASS_IDS)])


def ignore(progress: FitProgress) -> None:
    """Nobody watches."""


def make_task(folder: Path, encoder: str, n: int = 160, **given: Any) -> FitTask:
    """A task on the made-up rows; `given` are parts of the task (train, on_progress ...) or settings."""
    parts: dict[str, Any] = {
        "train": make_rows(n),
        "validation": make_rows(40, seed=1),
        "class_ids": CLASS_IDS,
        "device": "cpu",
        "folder": folder,
        "on_progress": ignore,
        "class_paths": PATHS,
    }
    settings = QUICK | SMALL[encoder]
    for name, value in given.items():
        if name in FitTask.__dataclass_fields__:
            parts[name] = value
        else:
            settings[name] = value
    return FitTask(config=settings, **parts)


def fit(folder: Path, encoder: str, **given: Any) -> NeuralTextModel:
    model = fit_model(encoder, make_task(folder, encoder, **given))
    assert isinstance(model, NeuralTextModel)
    return model


def answers(model: NeuralTextModel) -> np.ndarray:
    return model.predict_proba(make_rows(30, seed=2).products)


def share_right(model: NeuralTextModel, rows: LabeledProducts) -> float:
    return float((model.predict_top(rows.products, 1)[0][:, 0] == model.class_ids[rows.labels]).mean())


def accept(rows: LabeledProducts, further: np.ndarray, n_classes: int) -> LabeledProducts:
    """The rows with one further accepted category each."""
    n = len(rows)
    matrix = sparse.csr_matrix((np.ones(n, bool), (np.arange(n), further)), shape=(n, n_classes))
    return LabeledProducts(rows.products, rows.labels, rows.weights, matrix)
