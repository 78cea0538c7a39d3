"""A changing request that comes twice is done once: its answer is kept under the client's Idempotency-Key."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.errors import N_, Conflict, InvalidInput
from core.labeling.busy import database_in_words
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import api_requests

HEADER = "Idempotency-Key"
MAX_KEY_CHARACTERS = 64
KEPT_FOR = timedelta(hours=24)
GIVEN_UP_AFTER = timedelta(minutes=10)  # longer than any request takes: one that has not ended died with its server
KEPT_HEADERS = ("location",)


class InFlight(Conflict):
    """The same request is being worked on by another thread."""

    def __init__(self) -> None:
        super().__init__(N_("A request with this Idempotency-Key is being worked on. Ask again in a moment."))


class KeyReused(InvalidInput):
    """A client's mistake: a key stands for one request."""

    def __init__(self) -> None:
        super().__init__(N_("This Idempotency-Key was used for another request."))


@dataclass(frozen=True)
class KeptAnswer:
    """What a request was answered, as it is kept."""

    status: int
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Attempt:
    """The right to do a request. Whoever takes over a dead one's key begins later, so the moment tells two apart."""

    key: str
    begun_at: datetime


def checked_key(key: str) -> str:
    """The key as it came in the header: 1 to 64 printable ASCII characters, else InvalidInput."""
    if not 1 <= len(key) <= MAX_KEY_CHARACTERS or not (key.isascii() and key.isprintable()):
        raise InvalidInput(N_("An Idempotency-Key has 1 to {n} printable ASCII characters."), n=MAX_KEY_CHARACTERS)
    return key


def decision_key(actor: Actor, key: str) -> str:
    """The key under which a decision is kept: two people may choose the same, so the person is mixed in."""
    return "api-" + hashlib.sha256(f"{actor.person_id}:{key}".encode()).hexdigest()[:60]


def fingerprint(method: str, path: str, body: bytes) -> str:
    """SHA-256 of what was asked. Two spellings of the same JSON ask the same."""
    try:
        asked = json.dumps(json.loads(body), sort_keys=True).encode()
    except (ValueError, RecursionError):
        asked = body
    return hashlib.sha256(b"\n".join([method.encode(), path.encode("utf-8", "surrogatepass"), asked])).hexdigest()


def begin(runtime: Runtime, actor: Actor, key: str, asked: str) -> KeptAnswer | Attempt:
    """Take the key for a request, to be ended by `keep` or `forget`; the answer that is kept if it was done before.

    Raises InFlight while the same request is being worked on, KeyReused when the key stands for another one. A request
    whose server died under it is begun anew after ten minutes.
    """
    now = utc_now()
    with database_in_words(), runtime.sessions.write(durable=False) as session:
        api_requests.purge(session, now - KEPT_FOR)
        if api_requests.insert_request(session, actor.person_id, key, asked, now):
            return Attempt(key, now)
        row = api_requests.find_request(session, actor.person_id, key)
        if row is None:  # its request failed at this very moment
            raise InFlight()
        if row.fingerprint != asked:
            raise KeyReused()
        if row.status is not None:
            kept = row.response or {}
            return KeptAnswer(row.status, kept.get("headers", {}), kept.get("body"))
        dead = row.created_at < now - GIVEN_UP_AFTER
        if not dead or not api_requests.take_over(session, actor.person_id, key, row.created_at, now):
            raise InFlight()
    return Attempt(key, now)


def keep(
    runtime: Runtime, actor: Actor, attempt: Attempt, status: int, headers: Iterable[tuple[str, str]], body: bytes
) -> None:
    """Keep the answer to a request that was done; not when its key was taken over meanwhile."""
    kept = {
        "headers": {name: value for name, value in headers if name.lower() in KEPT_HEADERS},
        "body": json.loads(body) if body else None,
    }
    with database_in_words(), runtime.sessions.write() as session:
        api_requests.keep_answer(session, actor.person_id, attempt.key, attempt.begun_at, status, kept)


def forget(runtime: Runtime, actor: Actor, attempt: Attempt) -> None:
    """The request changed nothing: the key may be used again, unless somebody does already."""
    with database_in_words(), runtime.sessions.write(durable=False) as session:
        api_requests.forget_request(session, actor.person_id, attempt.key, attempt.begun_at)
