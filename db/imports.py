"""Queries of imports: sources, runs, rejected rows."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.enums import JobStatus
from db.people import insert_for
from db.tables import ImportRejectRow, ImportRunRow, ImportSourceRow, JobRow

REJECTS_AT_ONCE = 2_000


def find_source_options(session: Session, name: str) -> dict[str, Any] | None:
    return session.scalar(sa.select(ImportSourceRow.options).where(ImportSourceRow.name == name))


def save_source(session: Session, name: str, options: dict[str, Any], now: datetime) -> None:
    """Remember what was chosen for a source."""
    session.execute(
        insert_for(session)(ImportSourceRow)
        .values(name=name, options=options, updated_at=now)
        .on_conflict_do_update(index_elements=["name"], set_={"options": options, "updated_at": now})
    )


def ensure_source(session: Session, name: str, now: datetime) -> None:
    """Have a row of this source to lock; what is remembered of it stays."""
    session.execute(
        insert_for(session)(ImportSourceRow)
        .values(name=name, options={}, updated_at=now)
        .on_conflict_do_nothing(index_elements=["name"])
    )


def list_sources(session: Session) -> list[str]:
    """Names, the last used first."""
    return list(session.scalars(sa.select(ImportSourceRow.name).order_by(ImportSourceRow.updated_at.desc())))


def lock_source(session: Session, name: str) -> None:
    """One writer of a source's products at a time; on SQLite a writer is alone anyway."""
    session.execute(sa.select(ImportSourceRow.name).where(ImportSourceRow.name == name).with_for_update(key_share=True))


