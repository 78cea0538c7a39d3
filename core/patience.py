"""Waiting for a database that another process holds."""

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

LOCK_TRIES = 12  # times the database's own patience of ten seconds
T = TypeVar("T")


def patiently(step: Callable[[], T]) -> T:
    """What `step` gives; tried again while another process holds SQLite's lock. `step` must be safe to repeat.

    Raises what the database raised when the lock is never given up, and any other error at once.
    """
    for _ in range(LOCK_TRIES - 1):
        try:
            return step()
        except sa.exc.OperationalError as error:
            if "locked" not in str(error.orig):
                raise
    return step()
