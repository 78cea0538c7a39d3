"""Queries of requests that were answered once and must not be done again."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.people import insert_for
from db.tables import ApiRequestRow

PURGED_AT_ONCE = 100  # rows: each request takes a few old ones along


def find_request(session: Session, person_id: int, key: str) -> ApiRequestRow | None:
    return session.get(ApiRequestRow, (person_id, key))


def insert_request(session: Session, person_id: int, key: str, fingerprint: str, now: datetime) -> bool:
    """Begin a request under this key. False: the person has used the key already."""
    insert = insert_for(session)(ApiRequestRow).values(
        person_id=person_id, idempotency_key=key, fingerprint=fingerprint, created_at=now
    )
    begun = insert.on_conflict_do_nothing(index_elements=["person_id", "idempotency_key"])
    return session.scalar(begun.returning(ApiRequestRow.person_id)) is not None


def take_over(session: Session, person_id: int, key: str, begun_at: datetime, now: datetime) -> bool:
    """Begin again a request that was begun at `begun_at` and never ended. False: somebody else just did."""
    change = (
        sa.update(ApiRequestRow)
        .where(*_of(person_id, key), ApiRequestRow.status.is_(None), ApiRequestRow.created_at == begun_at)
        .values(created_at=now)
        .returning(ApiRequestRow.person_id)
    )
    return session.scalar(change) is not None


def keep_answer(
    session: Session, person_id: int, key: str, begun_at: datetime, status: int, response: dict[str, Any]
) -> None:
    """Nothing when the request was begun again since `begun_at`."""
    mine = *_of(person_id, key), ApiRequestRow.created_at == begun_at
    session.execute(sa.update(ApiRequestRow).where(*mine).values(status=status, response=response))


def forget_request(session: Session, person_id: int, key: str, begun_at: datetime) -> None:
    """It changed nothing: the key is free again, unless the request was begun again since `begun_at`."""
    mine = *_of(person_id, key), ApiRequestRow.created_at == begun_at
    session.execute(sa.delete(ApiRequestRow).where(*mine, ApiRequestRow.status.is_(None)))


def purge(session: Session, before: datetime) -> None:
    """Remove a few of the answers that are older than `before`."""
    old = (
        sa.select(ApiRequestRow.person_id, ApiRequestRow.idempotency_key)
        .where(ApiRequestRow.created_at < before)
        .order_by(ApiRequestRow.created_at)
        .limit(PURGED_AT_ONCE)
    )
    for person_id, key in session.execute(old).all():
        session.execute(sa.delete(ApiRequestRow).where(*_of(person_id, key)))


def _of(person_id: int, key: str) -> tuple[sa.ColumnElement[bool], ...]:
    return ApiRequestRow.person_id == person_id, ApiRequestRow.idempotency_key == key
