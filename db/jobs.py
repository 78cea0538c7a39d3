"""Queries of the job queue. A claim is one statement; a lease is a heartbeat that is young enough."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from db.enums import JobStatus
from db.people import insert_for
from db.tables import JobLogRow, JobRow

TWIN = aliased(JobRow, name="twin")


def insert_job(
    session: Session,
    kind: str,
    payload: dict[str, Any],
    dedupe_key: str | None,
    person_id: int | None,
    now: datetime,
    worker: str | None = None,
) -> int:
    """A new job's id, or that of the one already waiting under the same key.

    With `worker` the job starts in that worker's hands, so no other can take it.
    """
    claimed = {"status": JobStatus.DOING, "worker": worker, "heartbeat_at": now, "started_at": now, "attempt": 1}
    values = {
        "kind": kind,
        "payload": payload,
        "dedupe_key": dedupe_key,
        "status": JobStatus.TODO,
        "attempt": 0,
        "cancel_requested": False,
        "progress": 0.0,
        "created_by": person_id,
        "created_at": now,
    } | (claimed if worker else {})
    waiting = sa.text("status = 'todo'")
    insert = (
        insert_for(session)(JobRow)
        .values(values)
        .on_conflict_do_nothing(index_elements=["dedupe_key"], index_where=waiting)
        .returning(JobRow.id)
    )
    found = sa.select(JobRow.id).where(JobRow.dedupe_key == dedupe_key, JobRow.status == JobStatus.TODO)
    while True:
        job_id = session.scalar(insert) or session.scalar(found)
        if job_id is not None:
            return job_id  # else a worker claimed the waiting one just now: there is room for ours


def claim_job(session: Session, worker: str, now: datetime) -> int | None:
    """Take the oldest waiting job; None when there is none."""
    oldest = (
        sa.select(JobRow.id)
        .where(JobRow.status == JobStatus.TODO)
        .order_by(JobRow.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    claim = (
        sa.update(JobRow)
        .where(JobRow.id == oldest)
        .values(
            status=JobStatus.DOING,
            worker=worker,
            heartbeat_at=now,
            started_at=sa.func.coalesce(JobRow.started_at, now),
            attempt=JobRow.attempt + 1,
        )
        .returning(JobRow.id)
        .execution_options(synchronize_session=False)
    )
    return session.scalar(claim)


def requeue_stalled(session: Session, oldest_beat: datetime, max_attempts: int, now: datetime) -> int:
    """Put back jobs whose worker died; one that died `max_attempts` times fails. Returns how many were found."""
    stalled = sa.and_(JobRow.status == JobStatus.DOING, JobRow.heartbeat_at < oldest_beat)
    n_failed = len(fail_worn_out(session, oldest_beat, max_attempts, now))
    aborted = session.execute(
        sa.update(JobRow).where(stalled, JobRow.cancel_requested).values(status=JobStatus.ABORTED, finished_at=now)
    )
    stalled_twin = sa.and_(TWIN.status == JobStatus.DOING, TWIN.heartbeat_at < oldest_beat, TWIN.id > JobRow.id)
    _end_twins(session, stalled, sa.or_(TWIN.status == JobStatus.TODO, stalled_twin), now)
    back = session.execute(sa.update(JobRow).where(stalled).values(status=JobStatus.TODO, worker=None))
    return n_failed + sum(result.rowcount for result in (aborted, back))  # type: ignore[attr-defined]


def fail_worn_out(
    session: Session, oldest_beat: datetime, max_attempts: int, now: datetime
) -> list[tuple[int, str, str]]:
    """End the jobs in which a worker died for the `max_attempts`th time: (id, kind, reason) of each."""
    stalled = sa.and_(JobRow.status == JobStatus.DOING, JobRow.heartbeat_at < oldest_beat)
    reason = f"The worker died {max_attempts} times in this job (killed, or out of memory)."
    failed = session.execute(
        sa.update(JobRow)
        .where(stalled, JobRow.attempt >= max_attempts)
        .values(status=JobStatus.FAILED, finished_at=now, error=reason)
        .returning(JobRow.id, JobRow.kind)
        .execution_options(synchronize_session=False)
    )
    return [(id_, kind, reason) for id_, kind in failed]


def _end_twins(
    session: Session, doing: sa.ColumnElement[bool], is_successor: sa.ColumnElement[bool], now: datetime
) -> None:
    """Of the running jobs that cannot go on, end those with a successor of the same key: it does the work."""
    has_twin = sa.select(TWIN.id).where(TWIN.dedupe_key == JobRow.dedupe_key, is_successor).exists()
    session.execute(
        sa.update(JobRow)
        .where(doing, has_twin)
        .values(status=JobStatus.ABORTED, finished_at=now)
        .execution_options(synchronize_session=False)
    )


def release_job(session: Session, job_id: int, worker: str, now: datetime) -> None:
    """A worker that is told to stop puts its job back; this does not count as an attempt."""
    mine = sa.and_(JobRow.id == job_id, JobRow.worker == worker, JobRow.status == JobStatus.DOING)
    _end_twins(session, mine, TWIN.status == JobStatus.TODO, now)
    session.execute(
        sa.update(JobRow).where(mine).values(status=JobStatus.TODO, worker=None, attempt=JobRow.attempt - 1)
    )


def beat(session: Session, job_id: int, worker: str, now: datetime) -> bool | None:
    """Say that the worker lives. True when cancelling was asked for; None when the job is no longer its own."""
    return session.scalar(
        sa.update(JobRow)
        .where(JobRow.id == job_id, JobRow.worker == worker, JobRow.status == JobStatus.DOING)
        .values(heartbeat_at=now)
        .returning(JobRow.cancel_requested)
    )


def set_progress(
    session: Session, job_id: int, worker: str, progress: float, stage: str, detail: dict[str, Any]
) -> bool | None:
    """Write how far the job is. Returns as `beat`."""
    return session.scalar(
        sa.update(JobRow)
        .where(JobRow.id == job_id, JobRow.worker == worker, JobRow.status == JobStatus.DOING)
        .values(progress=progress, stage=stage, detail=detail)
        .returning(JobRow.cancel_requested)
    )


def finish_job(
    session: Session,
    job_id: int,
    worker: str,
    status: JobStatus,
    now: datetime,
    result: dict[str, Any] | None = None,
    error: str | None = None,
) -> bool:
    """End the job, unless it went to another worker meanwhile (False)."""
    values: dict[str, Any] = {"status": status, "finished_at": now, "result": result, "error": error}
    if status == JobStatus.SUCCEEDED:
        values["progress"] = 1.0
    done = session.execute(
        sa.update(JobRow)
        .where(JobRow.id == job_id, JobRow.worker == worker, JobRow.status == JobStatus.DOING)
        .values(values)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


def request_cancel(session: Session, job_id: int, now: datetime) -> None:
    """A waiting job is cancelled at once, a running one is asked to stop."""
    session.execute(
        sa.update(JobRow)
        .where(JobRow.id == job_id, JobRow.status == JobStatus.TODO)
        .values(status=JobStatus.CANCELLED, finished_at=now)
    )
    session.execute(
        sa.update(JobRow).where(JobRow.id == job_id, JobRow.status == JobStatus.DOING).values(cancel_requested=True)
    )


def find_job(session: Session, job_id: int) -> JobRow | None:
    return session.get(JobRow, job_id)


def list_jobs(
    session: Session, kinds: list[str] | None, limit: int, before_id: int | None, unfinished: bool
) -> list[JobRow]:
    query = sa.select(JobRow).order_by(JobRow.id.desc()).limit(limit)
    if unfinished:
        query = query.where(JobRow.status.in_([JobStatus.TODO, JobStatus.DOING]))
    if kinds:
        query = query.where(JobRow.kind.in_(kinds))
    if before_id:
        query = query.where(JobRow.id < before_id)
    return list(session.scalars(query))


def add_log(session: Session, job_id: int, now: datetime, line: str) -> None:
    session.add(JobLogRow(job_id=job_id, at=now, line=line))


def list_log(session: Session, job_id: int, limit: int) -> list[tuple[datetime, str]]:
    """The last `limit` lines, oldest first."""
    query = (
        sa.select(JobLogRow.at, JobLogRow.line)
        .where(JobLogRow.job_id == job_id)
        .order_by(JobLogRow.id.desc())
        .limit(limit)
    )
    return [(at, line) for at, line in session.execute(query)][::-1]
