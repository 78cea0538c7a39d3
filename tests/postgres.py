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


@contextmanager
def postgres_server(durable: bool = False) -> Iterator[str]:
    """The URL of an empty server. It refuses to run as root, so root lends it `nobody`.

    Tests can do without durability; a bench that times commits cannot.
    """
    bin_folder = find_postgres()
    assert bin_folder, "no PostgreSQL server here: python -m tests.machine says what to install"
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="shelfwright-postgres-"))
    if user:
        os.chown(folder, user.pw_uid, user.pw_gid)

    def run(*command: str) -> None:
        done = subprocess.run(
            command, user=user.pw_uid if user else None, cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command[0]} failed:\n{done.stdout}{done.stderr}"

    data, port = str(folder / "data"), free_port()
    initdb = [str(bin_folder / "initdb"), "-D", data, "-E", "UTF8", "--locale=C.UTF-8", "-U", "tester", "-A", "trust"]
    run(*initdb)
    options = (
        f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync={'on' if durable else 'off'}"
    )
    pg_ctl = str(bin_folder / "pg_ctl")
    run(pg_ctl, "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql+psycopg://tester@127.0.0.1:{port}/postgres"
    finally:
        run(pg_ctl, "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