def insert_run(
    session: Session,
    job_id: int,
    source: str,
    file_name: str,
    options: dict[str, Any],
    person_id: int | None,
    now: datetime,
) -> ImportRunRow:
    row = ImportRunRow(
        job_id=job_id,
        source=source,
        file_name=file_name,
        options=options,
        position=0,
        n_inserted=0,
        n_updated=0,
        n_unchanged=0,
        n_rejected=0,
        created_by=person_id,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


def remember_campaign(session: Session, run_id: int, campaign_id: int) -> None:
    """Which campaign the decisions of this run (of Label Studio's tasks) belong to."""
    row = session.get_one(ImportRunRow, run_id)
    row.options = row.options | {"label_studio": row.options["label_studio"] | {"campaign_id": campaign_id}}


def find_run(session: Session, run_id: int) -> ImportRunRow | None:
    return session.get(ImportRunRow, run_id)


def find_run_of_job(session: Session, job_id: int) -> ImportRunRow | None:
    return session.scalar(sa.select(ImportRunRow).where(ImportRunRow.job_id == job_id))


def hand_run_over(session: Session, run_id: int, job_id: int) -> None:
    """Another job goes on with this run."""
    session.execute(sa.update(ImportRunRow).where(ImportRunRow.id == run_id).values(job_id=job_id))


def list_runs(
    session: Session, limit: int, before_id: int | None
) -> list[tuple[ImportRunRow, JobStatus | None, str | None]]:
    """Newest first, each with its job's status and error."""
    query = (
        sa.select(ImportRunRow, JobRow.status, JobRow.error)
        .outerjoin(JobRow, JobRow.id == ImportRunRow.job_id)
        .order_by(ImportRunRow.id.desc())
        .limit(limit)
    )
    if before_id:
        query = query.where(ImportRunRow.id < before_id)
    return list(session.execute(query))


def get_run_with_job(session: Session, run_id: int) -> tuple[ImportRunRow, JobStatus | None, str | None] | None:
    query = (
        sa.select(ImportRunRow, JobRow.status, JobRow.error)
        .outerjoin(JobRow, JobRow.id == ImportRunRow.job_id)
        .where(ImportRunRow.id == run_id)
    )
    found = session.execute(query).first()
    return found if found else None


class Steps(NamedTuple):
    """What became of the rows of one chunk."""

    n_inserted: int
    n_updated: int
    n_unchanged: int
    n_rejected: int


def add_to_run(session: Session, run_id: int, job_id: int, before: int, position: int, steps: Steps) -> bool:
    """Count a committed chunk: `position` data rows of the file are done now.

    False, and nothing is written, when the run is not at `before` or another job has it: somebody else went on.
    """
    moved = session.execute(
        sa.update(ImportRunRow)
        .where(ImportRunRow.id == run_id, ImportRunRow.job_id == job_id, ImportRunRow.position == before)
        .values(
            position=position,
            n_inserted=ImportRunRow.n_inserted + steps.n_inserted,
            n_updated=ImportRunRow.n_updated + steps.n_updated,
            n_unchanged=ImportRunRow.n_unchanged + steps.n_unchanged,
            n_rejected=ImportRunRow.n_rejected + steps.n_rejected,
        )
        .execution_options(synchronize_session=False)
    )
    return bool(moved.rowcount)  # type: ignore[attr-defined]


def list_needed_files(session: Session, except_job: int | None = None) -> set[str]:
    """Paths of the files that waiting and running imports read."""
    unfinished = sa.and_(JobRow.status.in_([JobStatus.TODO, JobStatus.DOING]), JobRow.id != (except_job or 0))
    given = list(session.scalars(sa.select(JobRow.payload).where(unfinished)))
    resumed = [payload["run_id"] for payload in given if "run_id" in payload]
    given += session.scalars(sa.select(ImportRunRow.options).where(ImportRunRow.id.in_(resumed)))
    paths = [values.get("path") for values in given]
    paths += [values["options"].get("taxonomy") for values in given if isinstance(values.get("options"), dict)]
    return {path for path in paths if path}


def finish_run(session: Session, run_id: int, now: datetime) -> None:
    session.execute(
        sa.update(ImportRunRow)
        .where(ImportRunRow.id == run_id)
        .values(finished_at=now)
        .execution_options(synchronize_session=False)
    )


def insert_rejects(session: Session, values: Sequence[dict[str, Any]]) -> None:
    if values:
        session.execute(sa.insert(ImportRejectRow), list(values))


def list_rejects(session: Session, run_id: int, limit: int, after_id: int = 0) -> list[ImportRejectRow]:
    """In the order of the file; `after_id` continues a list."""
    query = (
        sa.select(ImportRejectRow)
        .where(ImportRejectRow.run_id == run_id, ImportRejectRow.id > after_id)
        .order_by(ImportRejectRow.id)
        .limit(limit)
    )
    return list(session.scalars(query))


def each_reject(session: Session, run_id: int) -> Iterator[ImportRejectRow]:
    """All of a run, a part at a time, so that memory stays flat."""
    after_id = 0
    while rows := list_rejects(session, run_id, REJECTS_AT_ONCE, after_id):
        yield from rows
        after_id = rows[-1].id
        session.expunge_all()


def count_reasons(session: Session, run_id: int, limit: int) -> list[tuple[str, str | None, int]]:
    """(reason, column, how many), the most frequent first."""
    query = (
        sa.select(ImportRejectRow.reason, ImportRejectRow.column, sa.func.count())
        .where(ImportRejectRow.run_id == run_id)
        .group_by(ImportRejectRow.reason, ImportRejectRow.column)
        .order_by(sa.func.count().desc(), ImportRejectRow.reason)
        .limit(limit)
    )
    return list(session.execute(query))


def list_reason_values(session: Session, run_id: int, reason: str, limit: int) -> list[dict[str, Any]]:
    """What the rows rejected for this reason say of it, in the order of the file."""
    wanted = (ImportRejectRow.run_id == run_id, ImportRejectRow.reason == reason)
    query = sa.select(ImportRejectRow.reason_values).where(*wanted).order_by(ImportRejectRow.id).limit(limit)
    return list(session.scalars(query))
