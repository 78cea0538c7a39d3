"""Out-of-fold answers of any encoder: each row is answered by a model that never saw it or anything like it."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from models.family import fit_model
from models.noise.kept_answers import KeptAnswers, block_rows
from models.noise.text_space import OutOfFold
from models.types import FitTask

FIT_SHARE = 0.9  # of a fold's time


@dataclass(frozen=True)
class Answering:
    """Rows to be answered by an encoder out of fold.

    `task.train` holds all N rows; `plan` says who learns from whom. Near-duplicates must share a fold.
    """

    encoder: str
    task: FitTask  # as for one fit of all; its folder keeps what is done
    plan: OutOfFold


def answer_out_of_fold(asked: Answering, on_share: Callable[[float, str], None]) -> KeptAnswers:
    """One fit a fold. A fold that was finished before a kill is read back; one that was cut short goes on.

    `on_share` hears the fraction 0..1 and the stage, and may raise to stop. Raises as `fit_model` does, and
    NotEnoughClasses when the rows outside a fold are of one category. Memory: one fold's model and 256 bytes a row.
    """
    task = asked.task
    found = KeptAnswers.empty(len(task.train), len(task.class_ids))
    print_of_all = _fingerprint(asked)
    parts = asked.plan.parts()
    for fold, (learning, asking) in enumerate(parts):
        path = task.folder / f"answers-{print_of_all}-{fold}.safetensors"
        kept = _find(path, len(asking))
        if kept is None:
            say = partial(_tell, on_share, fold / len(parts), 1 / len(parts))
            kept = _answer_fold(asked, learning, asking, fold, say)
            path.parent.mkdir(parents=True, exist_ok=True)
            partial_path = path.with_suffix(".partial")
            save_file({"columns": kept.columns, "values": kept.values}, partial_path)
            partial_path.replace(path)
        found.columns[asking], found.values[asking] = kept.columns, kept.values
    return found


def _answer_fold(
    asked: Answering,
    learning: NDArray[np.int64],
    asking: NDArray[np.int64],
    fold: int,
    on_share: Callable[[float, str], None],
) -> KeptAnswers:
    task = replace(
        asked.task,
        train=asked.task.train.take(learning),
        folder=asked.task.folder / f"fold-{fold}",
        on_progress=lambda progress: on_share(FIT_SHARE * progress.fraction, progress.stage),
        warm_start=None,
    )
    model = fit_model(asked.encoder, task)
    kept = KeptAnswers.empty(len(asking), len(task.class_ids))
    for rows in _cuts(len(asking), block_rows(len(task.class_ids))):
        on_share(FIT_SHARE + (1 - FIT_SHARE) * rows[0] / len(asking), "answering")
        kept.put(rows, model.predict_proba(asked.task.train.products.take(asking[rows])))
    return kept


def _cuts(n: int, size: int) -> list[NDArray[np.int64]]:
    return [np.arange(start, min(start + size, n)) for start in range(0, n, size)]


def _tell(on_share: Callable[[float, str], None], start: float, width: float, fraction: float, stage: str) -> None:
    on_share(start + width * fraction, stage)


def _find(path: Path, n: int) -> KeptAnswers | None:
    """What an earlier try left; none where it is missing, broken or of other rows."""
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError):
        return None
    columns, values = tensors["columns"], tensors["values"]
    return KeptAnswers(columns, values, 0) if len(columns) == n else None


def _fingerprint(asked: Answering) -> str:
    """16 letters of the hash of all that decides the answers."""
    task, plan = asked.task, asked.plan
    digest = hashlib.blake2b(json.dumps([asked.encoder, task.config], sort_keys=True).encode(), digest_size=8)
    for texts in (task.train.products.titles, task.train.products.mall_categories, task.train.products.brands):
        digest.update("\0".join(texts).encode("utf-8", "surrogatepass"))
    for array in (plan.labels, plan.folds, plan.learns, task.class_ids, task.train.weights):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
