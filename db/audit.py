"""Queries on the audit trail: newest first, from a row on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.tables import AuditRow, PersonRow

Row = sa.Row[AuditRow, str | None]


@dataclass(frozen=True)
class AuditQuery:
    """What rows must have; none: anything."""

    person_id: int | None = None
    action: str | None = None
    entity: str | None = None
    entity_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None  # before this


def list_rows(session: Session, query: AuditQuery, before_id: int | None, limit: int) -> Sequence[Row]:
    """(row, name of who did it), newest first."""
    rows = (
        sa.select(AuditRow, PersonRow.name)
        .join(PersonRow, PersonRow.id == AuditRow.person_id, isouter=True)
        .order_by(AuditRow.id.desc())
        .limit(limit)
    )
    for column, value in (
        (AuditRow.person_id, query.person_id),
        (AuditRow.action, query.action),
        (AuditRow.entity, query.entity),
        (AuditRow.entity_id, query.entity_id),
    ):
        if value is not None:
            rows = rows.where(column == value)
    if query.since is not None:
        rows = rows.where(AuditRow.at >= query.since)
    if query.until is not None:
        rows = rows.where(AuditRow.at < query.until)
    if before_id is not None:
        rows = rows.where(AuditRow.id < before_id)
    return session.execute(rows).all()


def names_of(session: Session, person_ids: Sequence[int]) -> dict[int, str]:
    rows = session.execute(sa.select(PersonRow.id, PersonRow.name).where(PersonRow.id.in_(person_ids)))
    return dict(rows.all())


def list_words(session: Session, column: str) -> list[str]:
    """The different values of `action` or `entity`, in order: one step in the index for each."""
    values = {"action": AuditRow.action, "entity": AuditRow.entity}[column]
    steps = sa.select(sa.func.min(values).label("word")).cte("steps", recursive=True)
    later = sa.select(sa.func.min(values)).where(values > steps.c.word).scalar_subquery()
    steps = steps.union_all(sa.select(later).where(steps.c.word.is_not(None)))
    return list(session.scalars(sa.select(steps.c.word).where(steps.c.word.is_not(None))))
