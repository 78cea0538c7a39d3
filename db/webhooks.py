"""Queries of webhooks and their deliveries. A delivery is claimed by moving its next attempt behind a lease."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.enums import DeliveryStatus
from db.tables import WebhookDeliveryRow, WebhookRow, table_of

deliveries = table_of(WebhookDeliveryRow)

_ACTIVE = sa.select(WebhookRow.id, WebhookRow.events).where(WebhookRow.is_active).order_by(WebhookRow.id)


def list_active(session: Session) -> list[tuple[int, list[str]]]:
    """(id, events it wants) of each address that hears anything."""
    return [(id_, events) for id_, events in session.execute(_ACTIVE)]


def insert_webhook(session: Session, values: dict[str, Any]) -> WebhookRow:
    row = WebhookRow(**values)
    session.add(row)
    session.flush()
    return row


def find_webhook(session: Session, webhook_id: int) -> WebhookRow | None:
    return session.get(WebhookRow, webhook_id)


def list_webhooks(session: Session) -> list[WebhookRow]:
    """Those that were not removed, a few rows."""
    return list(session.scalars(sa.select(WebhookRow).where(WebhookRow.is_active).order_by(WebhookRow.id)))


def insert_deliveries(session: Session, rows: list[dict[str, Any]]) -> None:
    session.execute(sa.insert(deliveries), rows)


def insert_delivery(session: Session, values: dict[str, Any]) -> int:
    id_: int = session.execute(sa.insert(deliveries).values(values).returning(deliveries.c.id)).scalar_one()
    return id_


def claim_due(session: Session, webhook_id: int, now: datetime, leased_until: datetime) -> sa.RowMapping | None:
    """The address's delivery that has been due longest, now in this process's hands until `leased_until`.

    Killed in between, the delivery is due again then.
    """
    due = (
        sa.select(deliveries.c.id)
        .where(
            deliveries.c.status == DeliveryStatus.WAITING,
            deliveries.c.next_attempt_at <= now,
            deliveries.c.webhook_id == webhook_id,
        )
        .order_by(deliveries.c.next_attempt_at, deliveries.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    claim = (
        sa.update(deliveries)
        .where(deliveries.c.id == due)
        .values(attempt=deliveries.c.attempt + 1, next_attempt_at=leased_until)
        .returning(deliveries)
    )
    return session.execute(claim).mappings().one_or_none()


def list_due_webhooks(session: Session, now: datetime, webhook_ids: list[int]) -> list[int]:
    """Those of the addresses that have something due: an index probe each."""
    due = [
        sa.select(sa.literal(id_))
        .where(
            sa.exists().where(
                deliveries.c.status == DeliveryStatus.WAITING,
                deliveries.c.next_attempt_at <= now,
                deliveries.c.webhook_id == id_,
            )
        )
        .scalar_subquery()
        for id_ in webhook_ids
    ]
    row = session.execute(sa.select(*due)).one() if due else ()
    return [id_ for id_ in row if id_ is not None]


def finish_attempt(session: Session, delivery_id: int, attempt: int, values: dict[str, Any]) -> None:
    """Write how attempt number `attempt` ended, unless the delivery is in other hands by now."""
    session.execute(
        sa.update(deliveries).where(deliveries.c.id == delivery_id, deliveries.c.attempt == attempt).values(values)
    )


def find_delivery(session: Session, delivery_id: int) -> sa.RowMapping | None:
    return session.execute(sa.select(deliveries).where(deliveries.c.id == delivery_id)).mappings().one_or_none()


def list_deliveries(
    session: Session, webhook_id: int | None, status: DeliveryStatus | None, limit: int, before_id: int | None
) -> list[sa.RowMapping]:
    """Newest first."""
    query = sa.select(deliveries).order_by(deliveries.c.id.desc()).limit(limit)
    if webhook_id is not None:
        query = query.where(deliveries.c.webhook_id == webhook_id)
    if status is not None:
        query = query.where(deliveries.c.status == status)
    if before_id is not None:
        query = query.where(deliveries.c.id < before_id)
    return list(session.execute(query).mappings())


def give_up_waiting(session: Session, webhook_id: int, reason: str) -> None:
    """What still waits for this address will not be sent."""
    session.execute(
        sa.update(deliveries)
        .where(deliveries.c.webhook_id == webhook_id, deliveries.c.status == DeliveryStatus.WAITING)
        .values(status=DeliveryStatus.FAILED, error=reason)
    )


def list_removed_owing(session: Session, now: datetime) -> list[int]:
    """Removed addresses that something is due to: a process that did not know yet noted it. An index probe each."""
    due = sa.exists().where(
        deliveries.c.status == DeliveryStatus.WAITING,
        deliveries.c.next_attempt_at <= now,
        deliveries.c.webhook_id == WebhookRow.id,
    )
    return list(session.scalars(sa.select(WebhookRow.id).where(WebhookRow.is_active.is_(False), due)))


def forget_old(session: Session, before: datetime, limit: int) -> int:
    """Delete ended deliveries from before that time, the oldest first, looking at `limit` rows. How many."""
    oldest = sa.select(deliveries.c.id).order_by(deliveries.c.id).limit(limit)
    ended = sa.delete(deliveries).where(
        deliveries.c.id.in_(oldest.scalar_subquery()),
        deliveries.c.created_at < before,
        deliveries.c.status != DeliveryStatus.WAITING,
    )
    return session.execute(ended).rowcount  # type: ignore[attr-defined,no-any-return]
