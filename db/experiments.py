"""Queries on experiments: comparisons of models on one snapshot, their results as they come in."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.tables import ExperimentRow, JobRow, PersonRow


def ensure_experiment(session: Session, kind: str, job_id: int, settings: dict[str, Any], now: datetime) -> int:
    """The experiment of this job, made when there is none; returns its id."""
    row = session.scalars(sa.select(ExperimentRow).where(ExperimentRow.job_id == job_id)).first()
    if row is None:
        person_id = session.get_one(JobRow, job_id).created_by
        assert person_id is not None, f"job {job_id} has no maker"
        row = ExperimentRow(
            kind=kind, job_id=job_id, settings=settings, results=[], created_by=person_id, created_at=now
        )
        session.add(row)
        session.flush()
    return row.id


def update_experiment(session: Session, experiment_id: int, **values: Any) -> None:
    """Set columns: snapshot_id, results, finished_at."""
    session.execute(sa.update(ExperimentRow).where(ExperimentRow.id == experiment_id).values(**values))


def find_experiment(session: Session, experiment_id: int) -> tuple[ExperimentRow, str] | None:
    """The experiment and who asked for it."""
    found = session.execute(_with_person().where(ExperimentRow.id == experiment_id)).first()
    if found is None:
        return None
    row, person = found
    return row, person


def list_experiments(session: Session, kind: str, limit: int) -> list[tuple[ExperimentRow, str]]:
    """Newest first."""
    query = _with_person().where(ExperimentRow.kind == kind).order_by(ExperimentRow.id.desc()).limit(limit)
    return [(row, person) for row, person in session.execute(query)]


def _with_person() -> sa.Select[ExperimentRow, str]:
    return sa.select(ExperimentRow, PersonRow.name).join(PersonRow, PersonRow.id == ExperimentRow.created_by)
