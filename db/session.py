"""Engines and transactions, alike on SQLite and PostgreSQL."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import sqlalchemy as sa
from sqlalchemy.orm import Session

BUSY_TIMEOUT_MS = 10_000
_NOT_WAITING = sa.text("SET LOCAL synchronous_commit TO OFF")


def make_engine(url: str) -> sa.Engine:
    """An engine for `url`; nothing connects yet.

    SQLite runs in WAL mode with full syncs: what was committed survives a power cut. Transactions
    are begun by us, so that a writer takes its lock at once (a read that turns into a write would
    lose updates or fail half-way).
    """
    if sa.make_url(url).get_backend_name() != "sqlite":
        return sa.create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=10)
    engine = sa.create_engine(url, pool_size=10, max_overflow=10)
    sa.event.listen(engine, "connect", _configure_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection, record) -> None:  # type: ignore[no-untyped-def]
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "cache_size = -65536",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    options = connection.get_execution_options()
    sync = options.get("sqlite_synchronous", "FULL")
    if connection.info.get("synchronous", "FULL") != sync:
        connection.exec_driver_sql(f"PRAGMA synchronous = {sync}")
        connection.info["synchronous"] = sync
    connection.exec_driver_sql(f"BEGIN {options.get('sqlite_begin', 'DEFERRED')}")


class Turns:
    """A lock that is handed on in the order of asking.

    SQLite lets its writers poll, for up to a tenth of a second between two tries, and the luckiest wins;
    with eight annotators in one process that is the tail of every wait. Threads of one process wait here instead.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    @contextmanager
    def turn(self, timeout: float) -> Iterator[None]:
        """Wait for one's turn, at most `timeout` seconds: after that SQLite's own lock decides."""
        is_mine = self._enter(timeout)
        try:
            yield
        finally:
            if is_mine:
                self._leave()

    def _enter(self, timeout: float) -> bool:
        with self._guard:
            if not self._taken:
                self._taken = True
                return True
            ticket = threading.Lock()
            ticket.acquire()
            self._waiting.append(ticket)
        if ticket.acquire(timeout=timeout):
            return True
        with self._guard:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
                return False
        return True  # it was handed over at the last moment

    def _leave(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False


def _write_options(durable: bool) -> dict[str, str]:
    return {"sqlite_begin": "IMMEDIATE", "sqlite_synchronous": "FULL" if durable else "NORMAL"}


class Sessions:
    """Gives transactions: `read()` sees one moment and changes nothing, `write()` commits at its end."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._writing = {durable: engine.execution_options(**_write_options(durable)) for durable in (True, False)}
        is_sqlite_engine = engine.dialect.name == "sqlite"  # there a reader sees one moment anyway
        self._reading = engine if is_sqlite_engine else engine.execution_options(isolation_level="REPEATABLE READ")
        self._turns = Turns() if is_sqlite_engine else None

    @contextmanager
    def read(self) -> Iterator[Session]:
        with Session(self._reading, autoflush=False) as session:
            yield session

    @contextmanager
    def write(self, durable: bool = True, connection: sa.Connection | None = None) -> Iterator[Session]:
        """Committed at the end, and then on the disk.

        With `durable` off the commit is as whole but does not wait for the disk: a power cut may take it back
        (the next durable one brings it along). For leases and drafts: a task whose claim was lost is free again.
        `connection`, if given, outlives the transaction, and so do its temporary tables.
        """
        options = _write_options(durable)
        bind = self._writing[durable] if connection is None else connection.execution_options(**options)
        with self._turn(), Session(bind, expire_on_commit=False) as session, session.begin():
            if self._turns is None and not durable:
                session.execute(_NOT_WAITING)
            yield session

    def _turn(self) -> AbstractContextManager[None]:
        return self._turns.turn(BUSY_TIMEOUT_MS / 1000) if self._turns else nullcontext()

    @contextmanager
    def scratch(self, connection: sa.Connection) -> Iterator[Session]:
        """For long reads into temporary tables of `connection`: commits, but holds up no writer."""
        with Session(connection.execution_options(sqlite_begin="DEFERRED")) as session, session.begin():
            yield session


def is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"
