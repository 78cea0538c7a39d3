"""Starts app and worker, waits until the app answers, keeps both alive, stops both."""

import errno
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from core.errors import NotReady
from core.settings import ROOT, Settings
from core.sign_in_setup import write_streamlit_secrets

READY_SECONDS = 60.0
MAX_RESTARTS = 5  # within RESTART_SECONDS
RESTART_SECONDS = 600.0
LOG_LIMIT = 10_000_000


def check_port(host: str, port: int) -> None:
    """Raise NotReady when the port is taken or the address is none of this machine's."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise NotReady(
                    "Shelfwright cannot listen on {host} (SHELFWRIGHT_HOST), port {port}: {reason}",
                    host=host,
                    port=port,
                    reason=error.strerror or error,
                ) from error
            raise NotReady(
                "Port {port} is in use, perhaps by Shelfwright itself. Choose another: make run PORT={other}",
                port=port,
                other=port + 1,
            ) from None


def _reachable(host: str) -> str:
    """The address at which this machine itself finds what listens on `host`."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not listened on
    return f"[{name}]" if ":" in name else name


def team_options(settings: Settings) -> list[str]:
    """What Streamlit must be told in team mode; the secrets themselves go through a file that only we can read."""
    if settings.sign_in == "local":
        return []
    public = urlsplit(settings.public_url)
    port = public.port or (443 if public.scheme == "https" else 80)
    return [
        f"--secrets.files={write_streamlit_secrets(settings)}",
        f"--browser.serverAddress={public.hostname}",  # whose pages may open a connection
        f"--browser.serverPort={port}",
    ]


class Launcher:
    """Two child processes in process groups of their own, so that Ctrl-C reaches them through us, once."""

    def __init__(self, settings: Settings, port: int) -> None:
        self.settings, self.port = settings, port
        self.url = f"http://{_reachable(settings.host)}:{port}"
        self.public_url = settings.public_url or self.url  # what people open
        streamlit = [sys.executable, "-m", "pages.components.server", "run", "app.py"]
        address = [f"--server.port={port}", f"--server.address={settings.host}"]
        self.commands = {
            "app": streamlit + address + team_options(settings),
            "worker": [sys.executable, "cli.py", "worker"],
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.restarts: list[float] = []

    def start(self) -> None:
        for name in self.commands:
            self._start(name)

    def _start(self, name: str) -> None:
        with self._open_log(name) as log:
            self.processes[name] = subprocess.Popen(  # noqa: S603 - our own programs
                self.commands[name], cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )

    def _open_log(self, name: str) -> IO[bytes]:
        path = self.log_path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        too_long = path.exists() and path.stat().st_size > LOG_LIMIT
        return path.open("wb" if too_long else "ab")

    def log_path(self, name: str) -> Path:
        return self.settings.data_dir / "logs" / f"{name}.log"

    def wait_until_ready(self) -> None:
        """Return when the app answers; NotReady with the end of its log when it does not."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self.processes["app"].poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2):  # noqa: S310 - our own address
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        tail = self.log_path("app").read_text("utf-8", errors="replace")[-2000:]
        raise NotReady("The app did not start. The end of its log:\n{tail}", tail=tail)

    def watch(self) -> None:
        """Until Ctrl-C: start again what died. A worker's job goes on from its checkpoint."""
        while True:
            for name, process in list(self.processes.items()):
                if process.poll() is None:
                    continue
                now = time.monotonic()
                self.restarts = [at for at in self.restarts if now - at < RESTART_SECONDS] + [now]
                if len(self.restarts) > MAX_RESTARTS:
                    raise NotReady("The {name} keeps dying. Its log: {path}", name=name, path=self.log_path(name))
                self._start(name)  # before the line: who reads it may stop us at once
                sys.stderr.write(f"The {name} ended with code {process.returncode}; starting it again.\n")
            time.sleep(0.5)

    def stop(self) -> None:
        """Ask both to end, and make sure they do."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()
