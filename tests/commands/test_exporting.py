"""cli.py export, exports, webhook, and Label Studio's JSON from the command line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import app
from core.runtime import Runtime


@pytest.fixture
def house(sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    monkeypatch.setenv("SHELFWRIGHT_DATA_DIR", str(sqlite_runtime.data_dir))
    monkeypatch.setenv("SHELFWRIGHT_PERSON", "tester")
    return sqlite_runtime


def run(*words: str) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def told(*words: str) -> dict[str, object]:
    facts: dict[str, object] = json.loads(run(*words, "--json").splitlines()[-1])
    return facts


def test_out_and_in_again(house: Runtime, tmp_path: Path) -> None:
    tasks = tmp_path / "tasks.json"
    result = [{"from_name": "c", "type": "choices", "value": {"choices": ["A > B"]}}]
    one = {"id": 1, "data": {"title": "=모자", "category": "A > B"}}
    tasks.write_text(json.dumps([one | {"annotations": [{"completed_by": 7, "result": result}]}]), "utf-8")
    facts = told("import", str(tasks), "--source", "ls", "--people", "7=Mina")
    assert (facts["rows_imported"], facts["rows_rejected"]) == (1, 1)  # the tree grows with the products
    facts = told("import", str(tasks), "--source", "ls", "--people", "7=Mina")
    assert (facts["rows_unchanged"], facts["rows_rejected"]) == (1, 0)
    out = tmp_path / "products.csv"
    facts = told("export", "products", "--filter", "label_source=human", "--out", str(out))
    assert (facts["rows"], facts["path"]) == (1, str(out))
    assert "'=모자" in out.read_text("utf-8")
    assert told("import", str(out))["rows_read"] == 1
    facts = told("export", "decisions", "--person", "Mina", "--format", "jsonl")
    assert facts["rows"] == 1
    run("exports", "--get", str(facts["id"]), "--out", str(tmp_path / "copy"))
    run("exports", "--delete", str(facts["id"]))
    assert "decisions" in run("exports")
    assert "<Taxonomy" in run("label-studio-config")


def test_webhooks(house: Runtime) -> None:
    facts = told("webhook", "add", "https://1.1.1.1/hear", "--events", "job,promotion")
    assert str(facts["secret"]).startswith("whsec_")
    assert "job, promotion" in run("webhook", "list")
    assert told("webhook", "deliveries")["deliveries"] == []
    run("webhook", "remove", str(facts["id"]))
    assert run("webhook", "list") == "0 webhooks\n"
