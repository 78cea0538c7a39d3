"""API tokens: how a program comes in, as a person and within scopes.

A token is 320 random bits, shown once; the database keeps its SHA-256, so that whoever reads the database cannot come
in. A slow hash would add nothing: there is no dictionary of random bits. What a token may do is what its person's role
allows *and* what its scopes name.
"""

import hashlib
import hmac
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.errors import N_, Conflict, Forbidden, InvalidInput, NotFound, NotSignedIn
from core.permissions import Action, authorize, may
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import api_tokens
from db.people import add_audit
from db.tables import ApiTokenRow

MARK = "sw_"  # tokens begin with it, so that a scanner for leaked secrets knows ours
RANDOM_BYTES = 40  # 8 of the characters are shown in lists; more than 256 bits stay secret
PREFIX_LENGTH = len(MARK) + 8
MAX_LENGTH = 200  # of what is hashed at all
MAX_DAYS = 3650
MAX_TOKENS = 50  # usable ones of a person
USE_IS_NOTED_EVERY = timedelta(minutes=1)


class Scope(StrEnum):
    """What a token may be used for, within its person's role."""

    READ = "read"  # see products, campaigns, models, jobs
    LABEL = "label"  # claim, decide, undo, review
    MANAGE = "manage"  # campaigns, imports, trainings, promotions, taxonomy, webhooks
    EXPORT = "export"  # start and fetch exports


@dataclass(frozen=True)
class ApiToken:
    """A token as lists show it; the token itself is not in it."""

    id: int
    person_id: int
    person: str
    name: str
    prefix: str  # its first characters
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None  # none: never
    last_used_at: datetime | None  # to the minute
    revoked_at: datetime | None

    @property
    def is_usable(self) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > utc_now())


def create_token(
    runtime: Runtime, actor: Actor, name: str, scopes: Iterable[Scope], days: int | None = 90
) -> tuple[str, ApiToken]:
    """A new token of the actor's own: (the token, how lists show it). The token cannot be shown again.

    It ends after `days`; none: never. Raises InvalidInput for a name, scopes or days that cannot be, Conflict when the
    person has MAX_TOKENS usable ones.
    """
    authorize(actor, Action.MAKE_TOKENS)
    name, chosen = _usable_name(name), frozenset(scopes)
    if not chosen:
        raise InvalidInput(N_("Choose at least one scope for the token."))
    if days is not None and not 1 <= days <= MAX_DAYS:
        raise InvalidInput(N_("A token is valid for 1 to {most} days."), most=MAX_DAYS)
    token, now = MARK + secrets.token_urlsafe(RANDOM_BYTES), utc_now()
    ends = None if days is None else now + timedelta(days=days)
    with runtime.sessions.write() as session:
        if api_tokens.count_usable(session, actor.person_id, now) >= MAX_TOKENS:
            raise Conflict(N_("You have {n} tokens already. Revoke one first."), n=MAX_TOKENS)
        row = api_tokens.insert_token(
            session, actor.person_id, name, _hash(token), token[:PREFIX_LENGTH], sorted(chosen), ends, now
        )
        after = {"name": name, "prefix": row.prefix, "scopes": sorted(chosen), "expires_at": _iso(ends)}
        add_audit(session, now, actor.person_id, "create", "api_token", row.id, after=after)
    return token, _view(row, actor.name)


def list_tokens(runtime: Runtime, actor: Actor, everybody: bool = False) -> list[ApiToken]:
    """The actor's tokens, newest first, revoked ones too; of `everybody` for who manages people (else Forbidden)."""
    if everybody:
        authorize(actor, Action.MANAGE_PEOPLE)
    with runtime.sessions.read() as session:
        rows = api_tokens.list_tokens(session, None if everybody else actor.person_id)
    return [_view(row, person) for row, person in rows]


def revoke_token(runtime: Runtime, actor: Actor, token_id: int) -> None:
    """The token works no more. Revoking twice changes nothing.

    Raises NotFound for what is no token, or somebody else's where the actor does not manage people.
    """
    authorize(actor, Action.MAKE_TOKENS)
    now = utc_now()
    with runtime.sessions.write() as session:
        row = api_tokens.find_token(session, token_id)
        if row is None or (row.person_id != actor.person_id and not may(actor, Action.MANAGE_PEOPLE)):
            raise NotFound(N_("There is no token {id} of yours."), id=token_id)
        if api_tokens.revoke(session, token_id, now):
            before = {"name": row.name, "prefix": row.prefix, "person_id": row.person_id}
            add_audit(session, now, actor.person_id, "revoke", "api_token", token_id, before=before)


def authenticate(runtime: Runtime, token: str) -> tuple[Actor, frozenset[Scope]]:
    """Who a token speaks for, and what it may be used for.

    One indexed read; a write at most once a minute. The search is by the hash of what was sent, so how long it takes
    says nothing about any stored token. Raises NotSignedIn with the reason; only its owner learns one: a made-up token
    is just not known.
    """
    if not token or len(token) > MAX_LENGTH:
        raise NotSignedIn(N_("This API token is not known."))
    digest, now = _hash(token), utc_now()
    with runtime.sessions.read() as session:
        found = api_tokens.find_by_hash(session, digest)
    if found is None or not hmac.compare_digest(found[0].token_hash, digest):
        raise NotSignedIn(N_("This API token is not known."))
    row, person = found
    if row.revoked_at is not None:
        raise NotSignedIn(N_("This API token was revoked."))
    if row.expires_at is not None and row.expires_at <= now:
        raise NotSignedIn(N_("This API token has expired. Make a new one."))
    if not person.is_active:
        raise NotSignedIn(N_("'{name}' is switched off and cannot work here."), name=person.name)
    if row.last_used_at is None or now - row.last_used_at >= USE_IS_NOTED_EVERY:
        with runtime.sessions.write(durable=False) as session:
            api_tokens.note_use(session, row.id, now, now - USE_IS_NOTED_EVERY)
    return Actor(person.id, person.name, person.role), _scopes(row)


def require_scope(scopes: Collection[Scope], scope: Scope) -> None:
    """Raise Forbidden when a token's scopes lack this one."""
    if scope not in scopes:
        raise Forbidden(N_("This API token lacks the scope '{scope}'."), scope=scope.value)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _usable_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 80 or not name.isprintable():
        raise InvalidInput(N_("A name has 1 to 80 printable characters."))
    return name


def _scopes(row: ApiTokenRow) -> frozenset[Scope]:
    return frozenset(Scope(word) for word in row.scopes if word in set(Scope))


def _iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None


def _view(row: ApiTokenRow, person: str) -> ApiToken:
    return ApiToken(
        id=row.id,
        person_id=row.person_id,
        person=person,
        name=row.name,
        prefix=row.prefix,
        scopes=_scopes(row),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
