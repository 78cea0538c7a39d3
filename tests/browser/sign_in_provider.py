"""A real OpenID Connect provider in a process of its own, and the app in team mode beside it."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from commands.launcher import team_options
from core.settings import Settings
from tests.browser.server import READY_SECONDS, AppServer
from tests.postgres import free_port

PEOPLE: tuple[dict[str, Any], ...] = (
    {"sub": "u-boss", "name": "Boss", "email": "boss@shop.example", "email_verified": True},
    {"sub": "u-mina", "name": "김미나", "email": "Mina@shop.example", "email_verified": True},
    {"sub": "u-rev", "name": "Rae", "email": "rae@shop.example", "email_verified": True, "groups": ["x", "reviewers"]},
    {"sub": "u-liar", "name": "Liar", "email": "mina@shop.example", "email_verified": False},
    {"sub": "u-nobody", "name": "<b>Nobody</b>", "email": "nobody@else.example", "email_verified": True},
)


class Provider:
    """`oidc-provider-mock` with the people above. Use it in a `with`."""

    def __init__(self, folder: Path) -> None:
        self.port, self.log = free_port(), folder / "provider.log"
        self.url = f"http://127.0.0.1:{self.port}"
        self.metadata_url = f"{self.url}/.well-known/openid-configuration"

    def __enter__(self) -> "Provider":
        command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(self.port), "--require-nonce"]
        for person in PEOPLE:
            command += ["--user-claims", json.dumps(person)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the provider did not start:\n{self.log.read_text('utf-8')[-3000:]}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.metadata_url, timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False


class TeamServer(AppServer):
    """The app in team mode, told what the launcher tells it."""

    def __init__(self, data_dir: Path, provider: Provider) -> None:
        super().__init__(data_dir)
        values = {
            "sign_in": "oidc",
            "public_url": self.url,
            "oidc_metadata_url": provider.metadata_url,
            "oidc_client_id": "shelfwright",
            "oidc_client_secret": "not a secret",
            "oidc_role_claim": "groups",
            "oidc_roles": "reviewers=reviewer, labelers=annotator",
            "first_admin": "boss@shop.example",
        }
        self.settings = Settings(data_dir=data_dir, person="tester", **values)  # type: ignore[arg-type]
        self.environment |= {f"SHELFWRIGHT_{name.upper()}": value for name, value in values.items()}
        self.options = team_options(self.settings)
