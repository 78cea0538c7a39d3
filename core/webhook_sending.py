"""Sends what webhooks are owed: signed, without redirects, again and again with growing pauses, beside the jobs.

Sent at least once: an answer that was lost is asked for again under the same event id.
"""

import base64
import hashlib
import hmac
import http.client
import json
import logging
import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from core.errors import N_, AppError, InvalidInput
from core.guarded_http import NoAddress, NotAllowed, Target, connected, is_global, resolve
from core.runtime import Runtime
from core.types import Actor, utc_now
from core.webhooks import REMOVED, Delivery, get_webhook
from db import webhooks
from db.enums import DeliveryStatus

DEADLINE_SECONDS = 10.0  # for one message, from the look-up of the name to the answer
LEASE_SECONDS = 60.0  # a sender that was killed in between: the message is due again after this
FIRST_PAUSE_SECONDS, PAUSE_FACTOR, LONGEST_PAUSE_SECONDS = 5.0, 3.0, 6 * 3600.0
MAX_ATTEMPTS = 12  # the pauses between them are 22.5 hours and their jitter
JITTER = 0.2  # a pause is this share shorter or longer, so that many do not come back at once
REST_SECONDS = 5.0  # an address that did not answer is left alone for this long at least
PATIENCE_AT_END_SECONDS = 2.0
MAX_SENDING = 8  # addresses that are being sent to at the same time
KEPT_DAYS = 30
TIDY_SECONDS, TIDY_ROWS = 600.0, 2_000
MAX_ANSWER = 500  # characters of a refusal that are kept
REFUSED = N_("The address answered HTTP {status}: {answer}")
REFUSED_IN_SILENCE = N_("The address answered HTTP {status} and said nothing more: its own log knows why.")
REDIRECTED = N_("The address answered HTTP {status}, a redirect, which is not followed: give the new address instead.")
logger = logging.getLogger(__name__)


