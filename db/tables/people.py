"""People, the audit trail and the revision counters that tell caches when to forget."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.enums import Role
from db.tables.base import Base, BigId, word


class PersonRow(Base):
    """Somebody who changes things."""

    __tablename__ = "people"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(120), unique=True)
    role: Mapped[Role] = mapped_column(word(Role))
    is_active: Mapped[bool] = mapped_column(default=True)  # off: may not sign in any more; what they did stays
    created_at: Mapped[datetime]


class AuditRow(Base):
    """One change: who, when, what, before and after. Append-only."""

    __tablename__ = "audit"
    __table_args__ = (sa.Index("ix_audit_entity", "entity", "entity_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime]
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"))
    action: Mapped[str] = mapped_column(sa.String(60))
    entity: Mapped[str] = mapped_column(sa.String(40))
    entity_id: Mapped[int | None] = mapped_column(BigId)
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    reason: Mapped[str | None] = mapped_column(sa.Text)


class RevisionRow(Base):
    """A counter raised by each write that cached views of `name` depend on."""

    __tablename__ = "revisions"

    name: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    number: Mapped[int] = mapped_column(BigId, default=0)
