"""Queries on people as members of a team: who they are, how they come in, what they did."""

from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.enums import DecisionKind, Role
from db.tables import DailyProgressRow, DecisionRow, PersonRow


def get_person(session: Session, person_id: int) -> PersonRow | None:
    return session.get(PersonRow, person_id)


def find_by_subject(session: Session, issuer: str, subject: str) -> PersonRow | None:
    return session.scalar(sa.select(PersonRow).where(PersonRow.issuer == issuer, PersonRow.subject == subject))


def find_by_email(session: Session, email: str) -> PersonRow | None:
    return session.scalar(sa.select(PersonRow).where(PersonRow.email == email))


def taken_names(session: Session, names: Sequence[str]) -> set[str]:
    return set(session.scalars(sa.select(PersonRow.name).where(PersonRow.name.in_(names))))


def insert_person(
    session: Session,
    name: str,
    role: Role,
    now: datetime,
    email: str | None = None,
    invited_by: int | None = None,
    invited_role: Role | None = None,
) -> PersonRow:
    row = PersonRow(
        name=name,
        role=role,
        is_active=True,
        created_at=now,
        email=email,
        invited_by=invited_by,
        invited_role=invited_role,
    )
    session.add(row)
    session.flush()
    return row


def lock_admins(session: Session) -> None:
    """One after the other: two admins who demote each other at once would leave none."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(
            sa.select(PersonRow.id).where(PersonRow.role == Role.ADMIN).order_by(PersonRow.id).with_for_update()
        )


def count_other_admins(session: Session, person_id: int, who_can_sign_in: bool) -> int:
    """Active admins beside this person; of those only who has come in through the provider, if so asked."""
    query = sa.select(sa.func.count()).where(
        PersonRow.role == Role.ADMIN, PersonRow.is_active, PersonRow.id != person_id
    )
    return session.scalars(query.where(PersonRow.subject.is_not(None)) if who_can_sign_in else query).one()


def list_people(
    session: Session, limit: int, after: tuple[str, int] | None = None, words: str = "", active_only: bool = False
) -> Sequence[PersonRow]:
    """By name, from behind `after` (name, id) on; `words` are looked for in name and e-mail."""
    query = sa.select(PersonRow).order_by(PersonRow.name, PersonRow.id).limit(limit)
    if after is not None:
        query = query.where(sa.tuple_(PersonRow.name, PersonRow.id) > sa.tuple_(*map(sa.literal, after)))
    if words:
        query = query.where(
            PersonRow.name.icontains(words, autoescape=True) | PersonRow.email.icontains(words, autoescape=True)
        )
    if active_only:
        query = query.where(PersonRow.is_active)
    return session.scalars(query).all()


def count_decisions(session: Session, person_ids: Sequence[int], today: date) -> dict[int, tuple[int, int]]:
    """Person -> (all decisions, today's), from the daily counters; who has none is left out."""
    on_today = sa.case((DailyProgressRow.day == today, DailyProgressRow.n_decisions), else_=0)
    rows = session.execute(
        sa.select(DailyProgressRow.person_id, sa.func.sum(DailyProgressRow.n_decisions), sa.func.sum(on_today))
        .where(DailyProgressRow.person_id.in_(person_ids))
        .group_by(DailyProgressRow.person_id)
    )
    return {person_id: (int(total), int(n_today)) for person_id, total, n_today in rows}


def list_decision_times(session: Session, person_id: int, since: datetime, limit: int) -> list[datetime]:
    """When a person last decided, newest first; copies and undos are no work of their own."""
    newest = (
        sa.select(DecisionRow.created_at, DecisionRow.kind, DecisionRow.copied_from_id, DecisionRow.id)
        .where(DecisionRow.person_id == person_id)
        .order_by(DecisionRow.id.desc())
        .limit(limit)
        .subquery()
    )
    return list(
        session.scalars(
            sa.select(newest.c.created_at)
            .where(
                newest.c.created_at >= since,
                newest.c.kind != DecisionKind.UNDO,
                newest.c.copied_from_id.is_(None),
            )
            .order_by(newest.c.id.desc())
        )
    )
