"""What crosses the door of `models`: plain lists, numpy arrays and frozen dataclasses. No torch here."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ProductTexts:
    """The evidence of N products, one list entry each; '' where a product has none."""

    titles: Sequence[str]
    mall_categories: Sequence[str]
    brands: Sequence[str]
    mall_weights: NDArray[np.float32] | None = None  # (N,), 0..1: trust in the mall category; none means 1

    def __len__(self) -> int:
        return len(self.titles)

    def slice(self, start: int, stop: int) -> "ProductTexts":
        weights = None if self.mall_weights is None else self.mall_weights[start:stop]
        return ProductTexts(self.titles[start:stop], self.mall_categories[start:stop], self.brands[start:stop], weights)


@dataclass(frozen=True)
class LabeledTexts:
    """Products with their labels. `labels` are positions in the model's `class_ids`."""

    texts: ProductTexts
    labels: NDArray[np.int64]  # (N,), 0..K-1
    weights: NDArray[np.float32]  # (N,), > 0: how much a row counts

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class FitProgress:
    """How far training is. `fraction` 0..1 of all work; numbers that are not known yet are none."""

    stage: str
    fraction: float
    epoch: int | None = None
    n_epochs: int | None = None
    loss: float | None = None
    validation_p_at_1: float | None = None
    rows_per_second: float | None = None


class OnProgress(Protocol):
    """Called often during a fit. It may raise to stop the fit; what the checkpoint holds stays."""

    def __call__(self, progress: FitProgress) -> None: ...


@dataclass(frozen=True)
class Calibration:
    """How scores become probabilities: the sigmoid of score / temperature + shift, then rows made to sum to 1.

    `ece` is the expected calibration error on held-out rows, 0 is best.
    """

    temperature: float = 1.0
    shift: float = 0.0
    ece: float | None = None
    n: int = 0
    details: dict[str, Any] = field(default_factory=dict)


class CategoryModel(Protocol):
    """A trained classifier of products. `models.fit.fit_model` makes one, `models.predictor.load_model` reads one."""

    class_ids: NDArray[np.int64]  # (K,) category ids: the column order of pred_probs

    @property
    def config(self) -> dict[str, Any]:
        """What it was made with: plain values for JSON."""
        ...

    @property
    def calibration(self) -> Calibration:
        """How its probabilities were calibrated on validation rows."""
        ...

    def predict_proba(self, texts: ProductTexts) -> NDArray[np.float32]:
        """pred_probs (N, K), calibrated, rows sum to 1."""
        ...

    def predict_top(self, texts: ProductTexts, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The k best category ids and their probabilities, both (N, min(k, K)), best first."""
        ...

    def save(self, folder: Path) -> str:
        """Write the artifact folder (to a temporary name, then renamed) and return its hash."""
        ...
