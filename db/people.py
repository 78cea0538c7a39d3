"""People, audit rows and revision counters."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from db.enums import Role
from db.session import is_sqlite
from db.tables import AuditRow, PersonRow, RevisionRow


def insert_for(session: Session):  # type: ignore[no-untyped-def]
    """The dialect's INSERT, which knows ON CONFLICT."""
    return sqlite.insert if is_sqlite(session) else postgresql.insert


def find_person(session: Session, name: str) -> PersonRow | None:
    return session.scalar(sa.select(PersonRow).where(PersonRow.name == name))


def ensure_person(session: Session, name: str, role: Role, now: datetime) -> PersonRow:
    """The person of this name, made with `role` when new; right when two ask at once."""
    session.execute(
        insert_for(session)(PersonRow)
        .values(name=name, role=role, is_active=True, created_at=now)
        .on_conflict_do_nothing(index_elements=["name"])
    )
    return session.scalars(sa.select(PersonRow).where(PersonRow.name == name)).one()


def add_audit(
    session: Session,
    now: datetime,
    person_id: int | None,
    action: str,
    entity: str,
    entity_id: int | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    session.add(
        AuditRow(
            at=now,
            person_id=person_id,
            action=action,
            entity=entity,
            entity_id=entity_id,
            before=before,
            after=after,
            reason=reason,
        )
    )


def raise_revision(session: Session, *names: str) -> None:
    """Tell caches that what `names` cover has changed (taxonomy, products, labels, models ...)."""
    insert = insert_for(session)
    for name in sorted(names):  # one order, so that two writers never wait for each other
        session.execute(
            insert(RevisionRow)
            .values(name=name, number=1)
            .on_conflict_do_update(index_elements=["name"], set_={"number": RevisionRow.number + 1})
        )


def get_revisions(session: Session, *names: str) -> tuple[int, ...]:
    """The counters of `names`, in that order; 0 where nothing was written yet."""
    rows = session.execute(sa.select(RevisionRow.name, RevisionRow.number).where(RevisionRow.name.in_(names)))
    found: dict[str, int] = dict(rows.all())
    return tuple(found.get(name, 0) for name in names)
