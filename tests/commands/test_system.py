"""The command line as a newcomer meets it: help with examples, JSON, clear sentences."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from cli import app
from commands.launcher import Launcher
from core.settings import ROOT, Settings


def run(data_dir: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SHELFWRIGHT_DATA_DIR": str(data_dir), **variables}
    command = [sys.executable, "cli.py", *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def leaf_commands() -> list[tuple[str, str]]:
    """Every command with its help text, groups walked."""
    found = []

    def walk(command: typer.core.TyperCommand | typer.core.TyperGroup, path: str) -> None:
        if isinstance(command, typer.core.TyperGroup):
            for name, child in command.commands.items():
                walk(child, f"{path} {name}".strip())
        else:
            found.append((path, command.help or ""))

    walk(typer.main.get_command(app), "")
    return found


@pytest.mark.parametrize(("name", "text"), leaf_commands(), ids=lambda value: value if len(value) < 30 else "")
def test_every_command_explains_itself_with_an_example(name: str, text: str) -> None:
    assert "Example" in text, name
    assert f"cli.py {name}" in text, name


def test_doctor_prints_one_json_object_last(tmp_path: Path) -> None:
    done = run(tmp_path, "doctor", "--json")
    facts = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0
    assert facts["healthy"] is True
    assert facts["seconds"] > 0
    assert {finding["name"] for finding in facts["findings"]} >= {"python", "disk", "database", "device"}


def test_a_wrong_setting_is_one_sentence(tmp_path: Path) -> None:
    done = run(tmp_path, "doctor", SHELFWRIGHT_PORT="many")
    assert done.returncode == 1
    assert done.stderr == "Error: SHELFWRIGHT_PORT must be a number, not 'many'.\n"


def test_with_json_an_error_is_an_object_too(tmp_path: Path) -> None:
    done = run(tmp_path, "rejects", "7", "--json")
    assert (done.returncode, done.stderr) == (1, "Error: There is no import 7.\n")
    assert json.loads(done.stdout) == {"error": "There is no import 7."}
    misused = run(tmp_path, "rejects", "seven", "--json")
    assert misused.returncode == 2
    assert "error" in json.loads(misused.stdout)


def test_an_unreachable_database_is_one_sentence(tmp_path: Path) -> None:
    url = "postgresql+psycopg://nobody:secret@127.0.0.1:1/none"
    done = run(tmp_path, "doctor", SHELFWRIGHT_DATABASE_URL=url)
    assert done.returncode == 1
    assert "cannot be opened" in done.stderr
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_busy_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run(tmp_path, "run", "--no-demo", PORT=str(port))
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: Port {port} is in use")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("port", ["99999", "0"])
def test_a_port_that_is_none_is_one_sentence(tmp_path: Path, port: str) -> None:
    done = run(tmp_path, "run", "--no-demo", "--port", port)
    assert (done.returncode, done.stderr) == (1, f"Error: --port must be between 1 and 65535, not {port}.\n")


def test_only_this_machine_may_listen(tmp_path: Path) -> None:
    done = run(tmp_path, "run", "--no-demo", SHELFWRIGHT_HOST="0.0.0.0")
    assert done.returncode == 1
    assert "this machine only" in done.stderr


def test_a_team_needs_its_provider(tmp_path: Path) -> None:
    done = run(tmp_path, "run", "--no-demo", SHELFWRIGHT_HOST="0.0.0.0", SHELFWRIGHT_SIGN_IN="oidc")
    assert done.returncode == 1
    assert "SHELFWRIGHT_OIDC_CLIENT_ID" in done.stderr
    assert "docs/team.md" in done.stderr


def test_an_address_of_another_machine_is_one_sentence(tmp_path: Path) -> None:
    team = {"HOST": "192.0.2.1", "SIGN_IN": "oidc", "PUBLIC_URL": "https://shelf.example.com"}
    team |= {f"OIDC_{name}": "https://id.example.com" for name in ("METADATA_URL", "CLIENT_ID", "CLIENT_SECRET")}
    done = run(tmp_path, "run", "--no-demo", **{f"SHELFWRIGHT_{name}": value for name, value in team.items()})
    assert (done.returncode, "cannot listen on 192.0.2.1" in done.stderr) == (1, True)


def test_streamlit_is_told_what_a_team_needs(tmp_path: Path) -> None:
    team = Settings(
        data_dir=tmp_path, host="0.0.0.0", sign_in="oidc", public_url="https://shelf.example.com", oidc_client_id="x"
    )
    launcher = Launcher(team, 8600)
    assert (launcher.url, launcher.public_url) == ("http://127.0.0.1:8600", "https://shelf.example.com")
    words = launcher.commands["app"]
    assert f"--secrets.files={tmp_path / 'sign_in' / 'secrets.toml'}" in words
    assert "--browser.serverAddress=shelf.example.com" in words
    assert "--browser.serverPort=443" in words
    assert not [word for word in Launcher(Settings(data_dir=tmp_path), 8600).commands["app"] if "secrets" in word]
