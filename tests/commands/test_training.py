"""train, score, versions, compare, promote, rollback from a terminal: one JSON object last, sentences otherwise."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import app
from core.errors import AppError
from core.people import sign_in_local
from core.runtime import open_runtime
from core.settings import Settings
from tests.core.training.shelf import fill_shelf


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELFWRIGHT_DATA_DIR", str(tmp_path))
    runtime = open_runtime(Settings(data_dir=tmp_path))
    sign_in_local(runtime, "tester")
    fill_shelf(runtime)
    runtime.close()


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception:
        raise result.exception
    return result.stdout


def facts(*arguments: str) -> dict[str, Any]:
    return json.loads(run(*arguments, "--json").splitlines()[-1])


def test_from_training_to_rolling_back(shelf: None) -> None:
    trained = facts("train", "--epochs", "1")
    assert {"version", "p_at_1", "p_at_2", "p_at_4", "macro_f1", "ece", "n_test", "seconds", "rows_train"} <= set(
        trained
    )
    assert (trained["version"], trained["rows_scored"], trained["promoted"]) == ("v1", 180, True)
    second = run("train", "--epochs", "2", "--no-score")
    assert second.startswith("v2: P@1 ")
    assert "cli.py promote v2" in second
    scored = facts("score", "--version", "v2")
    assert (scored["version"], scored["rows_scored"]) == ("v2", 180)
    assert scored["titles_per_second"] > 0
    assert "0 products scored with v1" in run("score", "--only-missing")
    listed = facts("versions")["versions"]
    assert [(one["version"], one["is_promoted"]) for one in listed] == [("v2", False), ("v1", True)]
    assert "v2" in run("versions")
    compared = facts("compare", "v1", "v2")
    assert compared["n_test"] == trained["n_test"]
    assert (compared["a"]["version"], compared["b"]["version"]) == ("v1", "v2")
    assert "products have another answer" in run("compare", "1", "2")
    assert run("promote", "v2", "--reason", "learned longer", "--override") == "v2 is in use.\n"
    assert run("rollback", "--reason", "a test") == "v1 is in use again.\n"
    with pytest.raises(AppError, match="There is no model version v9"):
        run("promote", "v9", "--reason", "x")


def test_scoring_without_a_model_says_what_to_do(shelf: None) -> None:
    with pytest.raises(AppError, match="Train one on the Training page"):
        run("score")


@pytest.mark.parametrize("command", ["train", "score", "versions", "compare", "promote", "rollback"])
def test_help_has_an_example(command: str) -> None:
    assert f"cli.py {command}" in " ".join(run(command, "--help").split())
