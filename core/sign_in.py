"""Team mode: from what the sign-in provider says of somebody to the person who acts here.

Streamlit has checked the provider's signature, audience and nonce before anything of this is asked. Known people are
found by issuer and subject, which never change; an e-mail address only connects an invitation with its first sign-in,
and only when the provider vouches for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeGuard

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import N_, Forbidden, NotSignedIn
from core.runtime import Runtime
from core.settings import Settings
from core.types import Actor, utc_now
from db import api_tokens, members
from db.enums import Role
from db.people import add_audit, raise_revision
from db.tables import PersonRow

LAST_SEEN_EVERY = timedelta(minutes=5)  # how exact `last_seen_at` is
CLOCKS_DIFFER = timedelta(minutes=5)  # the provider's may be ahead
RANKS = (Role.ADMIN, Role.OPERATOR, Role.REVIEWER, Role.ANALYST, Role.ANNOTATOR)  # of several roles the first counts
MAX_NAME = 80


@dataclass(frozen=True)
class Identity:
    """Who the provider says it is. `email` is none where the provider does not vouch for it."""

    issuer: str
    subject: str
    email: str | None
    said_email: str | None  # vouched for or not; for messages
    name: str
    role: Role | None  # what the claims say; none: nothing


def sign_in_with_claims(runtime: Runtime, claims: Mapping[str, Any]) -> Actor:
    """The person of these claims; bound to their invitation, or made, at the first sign-in.

    Raises NotSignedIn when the claims are no identity or too old, Forbidden for who was not invited or is switched off.
    """
    identity = read_identity(runtime.settings, claims)
    try:
        return _admit(runtime, identity)
    except sa.exc.IntegrityError:  # the same person at the same moment in another tab was first: find them
        return _admit(runtime, identity)


def still_welcome(runtime: Runtime, actor: Actor) -> Actor:
    """The actor as of now: role and name may have changed. Raises Forbidden for who was switched off."""
    with runtime.sessions.read() as session:
        row = members.get_person(session, actor.person_id)
    if row is None or not row.is_active:
        raise _switched_off(actor.name)
    return Actor(row.id, row.name, row.role)


def read_identity(settings: Settings, claims: Mapping[str, Any]) -> Identity:
    """What the claims say. Raises NotSignedIn when issuer or subject is missing, or the sign-in is too old."""
    issuer, subject = claims.get("iss"), claims.get("sub")
    if not (_is_text(issuer, 500) and _is_text(subject, 255)):
        raise NotSignedIn(N_("The sign-in provider did not say who you are (claims 'iss' and 'sub')."))
    check_age(settings, claims.get("iat"))
    said = claims.get("email")
    email = said.strip().lower() if _is_text(said, 254) and "@" in said else None
    vouched = str(claims.get("email_verified", "true" if settings.trust_unverified_email else "")).lower() == "true"
    name = next((claims[key] for key in ("name", "preferred_username", "email") if _is_text(claims.get(key), 500)), "")
    return Identity(issuer, subject, email if vouched else None, email, _clean_name(name), _role(settings, claims))


def _is_text(value: object, longest: int) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= longest


def check_age(settings: Settings, issued_at: object) -> None:
    """Raise NotSignedIn when a sign-in of this moment (claim 'iat', seconds since 1970) has ended.

    Streamlit keeps a sign-in for 30 days, and an open tab for good; who left the shop should not stay in that long.
    """
    now = utc_now()
    if isinstance(issued_at, int | float) and not isinstance(issued_at, bool):
        age = now - datetime.fromtimestamp(issued_at, UTC)
        if -CLOCKS_DIFFER <= age <= timedelta(hours=settings.sign_in_hours):
            return
    raise NotSignedIn(N_("Your sign-in has ended. Sign in again."))


def _clean_name(name: str) -> str:
    return "".join(sign for sign in " ".join(name.split()) if sign.isprintable())[:MAX_NAME].strip() or "?"


def _role(settings: Settings, claims: Mapping[str, Any]) -> Role | None:
    """The highest role that the role claim's values stand for."""
    if not settings.oidc_role_claim:
        return None
    meaning = dict(role_mapping(settings.oidc_roles))
    said = _claim(claims, settings.oidc_role_claim)
    values = said if isinstance(said, list | tuple) else [said]
    roles = {meaning[value] for value in values if isinstance(value, str) and value in meaning}
    return next((role for role in RANKS if role in roles), None)


def _claim(claims: Mapping[str, Any], path: str) -> object:
    """A claim by its whole name (which may hold dots), else by a path such as realm_access.roles."""
    if path in claims:
        return claims[path]
    found: object = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def role_mapping(text: str) -> list[tuple[str, Role]]:
    """'shelf-admins=admin,staff=annotator' as pairs; empty: each role's own word. Raises ValueError for no role."""
    if not text.strip():
        return [(role.value, role) for role in Role]
    pairs = [part.rpartition("=") for part in text.split(",") if part.strip()]
    if not all(value.strip() for value, _, _ in pairs):
        raise ValueError("a role without the claim's value that stands for it")
    return [(value.strip(), Role(word.strip().lower())) for value, _, word in pairs]