class NotDelivered(AppError):
    """The message did not arrive."""


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature` of Standard Webhooks: HMAC-SHA256 over 'id.timestamp.body', version 1."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def check_address(runtime: Runtime, url: str) -> Target:
    """Where messages for this URL go. Raises InvalidInput when it is no http(s) address, or not on the internet."""
    anywhere = runtime.settings.webhooks_to_private
    try:
        return resolve(url, lambda address, _port: anywhere or is_global(address))
    except NoAddress:
        raise InvalidInput(N_("'{url}' is no address that can be sent to."), url=url) from None
    except NotAllowed as error:
        raise InvalidInput(
            N_("{host} is not on the open internet. SHELFWRIGHT_WEBHOOKS_TO_PRIVATE=yes allows such addresses."),
            host=str(error),
        ) from None


def pause_after(attempt: int) -> timedelta:
    """How long to wait after the failure of attempt number `attempt` (from 1)."""
    seconds = min(FIRST_PAUSE_SECONDS * PAUSE_FACTOR ** (attempt - 1), LONGEST_PAUSE_SECONDS)
    return timedelta(seconds=seconds * random.uniform(1 - JITTER, 1 + JITTER))


def send_test(runtime: Runtime, actor: Actor, webhook_id: int) -> Delivery:
    """Send a message that says 'test' now, and return how it went. Raises Forbidden, NotFound."""
    webhook = get_webhook(runtime, actor, webhook_id)
    now = utc_now()
    values: dict[str, Any] = {
        "webhook_id": webhook.id,
        "event": "test",
        "payload": {"sent_by": actor.name},
        "status": DeliveryStatus.WAITING,
        "attempt": MAX_ATTEMPTS,  # a test is tried once
        "next_attempt_at": now + timedelta(seconds=LEASE_SECONDS),
        "created_at": now,
    }
    with runtime.sessions.write() as session:
        values["id"] = webhooks.insert_delivery(session, values)
    _attempt(runtime, webhook.url, webhook.secret, values)
    with runtime.sessions.read() as session:
        row = webhooks.find_delivery(session, values["id"])
    assert row, "it was written a moment ago"
    return Delivery(**row)


def _attempt(runtime: Runtime, url: str, secret: str, row: Mapping[str, Any]) -> bool:
    """Send one claimed delivery and write how it went. False when the address itself did not answer."""
    answered, values = True, {}
    try:
        status = _post(check_address(runtime, url), secret, row)
        values = {"status": DeliveryStatus.DELIVERED, "delivered_at": utc_now(), "response_status": status}
        values["error"] = None
    except (OSError, http.client.HTTPException, AppError, ValueError) as error:
        answered = isinstance(error, NotDelivered)
        refusal = error.values if isinstance(error, NotDelivered) else {}
        values = {"error": str(error)[:MAX_ANSWER] or type(error).__name__, "response_status": refusal.get("status")}
        tired = row["attempt"] >= MAX_ATTEMPTS
        values |= (
            {"status": DeliveryStatus.FAILED} if tired else {"next_attempt_at": utc_now() + pause_after(row["attempt"])}
        )
    with runtime.sessions.write(durable=False) as session:
        webhooks.finish_attempt(session, row["id"], row["attempt"], values)
    return answered


def _post(target: Target, secret: str, row: Mapping[str, Any]) -> int:
    """The status of the answer, 200 to 299. Raises NotDelivered for any other, OSError or HTTPException for none."""
    created: datetime = row["created_at"]
    message = {"type": row["event"], "timestamp": created.isoformat(), "data": row["payload"]}
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
    message_id, timestamp = f"evt_{row['id']}", int(time.time())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Shelfwright",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, message_id, timestamp, body),
    }
    with connected(target, time.monotonic() + DEADLINE_SECONDS) as sock:
        connection = http.client.HTTPConnection(target.host, target.port)
        connection.sock = sock
        connection.request("POST", target.path, body, headers)
        response = connection.getresponse()
        if 200 <= response.status < 300:
            return response.status
        answer = response.read(MAX_ANSWER).decode("utf-8", "replace").replace("\0", "").strip()
        if 300 <= response.status < 400:
            raise NotDelivered(REDIRECTED, status=response.status)
        raise NotDelivered(REFUSED if answer else REFUSED_IN_SILENCE, status=response.status, answer=answer)


class Sender:
    """Looks for due deliveries, and sends those of each address in a thread of its own: a slow one holds up no other.

    Several may run side by side, in workers of one or more machines: a delivery is in one's hands at a time.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.stop = threading.Event()
        self._sending: dict[int, threading.Thread] = {}
        self._resting: dict[int, float] = {}  # address -> until when it is left alone
        self._tidy_at = time.monotonic()

    def run(self) -> None:
        """Until `stop` is set. A database that cannot be reached is waited for."""
        while not self.stop.is_set():
            try:
                self.look()
            except sa.exc.OperationalError:
                logger.warning("webhooks: the database cannot be reached; trying again", exc_info=True)
            self.stop.wait(self.runtime.settings.worker_poll_seconds)
        until = time.monotonic() + PATIENCE_AT_END_SECONDS  # what is cut off is sent again
        for thread in self._sending.values():
            thread.join(max(0.0, until - time.monotonic()))

    def look(self) -> None:
        """Start a thread for each address that has something due and is not being sent to; what a removed one is still
        owed is given up."""
        self._sending = {id_: thread for id_, thread in self._sending.items() if thread.is_alive()}
        now = time.monotonic()
        if now >= self._tidy_at:
            self._tidy_at = now + TIDY_SECONDS
            with self.runtime.sessions.write(durable=False) as session:
                webhooks.forget_old(session, utc_now() - timedelta(days=KEPT_DAYS), TIDY_ROWS)
        with self.runtime.sessions.read() as session:
            active = [row.id for row in webhooks.list_webhooks(session)]
            free = [id_ for id_ in active if id_ not in self._sending and self._resting.get(id_, 0.0) <= now]
            due = webhooks.list_due_webhooks(session, utc_now(), free)
            removed = webhooks.list_removed_owing(session, utc_now())
        if removed:
            with self.runtime.sessions.write(durable=False) as session:
                for id_ in removed:
                    webhooks.give_up_waiting(session, id_, REMOVED)
        for id_ in due[: MAX_SENDING - len(self._sending)]:
            self._sending[id_] = threading.Thread(
                target=self._send_all, args=(id_,), name=f"webhook-{id_}", daemon=True
            )
            self._sending[id_].start()

    def _send_all(self, webhook_id: int) -> None:
        """What is due for this address, one after another, until it does not answer."""
        try:
            while not self.stop.is_set():
                if not self.send_next(webhook_id):
                    return
        except sa.exc.SQLAlchemyError:  # the lease runs out and the message is due again
            logger.warning("webhook %s: the database did not answer", webhook_id, exc_info=True)

    def send_next(self, webhook_id: int) -> bool:
        """Send the delivery that has been due longest. False: there is none, or the address did not answer."""
        now = utc_now()
        with self.runtime.sessions.write(durable=False) as session:
            webhook = webhooks.find_webhook(session, webhook_id)
            if webhook is None or not webhook.is_active:
                return False
            row = webhooks.claim_due(session, webhook_id, now, now + timedelta(seconds=LEASE_SECONDS))
        if row is None:
            return False
        if _attempt(self.runtime, webhook.url, webhook.secret, dict(row)):
            return True
        self._resting[webhook_id] = time.monotonic() + REST_SECONDS
        return False


@contextmanager
def sending(runtime: Runtime) -> Iterator[Sender]:
    """A sender at work beside the block."""
    sender = Sender(runtime)
    thread = threading.Thread(target=sender.run, name="webhooks", daemon=True)
    thread.start()
    try:
        yield sender
    finally:
        sender.stop.set()
        thread.join()
