"""From what people call a person, a version or a snapshot to the number that an export asks for."""

from core.errors import N_, NotFound
from core.runtime import Runtime
from core.training.registry import get_version_named
from db.people import find_person


def person_named(runtime: Runtime, name: str) -> int:
    """Raises NotFound."""
    with runtime.sessions.read() as session:
        person = find_person(session, name)
    if person is None:
        raise NotFound(N_("There is no '{name}' among the people here."), name=name)
    return person.id


def version_named(runtime: Runtime, name: str) -> int:
    """Raises NotFound."""
    return get_version_named(runtime, name).id


def snapshot_named(runtime: Runtime, name: str) -> int:
    """'12', or 'v3' for what that version learned from. Raises NotFound."""
    if name.isdecimal():
        return int(name)
    snapshot_id = get_version_named(runtime, name).snapshot_id
    if snapshot_id is None:
        raise NotFound(N_("It is not known what {version} learned from."), version=name)
    return snapshot_id