def _admit(runtime: Runtime, identity: Identity) -> Actor:
    now = utc_now()
    with runtime.sessions.read() as session:
        row = members.find_by_subject(session, identity.issuer, identity.subject)
        if row is not None and _nothing_new(row, identity, runtime.settings, now):
            return Actor(row.id, row.name, row.role)
    with runtime.sessions.write() as session:
        row = _find_or_make(session, identity, runtime.settings, now)
        if row is not None and row.is_active and _take_role(session, row, identity, runtime.settings, now):
            row.last_seen_at = now
            return Actor(row.id, row.name, row.role)
        refused = _switched_off(row.name) if row is not None and not row.is_active else _not_invited(identity)
    raise refused  # after the commit: what they lost is lost


def _nothing_new(row: PersonRow, identity: Identity, settings: Settings, now: datetime) -> bool:
    """Whether this sign-in writes nothing: most are a reload of a page."""
    by_claim = (identity.role or _role_without_claim(row, settings)) == row.role
    seen = row.last_seen_at is not None and now - row.last_seen_at < LAST_SEEN_EVERY
    return row.is_active and by_claim and seen


def _find_or_make(session: Session, identity: Identity, settings: Settings, now: datetime) -> PersonRow | None:
    row = members.find_by_subject(session, identity.issuer, identity.subject)
    if row is not None:
        return row
    row = members.find_by_email(session, identity.email) if identity.email else None
    if row is not None and row.subject is not None:
        return None  # the address is another account's: who has it now is not who was invited then
    if row is None:
        if identity.role is None and not _is_first_admin(session, identity, settings, 0):
            return None
        name = _free_name(session, identity)
        row = members.insert_person(session, name, identity.role or Role.ADMIN, now, email=identity.email)
    elif not row.is_active:
        return row
    elif not (
        identity.role or _role_without_claim(row, settings) or _is_first_admin(session, identity, settings, row.id)
    ):
        return row  # not let in, so not bound
    row.issuer, row.subject, row.joined_at = identity.issuer, identity.subject, now
    after = {"name": row.name, "email": row.email, "role": row.role.value, "issuer": row.issuer}
    add_audit(session, now, row.id, "join", "person", row.id, after=after)
    raise_revision(session, "people")
    return row


def _take_role(session: Session, row: PersonRow, identity: Identity, settings: Settings, now: datetime) -> bool:
    """What the claims say counts; where they say nothing (any more), what an admin gave here. False: neither is there.

    Who has neither loses what they had: open tabs are an annotator's, API tokens are revoked.
    """
    role = identity.role
    if role is None and _is_first_admin(session, identity, settings, row.id):
        role = row.invited_role = Role.ADMIN
        row.invited_by = row.invited_by or row.id
    role = role or _role_without_claim(row, settings)
    if role is None:
        _revoke_tokens(session, row, now)
    _set_role(session, row, role or Role.ANNOTATOR, now)
    return role is not None


def _role_without_claim(row: PersonRow, settings: Settings) -> Role | None:
    """What an admin gave. Where roles come by invitation only, who is in already keeps theirs."""
    return row.invited_role or (None if settings.oidc_role_claim else row.role)


def _set_role(session: Session, row: PersonRow, role: Role, now: datetime) -> None:
    if role != row.role:
        before, after = {"role": row.role.value}, {"role": role.value}
        add_audit(session, now, row.id, "set_role", "person", row.id, before, after, reason="sign-in")
        row.role = role
        raise_revision(session, "people")


def _revoke_tokens(session: Session, row: PersonRow, now: datetime) -> None:
    for token_id, name, prefix in api_tokens.revoke_all(session, row.id, now):
        before = {"name": name, "prefix": prefix, "person_id": row.id}
        add_audit(session, now, row.id, "revoke", "api_token", token_id, before=before, reason="sign-in")


def _is_first_admin(session: Session, identity: Identity, settings: Settings, person_id: int) -> bool:
    """The address in SHELFWRIGHT_FIRST_ADMIN is an admin as long as nobody else who can sign in is."""
    if not settings.first_admin or identity.email != settings.first_admin.strip().lower():
        return False
    return members.count_other_admins(session, person_id, who_can_sign_in=True) == 0


def _free_name(session: Session, identity: Identity) -> str:
    """Names stand beside labels, so two people never share one, nor does a newcomer inherit one."""
    beside = identity.email or identity.subject[:30]
    wanted = [identity.name, f"{identity.name} ({beside})"[:120]]
    wanted += [f"{identity.name} ({number})" for number in range(2, 100)]
    taken = members.taken_names(session, wanted)
    return next(name for name in wanted if name not in taken)


def _not_invited(identity: Identity) -> Forbidden:
    who = identity.said_email or identity.name
    if identity.said_email and identity.email is None:
        return Forbidden(
            N_("You are signed in as {who}, but the sign-in provider does not vouch for that address. Ask an admin."),
            who=who,
        )
    return Forbidden(N_("You are signed in as {who}, but nobody has invited you yet. Ask an admin."), who=who)


def _switched_off(name: str) -> Forbidden:
    return Forbidden(N_("'{name}' is switched off and cannot work here."), name=name)
