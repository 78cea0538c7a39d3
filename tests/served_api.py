"""`cli.py api` as a child process, as a person starts it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.settings import ROOT
from tests.launched import read_until
from tests.postgres import free_port


@dataclass(frozen=True)
class ServedApi:
    """Where it answers, and its process."""

    url: str
    process: subprocess.Popen[str]


@contextmanager
def served_api(data_dir: Path, *words: str) -> Iterator[ServedApi]:
    """Ready when given; stopped as by Ctrl-C at the end."""
    port = free_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SHELFWRIGHT_")}
    environment = {**clean, "SHELFWRIGHT_DATA_DIR": str(data_dir), "SHELFWRIGHT_PERSON": "tester"}
    command = [sys.executable, "cli.py", "api", "--port", str(port), *words]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout
    try:
        read_until(process, "The API is ready at")
        yield ServedApi(f"http://127.0.0.1:{port}", process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
        process.stdout.close()
