"""People, tokens and the audit trail from the terminal, end to end in one database."""

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import app
from core.api_tokens import Scope, authenticate
from core.errors import AppError, Conflict, Forbidden, InvalidInput, NotFound, NotSignedIn
from core.runtime import open_runtime
from core.settings import Settings
from db.enums import Role


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELFWRIGHT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SHELFWRIGHT_PERSON", "boss")


def run(*words: str) -> str:
    done = CliRunner().invoke(app, list(words))
    if done.exception and isinstance(done.exception, AppError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def facts(*words: str) -> dict:
    found: dict = json.loads(run(*words, "--json").splitlines()[-1])
    return found


def test_a_member_from_invitation_to_leaving(monkeypatch: pytest.MonkeyPatch) -> None:
    assert facts("people", "invite", "mina@shop.example", "--role", "reviewer", "--name", "미나")["role"] == "reviewer"
    assert "annotator now" in run("people", "role", "미나", "annotator", "--reason", "asked for it")
    assert facts("people", "email", "미나", "m@shop.example")["email"] == "m@shop.example"
    with pytest.raises(InvalidInput):
        run("people", "deactivate", "미나", "--reason", " ")
    assert facts("people", "deactivate", "미나", "--reason", "left")["is_active"] is False
    assert "active again" in run("people", "activate", "미나")
    people = {one["name"]: one for one in facts("people", "list")["people"]}
    assert people["미나"]["email"] == "m@shop.example"
    assert people["boss"]["scores"] == {"n_total": 0, "n_today": 0, "per_hour": None}
    assert "미나" in run("people", "list", "--words", "미")
    with pytest.raises(NotFound, match="Nobody is called"):
        run("people", "role", "who", "admin")
    with pytest.raises(Conflict, match="last admin"):
        run("people", "role", "boss", "annotator")
    monkeypatch.setenv("SHELFWRIGHT_PERSON", "미나")
    with pytest.raises(Forbidden):
        run("people", "role", "미나", "admin")
    with pytest.raises(Forbidden):
        run("audit")


def test_a_token_from_making_to_revoking(tmp_path: Path) -> None:
    made = facts("token", "create", "nightly", "--scope", "read", "--scope", "export", "--days", "0")
    assert made["expires_at"] is None
    runtime = open_runtime(Settings(data_dir=tmp_path))
    actor, scopes = authenticate(runtime, made["token"])
    assert (actor.name, actor.role, scopes) == ("boss", Role.ADMIN, {Scope.READ, Scope.EXPORT})
    assert made["token"] not in run("token", "list", "--all")
    run("token", "revoke", str(made["id"]))
    with pytest.raises(NotSignedIn):
        authenticate(runtime, made["token"])
    assert [one["is_usable"] for one in facts("token", "list")["tokens"]] == [False]
    runtime.close()


def test_the_trail_as_a_file(tmp_path: Path) -> None:
    run("people", "invite", "mina@shop.example", "--name", "=미나()")
    rows = list(csv.DictReader(io.StringIO(run("audit", "--entity", "person", "--action", "invite", "--days", "1"))))
    assert [(row["person"], row["subject"]) for row in rows] == [("boss", "'=미나()")]
    file = tmp_path / "trail.jsonl"
    assert facts("audit", "--format", "jsonl", "--words", "미나", "--output", str(file))["acts"] == 1
    assert json.loads(file.read_text("utf-8"))["after"]["email"] == "mina@shop.example"
    with pytest.raises(InvalidInput, match="--output"):
        run("audit", "--json")
