"""`cli.py api`: says when it is ready, says what is wrong, stops when told to."""

import json
import signal
import socket
import urllib.request
from pathlib import Path

import pytest

from core.api_tokens import Scope, create_token
from core.people import sign_in_local
from core.runtime import open_runtime
from core.settings import Settings
from tests.commands.test_system import run
from tests.served_api import served_api


def ask(url: str, token: str) -> dict[str, object]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return dict(json.load(answer))


@pytest.mark.parametrize(("workers", "told"), [(1, signal.SIGTERM), (2, signal.SIGINT)])
def test_it_serves_and_stops(tmp_path: Path, workers: int, told: signal.Signals) -> None:
    runtime = open_runtime(Settings(data_dir=tmp_path))
    token, _ = create_token(runtime, sign_in_local(runtime, "Mina"), "t", [Scope.READ])
    runtime.close()
    with served_api(tmp_path, "--workers", str(workers)) as api:
        for _ in range(4):
            assert ask(f"{api.url}/v1/me", token)["name"] == "Mina"
        api.process.send_signal(told)
        assert api.process.wait(timeout=30) in (0, -told)
        assert api.process.stdout
        assert "Traceback" not in api.process.stdout.read()


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run(tmp_path, "api", "--port", str(port))
    assert done.returncode == 1
    assert done.stderr == f"Error: The API cannot listen on 127.0.0.1, port {port}: Address already in use\n"


def test_a_port_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    done = run(tmp_path, "api", "--port", "70000")
    assert done.stderr == "Error: --port must be between 1 and 65535, not 70000.\n"


def test_beyond_this_machine_it_warns(tmp_path: Path) -> None:
    with served_api(tmp_path, "--host", "0.0.0.0") as api:
        assert api.process.stdout
        assert "TLS" in api.process.stdout.readline()
