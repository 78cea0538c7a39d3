"""Webhooks: events are noted in the transaction of what happened, and sent to the addresses that want them.

The message and its signature follow Standard Webhooks (https://www.standardwebhooks.com); see docs/webhooks.md.
"""

import base64
import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy.orm import Session

from core.errors import N_, InvalidInput, NotFound
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import webhooks
from db.enums import DeliveryStatus
from db.people import add_audit, raise_revision
from db.tables import WebhookRow

EVENTS = ("decision", "job", "promotion")
"""What an address may want. An event is one of these words, a point, and what happened: 'decision.recorded'."""

KNOWN_SECONDS = 2.0  # another process's new webhook hears of events from this much later on at the latest
MAX_URL = 2_000
REMOVED = "The webhook was removed."
_known: WeakKeyDictionary[Any, tuple[float, list[tuple[int, list[str]]]]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Webhook:
    """An address that hears of events. `secret` is shown to those who may manage webhooks only."""

    id: int
    url: str
    secret: str = field(repr=False)
    events: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True)
class Delivery:
    """One event for one address. `next_attempt_at` counts while it waits."""

    id: int
    webhook_id: int
    event: str
    payload: dict[str, Any]
    status: DeliveryStatus
    attempt: int
    next_attempt_at: datetime
    response_status: int | None
    error: str | None
    created_at: datetime
    delivered_at: datetime | None


def note_event(session: Session, event: str, payload: dict[str, Any]) -> None:
    """Write the event down for each address that wants it, in the caller's transaction: sent only if that commits.

    `event` is such as 'decision.recorded' (24 characters at most). Costs nothing where there is no webhook. Times in
    the payload become ISO 8601, other strange values text.
    """
    wanted = event.split(".")[0]
    ids = [id_ for id_, events in _active(session) if wanted in events]
    if not ids:
        return
    now = utc_now()
    plain = json.loads(json.dumps(payload, default=_as_text))
    rows = [
        {
            "webhook_id": id_,
            "event": event,
            "payload": plain,
            "status": DeliveryStatus.WAITING,
            "attempt": 0,
            "next_attempt_at": now,
            "created_at": now,
        }
        for id_ in ids
    ]
    webhooks.insert_deliveries(session, rows)


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _active(session: Session) -> list[tuple[int, list[str]]]:
    """Looked up once in a while, not for each decision."""
    pool = session.get_bind().engine.pool
    until, found = _known.get(pool, (0.0, []))
    if time.monotonic() >= until:
        found = webhooks.list_active(session)
        _known[pool] = (time.monotonic() + KNOWN_SECONDS, found)
    return found


def add_webhook(runtime: Runtime, actor: Actor, url: str, events: Sequence[str] = EVENTS) -> Webhook:
    """Let an address hear of events from now on; its new secret signs what is sent.

    Raises Forbidden, InvalidInput for an address that cannot be sent to or an unknown event.
    """
    from core.webhook_sending import check_address

    authorize(actor, Action.MANAGE_WEBHOOKS)
    url = url.strip()
    unknown = [name for name in events if name not in EVENTS]
    if not events:
        raise InvalidInput(N_("Choose what the webhook hears of."))
    if unknown:
        raise InvalidInput(
            N_("A webhook hears of {known}; there is no event '{name}'."),
            known=", ".join(EVENTS),
            name=unknown[0],
        )
    if len(url) > MAX_URL:
        raise InvalidInput(N_("This address is too long."))
    check_address(runtime, url)
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    with runtime.sessions.write() as session:
        now = utc_now()
        row = webhooks.insert_webhook(
            session,
            {
                "url": url,
                "secret": secret,
                "events": [name for name in EVENTS if name in events],
                "is_active": True,
                "created_by": actor.person_id,
                "created_at": now,
            },
        )
        told = {"url": url, "events": row.events}
        add_audit(session, now, actor.person_id, "add_webhook", "webhook", row.id, after=told)
        raise_revision(session, "webhooks")
    _forget(runtime)
    return _webhook(row)


def remove_webhook(runtime: Runtime, actor: Actor, webhook_id: int) -> None:
    """The address hears nothing more; what was sent to it stays listed. Raises Forbidden, NotFound."""
    authorize(actor, Action.MANAGE_WEBHOOKS)
    with runtime.sessions.write() as session:
        row = webhooks.find_webhook(session, webhook_id)
        if row is None or not row.is_active:
            raise _not_found(webhook_id)
        row.is_active = False
        webhooks.give_up_waiting(session, webhook_id, REMOVED)
        told = {"url": row.url, "events": row.events}
        add_audit(session, utc_now(), actor.person_id, "remove_webhook", "webhook", webhook_id, before=told)
        raise_revision(session, "webhooks")
    _forget(runtime)


def list_webhooks(runtime: Runtime, actor: Actor) -> list[Webhook]:
    authorize(actor, Action.MANAGE_WEBHOOKS)
    with runtime.sessions.read() as session:
        return [_webhook(row) for row in webhooks.list_webhooks(session)]


def get_webhook(runtime: Runtime, actor: Actor, webhook_id: int) -> Webhook:
    """Raises Forbidden, NotFound."""
    authorize(actor, Action.MANAGE_WEBHOOKS)
    with runtime.sessions.read() as session:
        row = webhooks.find_webhook(session, webhook_id)
    if row is None or not row.is_active:
        raise _not_found(webhook_id)
    return _webhook(row)


def list_deliveries(
    runtime: Runtime,
    actor: Actor,
    webhook_id: int | None = None,
    status: DeliveryStatus | None = None,
    limit: int = 50,
    before_id: int | None = None,
) -> list[Delivery]:
    """Newest first; `before_id` continues a list."""
    authorize(actor, Action.MANAGE_WEBHOOKS)
    with runtime.sessions.read() as session:
        return [Delivery(**row) for row in webhooks.list_deliveries(session, webhook_id, status, limit, before_id)]


def redeliver(runtime: Runtime, actor: Actor, delivery_id: int) -> None:
    """Send this event once more, under the same event id, also when it had arrived. Raises Forbidden, NotFound."""
    authorize(actor, Action.MANAGE_WEBHOOKS)
    with runtime.sessions.write() as session:
        row = webhooks.find_delivery(session, delivery_id)
        webhook = webhooks.find_webhook(session, row["webhook_id"]) if row else None
        if row is None or webhook is None or not webhook.is_active:
            raise NotFound(N_("There is no delivery {id} to an address that still listens."), id=delivery_id)
        now = utc_now()
        again = {"status": DeliveryStatus.WAITING, "next_attempt_at": now, "attempt": 0}
        webhooks.finish_attempt(session, delivery_id, row["attempt"], again)
        add_audit(session, now, actor.person_id, "redeliver_webhook", "webhook", webhook.id, after={"id": delivery_id})


def _forget(runtime: Runtime) -> None:
    _known.pop(runtime.sessions.engine.pool, None)


def _webhook(row: WebhookRow) -> Webhook:
    return Webhook(row.id, row.url, row.secret, tuple(row.events), row.created_at)


def _not_found(webhook_id: int) -> NotFound:
    return NotFound(N_("There is no webhook {id}."), id=webhook_id)
