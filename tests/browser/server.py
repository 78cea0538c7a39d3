"""The real app in a process of its own: started, found healthy, killed, started again."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from core.settings import ROOT

READY_SECONDS = 60


class AppServer:
    """`streamlit run app.py` on a free port over `data_dir`, as `make run` starts it. Use it in a `with`."""

    script = "app.py"

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.data_dir, self.port = data_dir, _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data_dir / "logs" / "app.log"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SHELFWRIGHT_")}
        own = {"SHELFWRIGHT_DATA_DIR": str(data_dir)} | {f"SHELFWRIGHT_{k.upper()}": v for k, v in settings.items()}
        self.environment = clean | own
        self.process: subprocess.Popen[bytes] | None = None
        self.options: list[str] = []  # more words for Streamlit's command line

    def __enter__(self) -> "AppServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start and wait until it answers."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pages.components.server", "run", self.script, f"--server.port={self.port}"]
        command += self.options
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the app did not start:\n{self.log.read_text('utf-8', errors='replace')[-3000:]}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def kill(self) -> None:
        """kill -9, as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
