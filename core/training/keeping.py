"""Keeping a trained model: artifact, row, metrics and held-out answers, so that a version is whole or not there."""

import shutil
from functools import partial
from pathlib import Path
from typing import Any

from core.jobs.context import JobContext, JobLost
from core.jobs.ownership import keep_hold
from core.patience import patiently
from core.serving.scoring import prediction_rows, write_predictions
from core.training.registry import get_version
from core.training.snapshot import Snapshot
from core.training.versions import ModelVersion
from core.types import utc_now
from db import model_versions
from db.enums import ModelStatus
from db.people import add_audit, raise_revision
from models.answers import Answers
from models.thresholds import Thresholds
from models.types import CategoryModel

CHUNK = 2_048  # predictions in one transaction


def keep_version(
    context: JobContext,
    model: CategoryModel,
    snapshot: Snapshot,
    config: dict[str, Any],
    seed: int,
    device: str,
    metrics: dict[str, Any],
    category_metrics: list[dict[str, Any]],
    test_answers: tuple[list[int], Answers],
    thresholds: Thresholds | None = None,
) -> ModelVersion:
    """Save the artifact and the row; the row becomes visible with the last step.

    `test_answers`: product ids and answers, as they are served, of the held-out rows, which the comparison with
    other versions reads. `thresholds` lie in the artifact beside the model. A row that a killed attempt of this job
    left is filled anew. Raises JobLost, and leaves all as the worker that has the job now wants it.
    """
    runtime, now = context.runtime, utc_now()
    artifact = _artifact(context, snapshot)
    values = {
        "status": ModelStatus.TRAINING,
        "config": config,
        "seed": seed,
        "device": device,
        "snapshot_id": snapshot.id,
        "job_id": context.job.id,
        "metrics": metrics,
        "artifact": str(artifact.relative_to(runtime.data_dir)),
        "artifact_hash": _save(model, thresholds, artifact),
        "created_by": context.job.created_by,
        "created_at": now,
    }
    try:
        version_id = patiently(partial(_write_row, context, values, category_metrics))
        product_ids, answers = test_answers
        for start in range(0, len(product_ids), CHUNK):
            part = slice(start, start + CHUNK)
            rows = prediction_rows(version_id, product_ids[part], answers.take(part))
            write_predictions(runtime, rows, partial(keep_hold, context=context))
        patiently(partial(_finish, context, version_id))
    except JobLost:
        shutil.rmtree(artifact, ignore_errors=True)
        raise
    _remove_folders(context, keep=artifact)
    return get_version(runtime, version_id)


def _save(model: CategoryModel, thresholds: Thresholds | None, artifact: Path) -> str:
    from models.artifact import write_folder
    from models.thresholds import FILE

    beside = {FILE: thresholds.write} if thresholds else {}
    return write_folder(artifact, {**model.files(), **beside})


def _write_row(context: JobContext, values: dict[str, Any], category_metrics: list[dict[str, Any]]) -> int:
    with context.runtime.sessions.write() as session:
        version_id = model_versions.ensure_version_of_job(session, context.job.id, values)
        model_versions.replace_category_metrics(session, version_id, category_metrics)
        keep_hold(session, context)
    return version_id


def _finish(context: JobContext, version_id: int) -> None:
    now, after = utc_now(), {"job": context.job.id}
    with context.runtime.sessions.write() as session:
        model_versions.finish_version(session, version_id, now)
        model_versions.set_n_scored(session, version_id)
        add_audit(session, now, context.job.created_by, "train", "model_version", version_id, after=after)
        raise_revision(session, "models", "predictions")
        keep_hold(session, context)


def discard_unfinished(context: JobContext) -> None:
    """Take away what a failed or cancelled attempt of this job began to keep. A finished version stays.

    Raises JobLost, having taken nothing away, when another worker has the job.
    """
    with context.runtime.sessions.write() as session:
        kept = model_versions.delete_unfinished_version(session, context.job.id)
        keep_hold(session, context)
    _remove_folders(context, keep=context.runtime.data_dir / kept if kept else None)


def _remove_folders(context: JobContext, keep: Path | None) -> None:
    """Artifacts of this job's attempts, half saved ones (.tmp) too."""
    for folder in (context.runtime.data_dir / "models").glob(f"*-job{context.job.id}-*"):
        if folder != keep:
            shutil.rmtree(folder, ignore_errors=True)


def _artifact(context: JobContext, snapshot: Snapshot) -> Path:
    """Each attempt its own: one that was thought dead may still be saving."""
    job = context.job
    return context.runtime.data_dir / "models" / f"{snapshot.content_hash[:12]}-job{job.id}-{job.attempt}"
