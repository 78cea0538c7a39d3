"""The fit itself inside a train job: what the encoder is given, and what people see of it meanwhile."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from core.errors import N_, NotReady
from core.jobs.context import JobContext
from core.training.encoder_settings import encoder_config
from core.training.learning_rows import LearningRows
from core.training.model_errors import in_words
from core.training.progress_curve import Curve
from core.training.selfie_training import keep_verdicts, make_selector
from core.training.training_settings import TrainingSettings
from models.types import CategoryModel, FitProgress, FitTask, OnProgress


class Report(Protocol):
    """Says how far the fit is (0..1), at which stage, with live numbers. May raise to end it."""

    def __call__(self, fraction: float, stage: str, **detail: Any) -> None: ...


def fit_rows(
    context: JobContext,
    settings: TrainingSettings,
    rows: LearningRows,
    device: str,
    history: list[list[Any]],
    remember: Callable[[], None],
    report: Report,
    warm_start: Path | None = None,
    descent: Mapping[int, Sequence[int]] | None = None,
) -> CategoryModel:
    """Train the chosen encoder on the training rows, on a resolved device.

    `history` collects the learning curve; `remember` is called when an epoch is added to it; `warm_start` is the
    artifact to begin from, `descent` what its categories became since. Raises NotReady with the reason when these
    rows or settings cannot be trained on.
    """
    watcher = _Watcher(context, Curve(history), remember, report)
    return fit_encoder(settings, rows, device, checkpoint_folder(context), watcher, warm_start, descent)


def checkpoint_folder(context: JobContext) -> Path:
    """Where a train job's fit keeps what it would not do twice."""
    return context.folder / "checkpoint"


def fit_encoder(
    settings: TrainingSettings,
    rows: LearningRows,
    device: str,
    folder: Path,
    on_progress: OnProgress,
    warm_start: Path | None = None,
    descent: Mapping[int, Sequence[int]] | None = None,
) -> CategoryModel:
    """The chosen encoder trained on these rows; `folder` keeps its checkpoints. Raises NotReady with the reason."""
    from models.adjusted import adjust_model
    from models.errors import ModelError
    from models.family import fit_model

    selector = make_selector(settings, rows, is_warm=warm_start is not None)
    task = FitTask(
        train=rows.train.labeled,
        validation=rows.validation.labeled,
        class_ids=np.asarray(rows.class_ids, dtype=np.int64),
        config=encoder_config(settings),
        device=device,
        folder=folder,
        on_progress=on_progress,
        class_paths=rows.class_paths,
        warm_start=warm_start,
        descent=descent or {},
        selector=selector,
    )
    try:
        model = fit_model(settings.encoder, task)
        if selector:
            keep_verdicts(selector, rows, folder)
        return adjust_model(model, settings.logit_adjustment, task.train.labels, task.validation)
    except (ModelError, ValueError, TypeError) as error:
        raise NotReady(N_("This model cannot be trained: {reason}"), reason=in_words(error)) from error


def resolve_training_device(name: str) -> str:
    """'auto' as what is here; raises NotReady for a device that does not exist."""
    from models.device import resolve_device
    from models.errors import ModelError

    try:
        return resolve_device(name)
    except ModelError as error:
        raise NotReady(N_("This model cannot be trained: {reason}"), reason=in_words(error)) from error


def describe_training_device(device: str) -> str:
    """A resolved device in words."""
    from models.device import describe_device

    return describe_device(device)


class _Watcher:
    """What a fit tells, turned into the job's progress, curve and log."""

    def __init__(self, context: JobContext, curve: Curve, remember: Callable[[], None], report: Report) -> None:
        self._context, self._curve, self._remember, self._report = context, curve, remember, report
        self._began: tuple[float, float] | None = None  # (time, fraction) of this attempt's first word

    def __call__(self, progress: FitProgress) -> None:
        if progress.note:
            self._context.log(progress.note)
        if self._curve.add(progress):
            self._remember()
        seconds_left = self._seconds_left(progress.fraction)
        self._report(
            progress.fraction,
            progress.stage,
            epoch=progress.epoch,
            n_epochs=progress.n_epochs,
            loss=None if progress.loss is None else round(progress.loss, 4),
            validation_p_at_1=progress.validation_p_at_1,
            rows_per_second=progress.rows_per_second and round(progress.rows_per_second),
            seconds_left=None if seconds_left is None else round(seconds_left, 1),
            history=self._curve.points,
        )

    def _seconds_left(self, fraction: float) -> float | None:
        """As fast as this attempt has been so far; none while that is hardly known."""
        now = time.monotonic()
        if self._began is None:
            self._began = now, fraction
        began, at_first = self._began
        gone = fraction - at_first
        return (now - began) / gone * (1.0 - fraction) if gone > 0.01 else None
