"""The job queue as pages and the terminal see it: enqueue, watch, cancel."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.errors import AppError, NotFound
from core.jobs.rights import action_of
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import jobs
from db.enums import JobStatus
from db.people import add_audit
from db.tables import JobRow

FINISHED = {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.ABORTED, JobStatus.CANCELLED}


@dataclass(frozen=True)
class Job:
    """A piece of long work. `progress` is 0..1; `detail` holds live numbers of its kind."""

    id: int
    kind: str
    payload: dict[str, Any]
    status: JobStatus
    progress: float
    stage: str | None
    detail: dict[str, Any]
    result: dict[str, Any]
    error: str | None
    attempt: int
    cancel_requested: bool
    created_by: int | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def is_finished(self) -> bool:
        return self.status in FINISHED

    @property
    def failure(self) -> AppError | None:
        """Why it failed, so that it can be said in any language; none when only the English of `error` is known."""
        record = self.result.get("error") if self.status == JobStatus.FAILED else None
        return AppError.from_dict(record) if record else None


def _job(row: JobRow) -> Job:
    return Job(
        row.id,
        row.kind,
        row.payload,
        row.status,
        row.progress,
        row.stage,
        row.detail or {},
        row.result or {},
        row.error,
        row.attempt,
        row.cancel_requested,
        row.created_by,
        row.created_at,
        row.started_at,
        row.finished_at,
    )


def enqueue(
    runtime: Runtime,
    actor: Actor,
    kind: str,
    payload: dict[str, Any],
    dedupe_key: str | None = None,
    worker: str | None = None,
) -> int:
    """Add a job and return its id. While one with the same `dedupe_key` waits, that one's id.

    Raises Forbidden: which right it takes depends on the kind.
    """
    authorize(actor, action_of(kind))
    now = utc_now()
    with runtime.sessions.write() as session:
        job_id = jobs.insert_job(session, kind, payload, dedupe_key, actor.person_id, now, worker)
        row = jobs.find_job(session, job_id)
        if row is not None and row.created_at == now:  # else it waited already
            add_audit(session, now, actor.person_id, "start", "job", job_id, after={"kind": kind})
        return job_id


def find_job(runtime: Runtime, job_id: int) -> Job | None:
    with runtime.sessions.read() as session:
        row = jobs.find_job(session, job_id)
        return _job(row) if row else None


def get_job(runtime: Runtime, job_id: int) -> Job:
    job = find_job(runtime, job_id)
    if job is None:
        raise NotFound()
    return job


def list_jobs(
    runtime: Runtime,
    kinds: list[str] | None = None,
    limit: int = 20,
    before_id: int | None = None,
    unfinished: bool = False,
) -> list[Job]:
    """Newest first; `before_id` continues a list; `unfinished`: only waiting and running ones."""
    with runtime.sessions.read() as session:
        return [_job(row) for row in jobs.list_jobs(session, kinds, limit, before_id, unfinished)]


def find_unfinished_job(runtime: Runtime, kinds: list[str]) -> Job | None:
    """The newest waiting or running job of these kinds."""
    return next(iter(list_jobs(runtime, kinds, limit=1, unfinished=True)), None)


def list_log(runtime: Runtime, job_id: int, limit: int = 200) -> list[tuple[datetime, str]]:
    with runtime.sessions.read() as session:
        return jobs.list_log(session, job_id, limit)


def cancel_job(runtime: Runtime, actor: Actor, job_id: int) -> None:
    """A waiting job ends at once; a running one at its next report. Its own maker may, and who may train."""
    job = get_job(runtime, job_id)
    if job.created_by != actor.person_id:
        authorize(actor, Action.TRAIN)
    now = utc_now()
    with runtime.sessions.write() as session:
        jobs.request_cancel(session, job_id, now)
        if not job.is_finished:
            before = {"kind": job.kind, "status": job.status.value}
            add_audit(session, now, actor.person_id, "cancel", "job", job_id, before=before)
