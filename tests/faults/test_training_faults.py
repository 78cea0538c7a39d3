"""Training and scoring whose worker is killed, whose disk is full, whose database is locked: whole or not there."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core.jobs.queue import Job, get_job, list_log
from core.jobs.worker import run_claimed
from core.runtime import Runtime
from core.serving.scoring import enqueue_scoring
from core.settings import ROOT
from core.training.registry import list_versions
from core.training.train import enqueue_training
from core.training.training_settings import TrainingSettings
from core.types import Actor, utc_now
from db import jobs
from db.enums import JobStatus
from db.tables import ModelVersionRow, PredictionRow, SnapshotRow
from tests.core.training.shelf import add_products, decide, fill_shelf, make_titles
from tests.roles import ADMIN

SECONDS = 100
OFTEN = {"checkpoint_seconds": 0.05}


def start_worker(runtime: Runtime, before: Callable[[], None] | None = None) -> "subprocess.Popen[bytes]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SHELFWRIGHT_")}
    environment |= {
        "SHELFWRIGHT_DATA_DIR": str(runtime.data_dir),
        "SHELFWRIGHT_DATABASE_URL": runtime.settings.database_url,
        "SHELFWRIGHT_JOB_LEASE_SECONDS": "2",
        "SHELFWRIGHT_WORKER_POLL_SECONDS": "0.05",
    }
    return subprocess.Popen([sys.executable, "cli.py", "worker"], cwd=ROOT, env=environment, preexec_fn=before)


def wait_until(runtime: Runtime, job_id: int, holds: Callable[[Job], Any], process: "subprocess.Popen[bytes]") -> Job:
    """The job as soon as that is so; looks twenty times a second."""
    pause, deadline = threading.Event(), time.monotonic() + SECONDS
    while not holds(job := get_job(runtime, job_id)):
        assert process.poll() is None, "the worker ended"
        assert not job.is_finished, f"{job.status} before it could be seen: {job.error}"
        assert time.monotonic() < deadline, f"still {job.status}, {job.stage}"
        pause.wait(0.05)
    return job


def finish(runtime: Runtime, job_id: int, before: Callable[[], None] | None = None) -> Job:
    """A worker works until the job has ended, and is stopped."""
    process = start_worker(runtime, before)
    try:
        return wait_until(runtime, job_id, lambda job: job.is_finished, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def finish_here(runtime: Runtime, job_id: int) -> Job:
    """The same in this process, which has loaded everything already; a killed worker is known to be dead."""
    with runtime.sessions.write() as session:
        jobs.requeue_stalled(session, utc_now() + timedelta(hours=1), 5, utc_now())
        assert jobs.claim_job(session, "here", utc_now()) == job_id
    return run_claimed(runtime, job_id, "here")


def kill_at(runtime: Runtime, job_id: int, holds: Callable[[Job], Any]) -> Job:
    process = start_worker(runtime)
    try:
        wait_until(runtime, job_id, holds, process)
    finally:
        process.kill()
        process.wait()
    return get_job(runtime, job_id)


def count(runtime: Runtime, table: type) -> int:
    with runtime.sessions.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


@pytest.mark.slow
def test_a_worker_killed_in_training_is_followed_by_one_that_goes_on(sqlite_runtime: Runtime, actor: Actor) -> None:
    runtime, ids = sqlite_runtime, fill_shelf(sqlite_runtime, 100)
    job_id = enqueue_training(runtime, actor, TrainingSettings(epochs=40, model=OFTEN))
    checkpoint = runtime.data_dir / "jobs" / str(job_id) / "checkpoint"
    killed = kill_at(
        runtime, job_id, lambda job: (job.detail.get("epoch") or 0) > 2 and list(checkpoint.glob("*/state*"))
    )
    assert killed.status == JobStatus.DOING
    decide(runtime, actor, ids["바지"][0], "신발")  # too late for this version
    job = finish(runtime, job_id)
    assert (job.status, job.attempt) == (JobStatus.SUCCEEDED, 2), job.error
    assert count(runtime, SnapshotRow) == count(runtime, ModelVersionRow) == 1
    assert count(runtime, PredictionRow) == 300
    (version,) = list_versions(runtime, ADMIN)
    assert version.metrics["history"][0][0] == 1  # the curve of the killed attempt is kept
    assert any("Going on with snapshot" in line for _, line in list_log(runtime, job_id))
    assert len(list((runtime.data_dir / "models").iterdir())) == 1


@pytest.mark.slow
def test_a_worker_killed_in_scoring_is_followed_by_one_that_goes_on(runtime: Runtime, actor: Actor) -> None:
    fill_shelf(runtime, 60)
    trained = enqueue_training(runtime, actor, TrainingSettings(epochs=1, score_after=False))
    assert finish_here(runtime, trained).status == JobStatus.SUCCEEDED
    add_products(runtime, None, make_titles("바지", 12_000, seed=3))
    job_id = enqueue_scoring(runtime, actor)
    position = runtime.data_dir / "jobs" / str(job_id) / "scored.json"
    killed = kill_at(runtime, job_id, lambda job: position.exists())
    assert killed.status == JobStatus.DOING
    done = count(runtime, PredictionRow)
    assert 2_000 < done < 12_180
    job = finish_here(runtime, job_id)
    assert (job.status, job.attempt) == (JobStatus.SUCCEEDED, 2), job.error
    assert job.result["rows_scored"] <= 12_180 - done + 2_048  # it did not begin anew
    assert job.result["n_scored"] == count(runtime, PredictionRow) == 12_180


def limit_files() -> None:
    """No file of this process grows beyond so much, as on a full disk; the database stays far below."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (7 * 2**19, resource.RLIM_INFINITY))


