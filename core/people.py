"""Who is acting in local mode, and the members of a team: invite, give a role, switch off and on."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from core.errors import N_, Conflict, Forbidden, InvalidInput, NotFound
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import members, tasks
from db.enums import Role
from db.people import add_audit, ensure_person, find_person, raise_revision
from db.tables import PersonRow

MAX_NAME = 80
MAX_REASON = 500


@dataclass(frozen=True)
class Person:
    """Somebody as changed by one of the acts below."""

    id: int
    name: str
    role: Role
    is_active: bool
    email: str | None
    joined_at: datetime | None  # first sign-in in team mode


def sign_in_local(runtime: Runtime, name: str, role: Role = Role.ADMIN) -> Actor:
    """The person of this name, made on first use. `role` counts only then.

    Raises InvalidInput for an empty or overlong name, Forbidden for a person who was switched off.
    """
    name = _usable_name(name)
    with runtime.sessions.read() as session:
        row = find_person(session, name)
    if row is None:
        now = utc_now()
        with runtime.sessions.write() as session:
            row = ensure_person(session, name, role, now)
            if row.created_at == now:
                after = {"name": name, "role": row.role.value}
                add_audit(session, now, row.id, "join", "person", row.id, after=after)
    if not row.is_active:
        raise Forbidden(N_("'{name}' is switched off and cannot work here."), name=row.name)
    return Actor(row.id, row.name, row.role)


def find_by_name(runtime: Runtime, name: str) -> Person | None:
    with runtime.sessions.read() as session:
        row = find_person(session, " ".join(name.split()))
    return _person(row) if row else None


def invite(runtime: Runtime, actor: Actor, email: str, role: Role, name: str = "") -> Person:
    """Somebody who may come in with this e-mail address, as `role`; known by `name` (else by the address).

    A name of local mode that has no address yet is taken over: what they did stays theirs. Raises InvalidInput,
    Conflict when the address or the name is somebody's, Forbidden.
    """
    authorize(actor, Action.MANAGE_PEOPLE)
    email = _usable_email(email)
    name, now = _usable_name(name or email), utc_now()
    with runtime.sessions.write() as session:
        if members.find_by_email(session, email):
            raise Conflict(N_("{email} has been invited already."), email=email)
        row = find_person(session, name)
        if row is not None and (row.email or row.subject):
            raise Conflict(N_("Somebody else is called '{name}' already."), name=name)
        if row is None:
            row = members.insert_person(session, name, role, now, email, actor.person_id, role)
        else:
            _keep_an_admin(runtime, session, row, stays_admin=role == Role.ADMIN)
            row.email, row.role, row.invited_by, row.invited_role = email, role, actor.person_id, role
        after = {"name": name, "email": email, "role": role.value}
        add_audit(session, now, actor.person_id, "invite", "person", row.id, after=after)
        raise_revision(session, "people")
        return _person(row)


def change_role(runtime: Runtime, actor: Actor, person_id: int, role: Role, reason: str = "") -> Person:
    """From the next thing they do on they have this role. Raises NotFound, Conflict for the last admin, Forbidden."""
    authorize(actor, Action.MANAGE_PEOPLE)
    reason, now = _usable_reason(reason), utc_now()
    with runtime.sessions.write() as session:
        row = _get(session, person_id)
        if row.role != role or row.invited_role != role:
            _keep_an_admin(runtime, session, row, stays_admin=role == Role.ADMIN)
            before, after = {"role": row.role.value}, {"role": role.value}
            row.role = row.invited_role = role  # also where a claim said so until now
            row.invited_by = row.invited_by or actor.person_id
            add_audit(session, now, actor.person_id, "set_role", "person", row.id, before, after, reason or None)
            raise_revision(session, "people")
        return _person(row)


def deactivate(runtime: Runtime, actor: Actor, person_id: int, reason: str) -> Person:
    """Switch a person off: running sessions and API tokens end, what they hold goes back, what they did stays.

    Doing it twice changes nothing. Raises InvalidInput without a reason, NotFound, Conflict for the last admin,
    Forbidden.
    """
    authorize(actor, Action.MANAGE_PEOPLE)
    reason, now = _usable_reason(reason), utc_now()
    if not reason:
        raise InvalidInput(N_("Give a reason: others will want to know why."))
    with runtime.sessions.write() as session:
        row = _get(session, person_id)
        if row.is_active:
            _keep_an_admin(runtime, session, row, stays_admin=False)
            row.is_active = False
            n_released = tasks.release_all(session, row.id)
            after = {"is_active": False, "released_tasks": n_released}
            add_audit(session, now, actor.person_id, "deactivate", "person", row.id, {"is_active": True}, after, reason)
            raise_revision(session, "people")
        return _person(row)


def activate(runtime: Runtime, actor: Actor, person_id: int, reason: str = "") -> Person:
    """Switch a person on again, as they were. Raises NotFound, Forbidden."""
    authorize(actor, Action.MANAGE_PEOPLE)
    reason, now = _usable_reason(reason), utc_now()
    with runtime.sessions.write() as session:
        row = _get(session, person_id)
        if not row.is_active:
            row.is_active = True
            before, after = {"is_active": False}, {"is_active": True}
            add_audit(session, now, actor.person_id, "activate", "person", row.id, before, after, reason or None)
            raise_revision(session, "people")
        return _person(row)


def change_email(runtime: Runtime, actor: Actor, person_id: int, email: str) -> Person:
    """The person comes in with another address from now on; a sign-in they had before is forgotten.

    For a new provider, a new address, or a name of local mode that joins the team. Raises InvalidInput, NotFound,
    Conflict when the address is somebody else's or the last admin would be locked out, Forbidden.
    """
    authorize(actor, Action.MANAGE_PEOPLE)
    email, now = _usable_email(email), utc_now()
    with runtime.sessions.write() as session:
        row, other = _get(session, person_id), members.find_by_email(session, email)
        if other is not None and other.id != row.id:
            raise Conflict(N_("{email} has been invited already."), email=email)
        if row.subject is not None:
            _keep_an_admin(runtime, session, row, stays_admin=False)
        before, after = {"email": row.email, "issuer": row.issuer}, {"email": email, "issuer": None}
        row.email, row.issuer, row.subject = email, None, None
        if row.joined_at is None:  # a name of local mode; who came in by a claim needs one with the new address too
            row.invited_by, row.invited_role = row.invited_by or actor.person_id, row.invited_role or row.role
        add_audit(session, now, actor.person_id, "change_email", "person", row.id, before, after)
        raise_revision(session, "people")
        return _person(row)


def _get(session: Session, person_id: int) -> PersonRow:
    row = members.get_person(session, person_id)
    if row is None:
        raise NotFound(N_("There is no person {id}."), id=person_id)
    return row


def _keep_an_admin(runtime: Runtime, session: Session, row: PersonRow, stays_admin: bool) -> None:
    """Raise Conflict when nobody would be left who can manage people (in team mode: and can sign in)."""
    if stays_admin or row.role != Role.ADMIN or not row.is_active:
        return
    members.lock_admins(session)
    if members.count_other_admins(session, row.id, who_can_sign_in=runtime.settings.sign_in == "oidc") == 0:
        raise Conflict(N_("'{name}' is the last admin. Make somebody else an admin first."), name=row.name)


def _usable_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidInput(N_("A name has 1 to 80 printable characters."))
    return name


def _usable_email(email: str) -> str:
    email = email.strip().lower()
    local, at, host = email.rpartition("@")
    if not (local and at and host) or len(email) > 254 or not email.isprintable() or " " in email:
        raise InvalidInput(N_("'{email}' is no e-mail address."), email=email[:100])
    return email


def _usable_reason(reason: str) -> str:
    reason = reason.strip()
    if len(reason) > MAX_REASON:
        raise InvalidInput(N_("A reason has at most {most} characters."), most=MAX_REASON)
    return reason


def _person(row: PersonRow) -> Person:
    return Person(row.id, row.name, row.role, row.is_active, row.email, row.joined_at)
