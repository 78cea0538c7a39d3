"""Who is acting. In local mode anybody on this machine may, by name, as an admin."""

from core.errors import N_, Forbidden, InvalidInput
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import Role
from db.people import ensure_person, find_person


def sign_in_local(runtime: Runtime, name: str, role: Role = Role.ADMIN) -> Actor:
    """The person of this name, made on first use. `role` counts only then.

    Raises InvalidInput for an empty or overlong name, Forbidden for a person who was switched off.
    """
    name = " ".join(name.split())
    if not name or len(name) > 80 or not name.isprintable():
        raise InvalidInput(N_("A name has 1 to 80 printable characters."))
    with runtime.sessions.read() as session:
        row = find_person(session, name)
    if row is None:
        with runtime.sessions.write() as session:
            row = ensure_person(session, name, role, utc_now())
    if not row.is_active:
        raise Forbidden(N_("'{name}' is switched off and cannot work here."), name=row.name)
    return Actor(row.id, row.name, row.role)
