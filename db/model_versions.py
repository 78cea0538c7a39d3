"""Queries on model versions, their metrics per category, and promotions."""

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.enums import ModelStatus
from db.people import insert_for
from db.session import is_sqlite
from db.tables import (
    CategoryMetricRow,
    ModelVersionRow,
    PersonRow,
    PredictionRow,
    PromotionRow,
    SnapshotRow,
)


class VersionRecord(NamedTuple):
    """A version with what other tables say about it."""

    version: ModelVersionRow
    snapshot_hash: str | None
    snapshot_rows: int | None
    person: str


def _versions() -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(ModelVersionRow, SnapshotRow.content_hash, SnapshotRow.n_rows, PersonRow.name)
        .join(SnapshotRow, SnapshotRow.id == ModelVersionRow.snapshot_id, isouter=True)
        .join(PersonRow, PersonRow.id == ModelVersionRow.created_by)
    )


def list_versions(session: Session, limit: int, before_id: int | None = None) -> list[VersionRecord]:
    """Ready versions, newest first; `before_id` continues a list."""
    query = (
        _versions().where(ModelVersionRow.status == ModelStatus.READY).order_by(ModelVersionRow.id.desc()).limit(limit)
    )
    if before_id:
        query = query.where(ModelVersionRow.id < before_id)
    return [VersionRecord(*row) for row in session.execute(query)]


def find_version(session: Session, version_id: int) -> VersionRecord | None:
    row = session.execute(_versions().where(ModelVersionRow.id == version_id)).first()
    return VersionRecord(*row) if row else None


def find_version_named(session: Session, name: str) -> VersionRecord | None:
    row = session.execute(_versions().where(ModelVersionRow.name == name)).first()
    return VersionRecord(*row) if row else None


def find_version_of_job(session: Session, job_id: int) -> ModelVersionRow | None:
    return session.scalar(sa.select(ModelVersionRow).where(ModelVersionRow.job_id == job_id))


def ensure_version_of_job(session: Session, job_id: int, values: dict[str, Any]) -> int:
    """The id of the job's version, filled with `values`. Versions are named v1, v2 ... in the order of their coming."""
    if not is_sqlite(session):  # SQLite's writer is alone anyway
        session.execute(sa.text("SELECT pg_advisory_xact_lock(7205770)"))
    row = find_version_of_job(session, job_id)
    if row is None:
        number = (session.scalar(sa.select(sa.func.max(ModelVersionRow.id))) or 0) + 1
        row = ModelVersionRow(id=number, name=f"v{number}")
        session.add(row)
    for name, value in values.items():
        setattr(row, name, value)
    session.flush()
    return row.id


def finish_version(session: Session, version_id: int, now: datetime) -> None:
    """From here on it is listed."""
    session.execute(
        sa.update(ModelVersionRow)
        .where(ModelVersionRow.id == version_id)
        .values(status=ModelStatus.READY, finished_at=now)
    )


def delete_unfinished_version(session: Session, job_id: int) -> str | None:
    """Remove the job's version unless it is finished: then where its artifact lies."""
    row = find_version_of_job(session, job_id)
    if row is None or row.status == ModelStatus.READY:
        return row.artifact if row else None
    session.execute(sa.delete(PredictionRow).where(PredictionRow.model_version_id == row.id))
    session.execute(sa.delete(CategoryMetricRow).where(CategoryMetricRow.model_version_id == row.id))
    session.delete(row)
    return None


def replace_category_metrics(session: Session, version_id: int, rows: list[dict[str, Any]]) -> None:
    session.execute(sa.delete(CategoryMetricRow).where(CategoryMetricRow.model_version_id == version_id))
    if rows:
        session.execute(sa.insert(CategoryMetricRow), [{"model_version_id": version_id, **row} for row in rows])


def set_n_scored(session: Session, version_id: int) -> int:
    """Write how many products have a prediction of this version, and return it."""
    query = sa.select(sa.func.count()).select_from(PredictionRow).where(PredictionRow.model_version_id == version_id)
    n_scored = session.scalar(query) or 0
    session.execute(sa.update(ModelVersionRow).where(ModelVersionRow.id == version_id).values(n_scored=n_scored))
    return n_scored


def lock_promotions(session: Session) -> None:
    """One promotion at a time, so that each knows what it replaces. On SQLite the writer is alone anyway."""
    if not is_sqlite(session):
        session.execute(sa.text("SELECT pg_advisory_xact_lock(7205771)"))


def find_promoted_id(session: Session) -> int | None:
    """The version that answers: the latest promotion counts."""
    return session.scalar(sa.select(PromotionRow.model_version_id).order_by(PromotionRow.id.desc()).limit(1))


def list_promotions(session: Session) -> list[tuple[PromotionRow, str, str]]:
    """Each promotion with the version's and the person's name, oldest first."""
    query = (
        sa.select(PromotionRow, ModelVersionRow.name, PersonRow.name)
        .join(ModelVersionRow, ModelVersionRow.id == PromotionRow.model_version_id)
        .join(PersonRow, PersonRow.id == PromotionRow.person_id)
        .order_by(PromotionRow.id)
    )
    return [(row, version, person) for row, version, person in session.execute(query)]


def insert_promotion(
    session: Session, version_id: int, person_id: int, reason: str, gate_overridden: bool, now: datetime
) -> None:
    session.execute(
        insert_for(session)(PromotionRow).values(
            model_version_id=version_id,
            person_id=person_id,
            reason=reason,
            gate_overridden=gate_overridden,
            created_at=now,
        )
    )


def list_category_metrics(session: Session, version_id: int) -> list[CategoryMetricRow]:
    """Those with the most held-out rows first."""
    query = sa.select(CategoryMetricRow).where(CategoryMetricRow.model_version_id == version_id)
    return list(session.scalars(query.order_by(CategoryMetricRow.n.desc(), CategoryMetricRow.category_id)))
