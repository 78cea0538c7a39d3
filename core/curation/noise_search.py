"""Out-of-fold judgement of a snapshot's labels: near-duplicates never judge each other, test rows teach nobody.

Training rows are judged by models of the other training folds. Validation and test rows are judged too, by one of
those models each, and nothing is learned from them, so that what is done to training rows knows nothing of the test.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.errors import N_, NotReady
from core.training.learning_rows import LearningRows, Rows
from core.training.model_errors import in_words
from models.types import FitTask, LabeledProducts, Products

if TYPE_CHECKING:
    from models.noise.detector import Suspicion

OnShare = Callable[[float, str], None]


@dataclass(frozen=True)
class Judged:
    """What was found of the rows; `product_ids` (N,) and `given` (N,) class positions go with it row by row."""

    product_ids: list[int]
    given: NDArray[np.int64]
    found: "Suspicion"

    def is_issue(self) -> NDArray[np.bool_]:
        """(N,) the labels that are wrong by count, the most suspicious ones."""
        from models.noise.treatment import issues

        return issues(self.found)


def judge_rows(
    rows: LearningRows,
    encoder: str,
    config: dict[str, Any],
    n_folds: int,
    device: str,
    folder: Path,
    on_share: OnShare,
    seed: int,
    held_out: Sequence[Rows] = (),
) -> Judged:
    """Judge every training row's label, and those of `held_out` rows whose class is known.

    A row that a person decided is trusted. `folder` keeps what is done through a kill. Raises NotReady with the
    reason when these rows cannot be learned from.
    """
    from models.errors import ModelError
    from models.noise.judging import judge_labels
    from models.noise.out_of_fold import Answering
    from models.noise.text_space import OutOfFold

    parts = [rows.train, *held_out]
    parts = [part.take(np.flatnonzero(part.labeled.labels >= 0)) for part in parts]
    labeled = _joined(parts)
    product_ids = [id_ for part in parts for id_ in part.product_ids]
    learns = np.arange(len(labeled)) < len(parts[0])
    folds = np.asarray([fold for part in parts for fold in part.folds], np.int64)
    ids = np.asarray(product_ids, np.int64)
    plan = OutOfFold(
        labeled.labels, np.where(learns, (folds - 2) % n_folds, ids % n_folds), learns, len(rows.class_ids)
    )
    task = FitTask(
        train=labeled,
        validation=rows.validation.labeled,
        class_ids=np.asarray(rows.class_ids, np.int64),
        config=config,
        device=device,
        folder=folder,
        on_progress=lambda progress: None,
        class_paths=rows.class_paths,
    )
    trusted = np.asarray([human for part in parts for human in part.is_human], bool)
    try:
        found = judge_labels(Answering(encoder, task, plan), trusted, on_share, seed)
    except (ModelError, ValueError, TypeError) as error:
        raise NotReady(N_("This model cannot be trained: {reason}"), reason=in_words(error)) from error
    return Judged(product_ids, labeled.labels, found)


def _joined(parts: list[Rows]) -> LabeledProducts:
    """The parts' texts, labels and weights one after another; images and alternatives say nothing here."""
    labeled = [part.labeled for part in parts]
    products = Products(
        [title for part in labeled for title in part.products.titles],
        [path for part in labeled for path in part.products.mall_categories],
        [brand for part in labeled for brand in part.products.brands],
        np.concatenate([_mall_weights(part.products) for part in labeled]),
    )
    return LabeledProducts(
        products,
        np.concatenate([part.labels for part in labeled]),
        np.concatenate([part.weights for part in labeled]),
    )


def _mall_weights(products: Products) -> NDArray[np.float32]:
    return np.ones(len(products), np.float32) if products.mall_weights is None else products.mall_weights