@pytest.mark.slow
@pytest.mark.parametrize("checkpoint_seconds", [0.05, 10_000.0], ids=["in a checkpoint", "in the artifact"])
def test_a_full_disk_ends_with_the_reason_and_no_half_version(
    sqlite_runtime: Runtime, actor: Actor, checkpoint_seconds: float
) -> None:
    runtime = sqlite_runtime
    fill_shelf(runtime, 400)
    settings = TrainingSettings(epochs=2, model={"checkpoint_seconds": checkpoint_seconds})
    job = finish(runtime, enqueue_training(runtime, actor, settings), limit_files)
    assert job.status == JobStatus.FAILED
    assert "There is no room left on the disk" in (job.error or "")
    assert count(runtime, ModelVersionRow) == count(runtime, PredictionRow) == 0
    assert not list((runtime.data_dir / "models").glob("*"))
    again = finish_here(runtime, enqueue_training(runtime, actor, settings))  # room was made
    assert again.status == JobStatus.SUCCEEDED, again.error
    assert [version.name for version in list_versions(runtime, ADMIN)] == ["v1"]


@pytest.mark.slow
def test_a_locked_database_is_waited_for(sqlite_runtime: Runtime, actor: Actor) -> None:
    runtime = sqlite_runtime
    fill_shelf(runtime, 60)
    job_id = enqueue_training(runtime, actor, TrainingSettings(epochs=40, model=OFTEN))
    process = start_worker(runtime)
    try:
        wait_until(runtime, job_id, lambda job: job.stage is not None, process)
        with closing(sqlite3.connect(database(runtime), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            threading.Event().wait(2.5)  # another process holds the only writer's place
            other.execute("ROLLBACK")
        job = wait_until(runtime, job_id, lambda job: job.is_finished, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
    assert (job.status, job.attempt) == (JobStatus.SUCCEEDED, 1), job.error
    assert count(runtime, PredictionRow) == 180


def database(runtime: Runtime) -> Path:
    return runtime.data_dir / "shelfwright.db"
