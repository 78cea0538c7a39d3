"""What other programs leave here: repeated requests and webhooks."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.enums import DeliveryStatus
from db.tables.base import Base, BigId, word


class ApiRequestRow(Base):
    """The answer to a changing request, kept a while: the same idempotency key gets it again."""

    __tablename__ = "api_requests"
    __table_args__ = (sa.Index("ix_api_requests_created_at", "created_at"),)

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(sa.String(64))  # SHA-256 of method, path and body
    status: Mapped[int | None] = mapped_column(sa.SmallInteger)  # none: still being worked on
    response: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]


class WebhookRow(Base):
    """An address that hears of events. The secret signs what is sent, so it is kept as it is."""

    __tablename__ = "webhooks"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    url: Mapped[str] = mapped_column(sa.Text)
    secret: Mapped[str] = mapped_column(sa.String(64))
    events: Mapped[list[Any]]  # decision, job, promotion
    is_active: Mapped[bool] = mapped_column(default=True)
    created_by: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    created_at: Mapped[datetime]


class WebhookDeliveryRow(Base):
    """One event for one address, written in the transaction of what happened; the worker sends it, with retries."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        sa.Index(
            "ix_webhook_deliveries_due",
            "next_attempt_at",
            "id",
            sqlite_where=sa.text("status = 'waiting'"),
            postgresql_where=sa.text("status = 'waiting'"),
        ),
        sa.Index("ix_webhook_deliveries_webhook_id_id", "webhook_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    webhook_id: Mapped[int] = mapped_column(sa.ForeignKey("webhooks.id"))
    event: Mapped[str] = mapped_column(sa.String(24))
    payload: Mapped[dict[str, Any]]
    status: Mapped[DeliveryStatus] = mapped_column(word(DeliveryStatus), default=DeliveryStatus.WAITING)
    attempt: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime]
    response_status: Mapped[int | None] = mapped_column(sa.SmallInteger)
    error: Mapped[str | None] = mapped_column(sa.Text)
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
