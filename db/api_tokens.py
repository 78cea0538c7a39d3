"""Queries on API tokens. Only hashes are here: a token itself is in no table."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.tables import ApiTokenRow, PersonRow


def insert_token(
    session: Session,
    person_id: int,
    name: str,
    token_hash: str,
    prefix: str,
    scopes: list[str],
    expires_at: datetime | None,
    now: datetime,
) -> ApiTokenRow:
    row = ApiTokenRow(
        person_id=person_id,
        name=name,
        token_hash=token_hash,
        prefix=prefix,
        scopes=scopes,
        expires_at=expires_at,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


def find_by_hash(session: Session, token_hash: str) -> sa.Row[ApiTokenRow, PersonRow] | None:
    """(token, its person)."""
    return session.execute(
        sa.select(ApiTokenRow, PersonRow)
        .join(PersonRow, PersonRow.id == ApiTokenRow.person_id)
        .where(ApiTokenRow.token_hash == token_hash)
    ).one_or_none()


def find_token(session: Session, token_id: int) -> ApiTokenRow | None:
    return session.get(ApiTokenRow, token_id)


def list_tokens(session: Session, person_id: int | None) -> Sequence[sa.Row[ApiTokenRow, str]]:
    """(token, name of its person), newest first; of everybody where `person_id` is none."""
    query = (
        sa.select(ApiTokenRow, PersonRow.name)
        .join(PersonRow, PersonRow.id == ApiTokenRow.person_id)
        .order_by(ApiTokenRow.id.desc())
    )
    return session.execute(query if person_id is None else query.where(ApiTokenRow.person_id == person_id)).all()


def count_usable(session: Session, person_id: int, now: datetime) -> int:
    """Tokens of a person that are neither revoked nor expired."""
    is_alive = ApiTokenRow.expires_at.is_(None) | (ApiTokenRow.expires_at > now)
    return session.scalars(
        sa.select(sa.func.count()).where(ApiTokenRow.person_id == person_id, ApiTokenRow.revoked_at.is_(None), is_alive)
    ).one()


def revoke(session: Session, token_id: int, now: datetime) -> bool:
    """False when it was revoked before."""
    done = session.execute(
        sa.update(ApiTokenRow)
        .where(ApiTokenRow.id == token_id, ApiTokenRow.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(ApiTokenRow.id)
    )
    return done.scalar() is not None


def revoke_all(session: Session, person_id: int, now: datetime) -> Sequence[sa.Row[int, str, str]]:
    """(id, name, prefix) of a person's tokens that worked until now."""
    done = (
        sa.update(ApiTokenRow)
        .where(ApiTokenRow.person_id == person_id, ApiTokenRow.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(ApiTokenRow.id, ApiTokenRow.name, ApiTokenRow.prefix)
    )
    return session.execute(done).all()


def note_use(session: Session, token_id: int, now: datetime, older_than: datetime) -> None:
    """Write when it was last used, unless that was written after `older_than`."""
    session.execute(
        sa.update(ApiTokenRow)
        .where(
            ApiTokenRow.id == token_id,
            ApiTokenRow.last_used_at.is_(None) | (ApiTokenRow.last_used_at < older_than),
        )
        .values(last_used_at=now)
    )
