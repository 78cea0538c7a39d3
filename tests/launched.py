"""`cli.py run` as a child process: app and worker together, as a person starts them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.settings import ROOT


@contextmanager
def launched(data_dir: Path, port: int, n_products: int = 600) -> Iterator[subprocess.Popen[str]]:
    """Started over `data_dir`; stopped as by Ctrl-C at the end, unless it ended before."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SHELFWRIGHT_")}
    environment = {**clean, "SHELFWRIGHT_DATA_DIR": str(data_dir), "PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "cli.py", "run", "--products", str(n_products)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
        process.stdout.close()


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """The line that holds `words`; the test's time limit ends a wait that is in vain."""
    seen = []
    assert process.stdout
    for line in process.stdout:
        seen.append(line)
        if words in line:
            return line
    raise AssertionError(f"ended without {words!r}:\n{''.join(seen)}")
