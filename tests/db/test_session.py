"""Transactions: writers never lose each other's updates, readers never wait."""

import threading
from pathlib import Path

import sqlalchemy as sa

from core.runtime import Runtime
from db.people import get_revisions, raise_revision
from db.tables import RevisionRow


def test_two_writers_that_read_first_lose_nothing(runtime: Runtime) -> None:
    with runtime.sessions.write() as session:
        session.add(RevisionRow(name="counter", number=0))

    def add(times: int) -> None:
        for _ in range(times):
            with runtime.sessions.write() as session:
                row = session.get_one(RevisionRow, "counter", with_for_update=True)
                row.number += 1

    threads = [threading.Thread(target=add, args=(50,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with runtime.sessions.read() as session:
        assert get_revisions(session, "counter") == (200,)


def test_a_reader_sees_one_moment_and_does_not_wait_for_a_writer(runtime: Runtime) -> None:
    with runtime.sessions.write() as writer:
        raise_revision(writer, "taxonomy")
        with runtime.sessions.read() as reader:
            assert get_revisions(reader, "taxonomy", "unknown") == (0, 0)
    with runtime.sessions.read() as reader:
        assert get_revisions(reader, "taxonomy") == (1,)


def test_a_reader_sees_the_same_moment_to_its_end(runtime: Runtime) -> None:
    with runtime.sessions.read() as reader:
        before = get_revisions(reader, "taxonomy", "products")
        with runtime.sessions.write() as writer:
            raise_revision(writer, "taxonomy", "products")
        assert get_revisions(reader, "taxonomy", "products") == before
    with runtime.sessions.read() as reader:
        assert get_revisions(reader, "taxonomy", "products") == (1, 1)


def test_a_failed_write_leaves_nothing(runtime: Runtime) -> None:
    try:
        with runtime.sessions.write() as session:
            raise_revision(session, "products")
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    with runtime.sessions.read() as session:
        assert get_revisions(session, "products") == (0,)


def test_sqlite_keeps_what_was_committed_through_a_power_cut(sqlite_runtime: Runtime, tmp_path: Path) -> None:
    with sqlite_runtime.sessions.read() as session:
        values = [session.scalar(sa.text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")]
    assert values == ["wal", 2, 1]
