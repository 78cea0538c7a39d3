"""Waiting for a locked database, and knowing a full disk when a library says it in words."""

import errno
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.disk import DiskFull, room_on_disk
from core.patience import LOCK_TRIES, patiently


class Step:
    """Fails as the database would, so many times, then is done."""

    def __init__(self, *messages: str) -> None:
        self.messages = list(messages)

    def __call__(self) -> str:
        if self.messages:
            raise sa.exc.OperationalError("INSERT", {}, sqlite3.OperationalError(self.messages.pop(0)))
        return "done"


def test_a_locked_database_is_waited_for() -> None:
    assert patiently(Step("database is locked", "database table is locked")) == "done"


def test_a_lock_that_is_never_given_up_is_an_error() -> None:
    with pytest.raises(sa.exc.OperationalError, match="locked"):
        patiently(Step(*["database is locked"] * LOCK_TRIES))


def test_another_error_is_not_tried_again() -> None:
    step = Step("no such table: x", "database is locked")
    with pytest.raises(sa.exc.OperationalError, match="no such table"):
        patiently(step)
    assert len(step.messages) == 1


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        sqlite3.OperationalError("database or disk is full"),
        RuntimeError("SafetensorError: I/O error: File too large (os error 27)"),
    ],
)
def test_a_full_disk_is_one_sentence(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match="no room left"), room_on_disk(tmp_path):
        raise error


def test_other_errors_pass(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), room_on_disk(tmp_path):
        raise ZeroDivisionError
