"""People, the audit trail and the revision counters that tell caches when to forget."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.enums import Role
from db.tables.base import Base, BigId, word


class PersonRow(Base):
    """Somebody who changes things. In team mode known by issuer and subject of their sign-in; before the first one an
    invitation: an e-mail address and a role."""

    __tablename__ = "people"
    __table_args__ = (
        sa.Index("uq_people_email", "email", unique=True),
        sa.Index("uq_people_issuer_subject", "issuer", "subject", unique=True),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(120), unique=True)
    role: Mapped[Role] = mapped_column(word(Role))
    is_active: Mapped[bool] = mapped_column(default=True)  # off: may not sign in any more; what they did stays
    created_at: Mapped[datetime]
    email: Mapped[str | None] = mapped_column(sa.String(254))  # lower case
    issuer: Mapped[str | None] = mapped_column(sa.String(500))
    subject: Mapped[str | None] = mapped_column(sa.String(255))
    invited_by: Mapped[int | None] = mapped_column(BigId)
    invited_role: Mapped[Role | None] = mapped_column(word(Role))  # what an admin gave; a claim's may stand above it
    joined_at: Mapped[datetime | None]  # first sign-in in team mode
    last_seen_at: Mapped[datetime | None]


class ApiTokenRow(Base):
    """A program's way in, as a person and within scopes. Only the hash of the token is kept."""

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)  # SHA-256
    prefix: Mapped[str] = mapped_column(sa.String(16))  # its first characters, to know it by
    scopes: Mapped[list[Any]]  # words of core.api_tokens.Scope
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class AuditRow(Base):
    """One change: who, when, what, before and after. Append-only."""

    __tablename__ = "audit"
    __table_args__ = (
        sa.Index("ix_audit_entity", "entity", "entity_id", "id"),
        sa.Index("ix_audit_person_id_id", "person_id", "id"),
        sa.Index("ix_audit_action_id", "action", "id"),
        sa.Index("ix_audit_at", "at"),
    )

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
