"""A worker thought dead wakes up in the middle of training or scoring: it changes nothing that the other one wrote."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from core.jobs.queue import get_job
from core.jobs.worker import run_claimed
from core.runtime import Runtime
from core.serving import scoring
from core.serving.scoring import enqueue_scoring
from core.training import keeping
from core.training.registry import list_versions
from core.training.train import enqueue_training
from core.training.training_settings import TrainingSettings
from core.types import Actor, utc_now
from db import jobs
from db.enums import JobStatus
from db.tables import AuditRow, ModelVersionRow, PredictionRow
from tests.core.training.shelf import fill_shelf
from tests.roles import ADMIN

MARK = 0.123  # in what the second worker wrote
ONLY_TRAIN = TrainingSettings(epochs=1, score_after=False)


def claim(runtime: Runtime, worker: str) -> int:
    with runtime.sessions.write() as session:
        job_id = jobs.claim_job(session, worker, utc_now())
    assert job_id
    return job_id


def sleep_in(runtime: Runtime, patch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    """At its first call of `name` the first worker sleeps; a second one does the whole job and marks its answers."""
    step, slept = getattr(module, name), iter([True])

    def asleep(*args: Any) -> Any:
        if next(slept, False):
            with runtime.sessions.write() as session:
                jobs.requeue_stalled(session, utc_now() + timedelta(hours=1), 5, utc_now())
            job = run_claimed(runtime, claim(runtime, "w2"), "w2")
            assert job.status == JobStatus.SUCCEEDED, job.error
            with runtime.sessions.write() as session:
                session.execute(sa.update(PredictionRow).values(confidence=MARK))
        return step(*args)

    patch.setattr(module, name, asleep)


def check_nothing_changed(runtime: Runtime, job_id: int, n_predictions: int) -> None:
    assert get_job(runtime, job_id).status == JobStatus.SUCCEEDED
    with runtime.sessions.read() as session:
        confidences = list(session.scalars(sa.select(PredictionRow.confidence)))
        n_kept = session.scalar(sa.select(sa.func.count()).where(AuditRow.action == "train"))
        row = session.scalars(sa.select(ModelVersionRow)).one()
    assert confidences == pytest.approx([MARK] * n_predictions)
    assert n_kept == 1
    assert [folder.name for folder in (runtime.data_dir / "models").iterdir()] == [str(row.artifact).split("/")[-1]]
    assert len(list_versions(runtime, ADMIN)) == 1


@pytest.mark.parametrize("name", ["prediction_rows", "_artifact", "_finish"])
def test_in_keeping_a_version(runtime: Runtime, actor: Actor, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    fill_shelf(runtime, 30)
    enqueue_training(runtime, actor, ONLY_TRAIN)
    job_id = claim(runtime, "w1")
    sleep_in(runtime, monkeypatch, keeping, name)
    run_claimed(runtime, job_id, "w1")
    (version,) = list_versions(runtime, ADMIN)
    assert version.test
    check_nothing_changed(runtime, job_id, version.test.n)


def test_in_a_failure(runtime: Runtime, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the other worker keeps is not cleaned up by the one that fails late."""
    fill_shelf(runtime, 30)
    enqueue_training(runtime, actor, ONLY_TRAIN)
    job_id = claim(runtime, "w1")
    sleep_in(runtime, monkeypatch, keeping, "prediction_rows")
    awake = keeping.prediction_rows

    def fail(*args: Any) -> Any:
        rows = awake(*args)
        if get_job(runtime, job_id).is_finished:
            raise OSError("its folder is gone")
        return rows

    monkeypatch.setattr(keeping, "prediction_rows", fail)
    run_claimed(runtime, job_id, "w1")
    (version,) = list_versions(runtime, ADMIN)
    assert version.test
    check_nothing_changed(runtime, job_id, version.test.n)


def test_in_scoring(runtime: Runtime, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    fill_shelf(runtime, 30)
    enqueue_training(runtime, actor, ONLY_TRAIN)
    run_claimed(runtime, claim(runtime, "w0"), "w0")
    job_id = enqueue_scoring(runtime, actor)
    assert claim(runtime, "w1") == job_id
    sleep_in(runtime, monkeypatch, scoring, "product_texts")
    run_claimed(runtime, job_id, "w1")
    check_nothing_changed(runtime, job_id, 90)
