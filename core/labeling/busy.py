"""What an annotator hears when the database is locked, full or away: a sentence, and that pressing again is safe."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from core.errors import N_, NotReady


@contextmanager
def database_in_words() -> Iterator[None]:
    """Raise NotReady for a database that could not be written in time."""
    try:
        yield
    except sa.exc.OperationalError as error:
        if not isinstance(error.orig, sqlite3.Error):  # its words name the server, which is nobody's business
            raise NotReady(
                N_("The database cannot be reached now. Press again in a moment: nothing is saved twice.")
            ) from error
        raise NotReady(
            N_("The database cannot be written now ({reason}). Press again in a moment: nothing is saved twice."),
            reason=str(error.orig).strip(),
        ) from error
