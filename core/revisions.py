"""Counters that change with each write: the key of every cached view."""

from core.runtime import Runtime
from db.people import get_revisions


def revision(runtime: Runtime, *names: str) -> tuple[int, ...]:
    """The counters of `names` (taxonomy, products, labels, models ...), in that order."""
    with runtime.sessions.read() as session:
        return get_revisions(session, *names)
