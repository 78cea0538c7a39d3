"""The worker: claims jobs, keeps their hearts beating, ends each with a result or a reason."""

import logging
import os
import shutil
import socket
import threading
import traceback
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import AppError, JobCancelled
from core.jobs.context import JobContext, JobLost
from core.jobs.handlers import load_handler
from core.jobs.queue import Job, find_job, get_job
from core.patience import patiently
from core.runtime import Runtime
from core.types import utc_now
from core.webhook_sending import sending
from core.webhooks import note_event
from db import jobs
from db.enums import JobStatus

MAX_ATTEMPTS = 5
JOB_EVENTS = {
    JobStatus.SUCCEEDED: "job.finished",
    JobStatus.FAILED: "job.failed",
    JobStatus.ABORTED: "job.cancelled",
}
logger = logging.getLogger(__name__)


def worker_name() -> str:
    """Unique to this process, readable in the jobs list."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:6]}"


def work(runtime: Runtime, stop: threading.Event) -> None:
    """Run jobs one after another until `stop` is set, and send webhooks beside them.

    A database that cannot be reached is waited for.
    """
    name = worker_name()
    _sweep_folders(runtime)
    with sending(runtime):
        while not stop.is_set():
            try:
                claimed = _claim_next(runtime, name)
                if claimed is not None:
                    run_claimed(runtime, claimed, name)
                    continue
            except sa.exc.OperationalError:
                logger.warning("the database cannot be reached; trying again", exc_info=True)
            stop.wait(runtime.settings.worker_poll_seconds)


def work_until_ended(
    runtime: Runtime, job_id: int, on_report: Callable[[float, str, dict[str, Any]], None] | None = None
) -> Job:
    """Run waiting jobs here until this one has ended, here or in another worker's hands."""
    name, pause = worker_name(), threading.Event()
    while not (job := get_job(runtime, job_id)).is_finished:
        claimed = _claim_next(runtime, name)
        if claimed is None:
            pause.wait(runtime.settings.worker_poll_seconds)
        else:
            run_claimed(runtime, claimed, name, on_report)
    return job


def _claim_next(runtime: Runtime, worker: str) -> int | None:
    """The next job, now in this worker's hands; those of dead workers are put back first."""
    requeue_stalled(runtime)

    def claim() -> int | None:
        with runtime.sessions.write() as session:
            return jobs.claim_job(session, worker, utc_now())

    return patiently(claim)


def _sweep_folders(runtime: Runtime) -> None:
    """Remove checkpoints of jobs that ended without a worker (cancelled while waiting, given up after kills)."""
    for folder in (runtime.data_dir / "jobs").glob("[0-9]*"):
        job = find_job(runtime, int(folder.name)) if folder.name.isdecimal() else None
        if job is None or job.is_finished:
            shutil.rmtree(folder, ignore_errors=True)


def requeue_stalled(runtime: Runtime) -> int:
    """Take jobs from workers whose heart stopped; they start again where their checkpoint is."""
    oldest_beat = utc_now() - timedelta(seconds=runtime.settings.job_lease_seconds)

    def requeue() -> int:
        with runtime.sessions.write() as session:
            now = utc_now()
            worn_out = jobs.fail_worn_out(session, oldest_beat, MAX_ATTEMPTS, now)
            for job_id, kind, reason in worn_out:
                _tell(session, job_id, kind, JobStatus.FAILED, reason, now)
            return len(worn_out) + jobs.requeue_stalled(session, oldest_beat, MAX_ATTEMPTS, now)

    try:
        return patiently(requeue)
    except sa.exc.IntegrityError:  # somebody enqueued a successor at this very moment: the next look sees it
        return 0


def run_claimed(
    runtime: Runtime,
    job_id: int,
    worker: str,
    on_report: Callable[[float, str, dict[str, Any]], None] | None = None,
) -> Job:
    """Run a job that `worker` has claimed, and return it as it ended."""
    job = get_job(runtime, job_id)
    context = JobContext(runtime, job, worker, on_report)
    if job.attempt > 1:
        context.log(f"Attempt {job.attempt}: the worker before died; going on from the last checkpoint.")
    try:
        with _heartbeat(runtime, job_id, worker):
            status, result, error = _run(context)
    except KeyboardInterrupt:  # told to stop: the next worker goes on from the checkpoint
        patiently(partial(_write, runtime, jobs.release_job, job_id, worker, utc_now()))
        raise
    if status is None:
        logger.warning("job %s went to another worker", job_id)
        return get_job(runtime, job_id)
    patiently(partial(_finish, runtime, job, worker, status, result, error))
    shutil.rmtree(runtime.data_dir / "jobs" / str(job_id), ignore_errors=True)
    return get_job(runtime, job_id)


def _write(runtime: Runtime, query: Callable[..., object], *values: object) -> None:
    with runtime.sessions.write() as session:
        query(session, *values)


def _finish(
    runtime: Runtime, job: Job, worker: str, status: JobStatus, result: dict[str, Any] | None, error: str | None
) -> None:
    """End the job, and tell those who listen."""
    with runtime.sessions.write() as session:
        now = utc_now()
        if jobs.finish_job(session, job.id, worker, status, now, result, error):
            _tell(session, job.id, job.kind, status, error, now)


def _tell(session: Session, job_id: int, kind: str, status: JobStatus, error: str | None, now: datetime) -> None:
    """Those who listen to jobs hear of this end."""
    facts = {"id": job_id, "kind": kind, "status": status, "error": error, "finished_at": now}
    note_event(session, JOB_EVENTS[status], facts)


def _run(context: JobContext) -> tuple[JobStatus | None, dict[str, Any] | None, str | None]:
    try:
        return JobStatus.SUCCEEDED, load_handler(context.job.kind)(context), None
    except JobCancelled:
        return JobStatus.ABORTED, None, None
    except JobLost:
        return None, None, None
    except AppError as error:
        return JobStatus.FAILED, {"error": error.to_dict()}, str(error)
    except Exception as error:  # the one broad except: a job ends with its reason, the worker lives on
        logger.exception("job %s failed", context.job.id)
        context.log(traceback.format_exc())
        return JobStatus.FAILED, None, f"{type(error).__name__}: {error}"


class _heartbeat:  # noqa: N801 - used as a with block
    """Beats from a small thread for as long as the block runs."""

    def __init__(self, runtime: Runtime, job_id: int, worker: str) -> None:
        self.runtime, self.job_id, self.worker = runtime, job_id, worker
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._beat, name=f"heartbeat-{job_id}", daemon=True)

    def _beat(self) -> None:
        while not self.stopped.wait(self.runtime.settings.job_lease_seconds / 5):
            try:
                with self.runtime.sessions.write() as session:
                    jobs.beat(session, self.job_id, self.worker, utc_now())
            except Exception:  # a locked or lost database: the next beat may come through
                logger.warning("job %s: heartbeat failed", self.job_id, exc_info=True)

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *exc: object) -> None:
        self.stopped.set()
        self.thread.join()
