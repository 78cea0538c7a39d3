"""Malls: the shops that products come from."""

from core.runtime import Runtime
from db import malls

MOST = 5_000


def list_malls(runtime: Runtime) -> list[tuple[int, str]]:
    """(id, name) of the malls by name, 5,000 at most."""
    with runtime.sessions.read() as session:
        return malls.list_malls(session, MOST)
