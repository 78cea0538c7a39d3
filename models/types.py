"""What crosses the door of `models`: plain lists, numpy arrays and frozen dataclasses. No torch here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # scipy takes a quarter of a second, and pages read this file
    from scipy import sparse


Item = TypeVar("Item")


@dataclass(frozen=True)
class ProductImages:
    """What the image trunk saw of N products. Rows where `present` is false are 0 and say nothing."""

    features: NDArray[np.float16] | NDArray[np.float32]  # (N, F), pooled output of the trunk
    present: NDArray[np.bool_]  # (N,) whether the product has a readable image
    trunk: Path | None = None  # the folder of the trunk that made the features; none: nobody looks
    files: Sequence[str | None] | None = None  # where the images lie, for another trunk or fine-tuning; none: unknown

    def __len__(self) -> int:
        return len(self.present)

    def take(self, rows: "Rows") -> "ProductImages":
        files = None if self.files is None else _take(self.files, rows)
        return ProductImages(self.features[rows], self.present[rows], self.trunk, files)


Rows = NDArray[np.int64] | slice


@dataclass(frozen=True)
class Products:
    """The evidence of N products, one list entry each; '' where a product has none."""

    titles: Sequence[str]
    mall_categories: Sequence[str]
    brands: Sequence[str]
    mall_weights: NDArray[np.float32] | None = None  # (N,), 0..1: trust in the mall category; none means 1
    images: ProductImages | None = None  # none: no images are used

    def __len__(self) -> int:
        return len(self.titles)

    def slice(self, start: int, stop: int) -> "Products":
        return self.take(slice(start, stop))

    def take(self, rows: Rows) -> "Products":
        """The products at these places, in this order."""
        return Products(
            _take(self.titles, rows),
            _take(self.mall_categories, rows),
            _take(self.brands, rows),
            None if self.mall_weights is None else self.mall_weights[rows],
            None if self.images is None else self.images.take(rows),
        )


def _take(column: Sequence[Item], rows: Rows) -> Sequence[Item]:
    return column[rows] if isinstance(rows, slice) else [column[row] for row in rows.tolist()]


@dataclass(frozen=True)
class LabeledProducts:
    """Products with their labels. `labels` are positions in the model's `class_ids`.

    `alternatives` (N, K) is true where people accepted a further category for a product: right as well.
    """

    products: Products
    labels: NDArray[np.int64]  # (N,), 0..K-1
    weights: NDArray[np.float32]  # (N,), > 0: how much a row counts
    alternatives: "sparse.csr_matrix | None" = None  # none: nobody accepted any
    groups: NDArray[np.int64] | None = None  # (N,) a number that near-duplicates share; none: nobody looked

    def __len__(self) -> int:
        return len(self.products)

    def take(self, rows: NDArray[np.int64]) -> "LabeledProducts":
        """The rows at these places, in this order."""
        alternatives = None if self.alternatives is None else self.alternatives[rows]
        groups = None if self.groups is None else self.groups[rows]
        return LabeledProducts(self.products.take(rows), self.labels[rows], self.weights[rows], alternatives, groups)


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
    note: str | None = None  # something worth a line in the log, in English; told once


Writer = Callable[[Path], None]  # makes the file at this path


class OnProgress(Protocol):
    """Called often during a fit. It may raise to stop the fit; what the checkpoint holds stays."""

    def __call__(self, progress: FitProgress) -> None: ...


class BatchSelector(Protocol):
    """Chooses in each step which rows of the batch are learned from and with which labels: `models.noise.selfie`.

    The trainer calls `choose` with what it found before the step, and `end_epoch` with its held-out scores; its
    `state` lies in the trainer's checkpoints.
    """

    def fingerprint(self) -> bytes:
        """All of its settings that decide what it chooses."""
        ...

    def choose(
        self, epoch: int, rows: NDArray[np.int64], losses: NDArray[np.float32], predictions: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """(whether it is learned from, its label) of each training row (B,); epochs count from 0.

        Asked twice in an epoch about the same rows it says the same of them.
        """
        ...

    def end_epoch(self, epoch: int, scores: NDArray[np.float32], labels: NDArray[np.int64]) -> None:
        """Hear the scores (H, K) of held-out rows and their labels (H,)."""
        ...

    def state(self) -> dict[str, NDArray[Any]]: ...

    def load_state(self, state: dict[str, NDArray[Any]]) -> None: ...


@dataclass(frozen=True)
class FitTask:
    """All that a fit is given. Every encoder's fit function takes one and returns its model.

    What is in `folder` of a fit that was cut short is taken up when data and settings are the same, and ignored
    otherwise. `on_progress` may raise: that ends the fit and leaves its checkpoints.
    """

    train: LabeledProducts
    validation: LabeledProducts  # may be empty or lack classes; calibration happens on it
    class_ids: NDArray[np.int64]  # (K,) category ids: the column order; labels are positions in it
    config: dict[str, Any]  # the encoder's own settings by name
    device: str  # auto, cpu, cuda
    folder: Path  # for checkpoints
    on_progress: OnProgress
    class_paths: NDArray[np.int64] | None = None  # (K, D) category ids root .. leaf, padded with -1; none: no tree
    corpus: Sequence[str] | None = None  # texts the tokenizer learns from; none: those of `train`
    warm_start: Path | None = None  # artifact of an earlier model of the same encoder to begin from
    descent: Mapping[int, Sequence[int]] = field(default_factory=dict)  # class id -> the older ids that became it
    selector: BatchSelector | None = None  # none: every row is learned from as it is labeled


@dataclass(frozen=True)
class Calibration:
    """How scores become probabilities, row by row.

    `kind` sigmoid: the sigmoid of score / temperature + shift, then the row made to sum to 1; softmax: the softmax of
    score / temperature. `ece` is the expected calibration error on held-out rows, 0 is best.
    """

    temperature: float = 1.0
    shift: float = 0.0
    ece: float | None = None
    n: int = 0
    details: dict[str, Any] = field(default_factory=dict)
    kind: str = "sigmoid"


class CategoryModel(Protocol):
    """A trained classifier of products. `models.family` fits one and reads one back."""

    class_ids: NDArray[np.int64]  # (K,) category ids: the column order of pred_probs

    @property
    def config(self) -> dict[str, Any]:
        """What it was made with: plain values for JSON; 'kind' names its class in `models.family.KINDS`."""
        ...

    @property
    def calibration(self) -> Calibration:
        """How its probabilities were calibrated on validation rows."""
        ...

    def predict_proba(self, products: Products) -> NDArray[np.float32]:
        """pred_probs (N, K), calibrated, rows sum to 1."""
        ...

    def predict_top(self, products: Products, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The k best category ids and their probabilities, both (N, min(k, K)), best first; k >= 1."""
        ...

    def files(self) -> dict[str, Writer]:
        """The files of its artifact, each with what writes it: also as a part of a larger model's."""
        ...

    def save(self, folder: Path) -> str:
        """Write the artifact folder (to a temporary name, then renamed) and return its hash."""
        ...
