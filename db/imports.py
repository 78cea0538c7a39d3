"""Queries of imports: sources, runs, rejected rows."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

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


def add_to_run(
    session: Session, run_id: int, position: int, inserted: int, updated: int, unchanged: int, rejected: int
) -> None:
    """Count a committed chunk; `position` is how many data rows of the file are done now."""
    session.execute(
        sa.update(ImportRunRow)
        .where(ImportRunRow.id == run_id)
        .values(
            position=position,
            n_inserted=ImportRunRow.n_inserted + inserted,
            n_updated=ImportRunRow.n_updated + updated,
            n_unchanged=ImportRunRow.n_unchanged + unchanged,
            n_rejected=ImportRunRow.n_rejected + rejected,
        )
        .execution_options(synchronize_session=False)
    )


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
