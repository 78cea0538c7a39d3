"""A private PostgreSQL server for tests: on a free port of 127.0.0.1, gone when the tests end."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.machine import find_postgres


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class PostgresServer:
    """A server of its own. It refuses to run as root, so root lends it `nobody`."""

    def __init__(self, durable: bool) -> None:
        bin_folder = find_postgres()
        assert bin_folder, "no PostgreSQL server here: python -m tests.machine says what to install"
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="shelfwright-postgres-"))
        if self._user:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        self._data, self._port, self._durable = str(self.folder / "data"), free_port(), durable
        self._pg_ctl = str(bin_folder / "pg_ctl")
        self.url = f"postgresql+psycopg://tester@127.0.0.1:{self._port}/postgres"
        initdb = str(bin_folder / "initdb")
        self._run(initdb, "-D", self._data, "-E", "UTF8", "--locale=C.UTF-8", "-U", "tester", "-A", "trust")

    def _run(self, *command: str) -> None:
        user = self._user.pw_uid if self._user else None
        done = subprocess.run(command, user=user, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command[0]} failed:\n{done.stdout}{done.stderr}"

    def start(self) -> None:
        options = (
            f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= "
            f"-c fsync={'on' if self._durable else 'off'}"
        )
        self._run(self._pg_ctl, "-D", self._data, "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """At once, as a crash would: what was committed comes back with the next start."""
        self._run(self._pg_ctl, "-D", self._data, "-m", "immediate", "stop")


@contextmanager
def running_postgres(durable: bool = False) -> Iterator[PostgresServer]:
    """An empty server that can be stopped and started again.

    Tests can do without durability; a bench that times commits cannot, nor a test that stops it.
    """
    server = PostgresServer(durable)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)


@contextmanager
def postgres_server(durable: bool = False) -> Iterator[str]:
    """The URL of an empty server."""
    with running_postgres(durable) as server:
        yield server.url
