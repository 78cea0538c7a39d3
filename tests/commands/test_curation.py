"""exclude and also-fits from a terminal; the settings of train reach the job or are refused before it."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import app
from core.errors import AppError, InvalidInput
from core.labeling.alternatives import list_alternatives
from core.runtime import Runtime
from core.training.registry import list_versions
from core.types import Actor
from tests.core.training.shelf import fill_shelf
from tests.roles import ADMIN


@pytest.fixture
def shelf(sqlite_runtime: Runtime, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[int]]:
    monkeypatch.setenv("SHELFWRIGHT_DATA_DIR", str(sqlite_runtime.data_dir))
    monkeypatch.setenv("SHELFWRIGHT_PERSON", "tester")
    return fill_shelf(sqlite_runtime)


def run(*words: object) -> str:
    done = CliRunner().invoke(app, [*map(str, words)])
    if isinstance(done.exception, AppError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def facts(*words: object) -> dict[str, Any]:
    return json.loads(run(*words, "--json").splitlines()[-1])


def test_rules_from_a_terminal(shelf: dict[str, list[int]], tmp_path: Path) -> None:
    found = facts("exclude", "preview", "상품", "청바지", "--action", "drop-row")
    assert found["n_rows"] == 180
    assert 0 < found["n_touched"] < 60
    added = facts("exclude", "add", "상품 > 바지", "청바지")
    assert (added["keyword"], added["action"], added["match"]) == ("청바지", "drop_word", "whole_word")
    file = tmp_path / "rules.csv"
    file.write_text(run("exclude", "list", "--csv") + "상품 > 신발,구두,drop_row,substring\n바다,x,,\n", "utf-8")
    done = facts("exclude", "import", file)
    assert (done["added"], done["known"], [one["line"] for one in done["problems"]]) == (1, 1, [4])
    assert "has ended" in run("exclude", "end", added["id"])
    assert [one["keyword"] for one in facts("exclude", "list")["rules"]] == ["구두"]
    assert len(facts("exclude", "list", "--all")["rules"]) == 2
    with pytest.raises(InvalidInput, match="drop-word, drop-row"):
        run("exclude", "add", "상품", "x", "--action", "burn")


def test_what_a_product_also_fits(shelf: dict[str, list[int]], sqlite_runtime: Runtime) -> None:
    product = shelf["바지"][0]
    found = facts("also-fits", product, "신발")
    assert [one["category"] for one in found["alternatives"]] == ["상품 > 신발"]
    assert "also fits: 상품 > 신발" in run("also-fits", product)
    assert "nothing else" in run("also-fits", product, "신발", "--remove")
    assert list_alternatives(sqlite_runtime, ADMIN, product) == []


def test_every_choice_of_a_training_is_an_option(shelf: dict[str, list[int]], sqlite_runtime: Runtime) -> None:
    run("exclude", "add", "상품 > 바지", "청바지")
    options = "--cap uniform --cap-constant 20 --even-months --epochs 1 --no-score --model dropout=0.1 --no-catch-alls"
    trained = facts("train", *options.split())
    assert trained["rows_train"] == 60
    (version,) = list_versions(sqlite_runtime, ADMIN)
    asked = version.config["training"]
    assert (asked["cap"], asked["even_months"], asked["model"]) == ("uniform", True, {"dropout": 0.1})
    assert set(version.config["prepared"]) == {"exclusions", "cap", "months"}
    assert "cap uniform" in run("versions")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("--encoder wheel", "The setting 'encoder' must be joint"),
        ("--cap some", "The setting 'cap' must be none, log, uniform"),
        ("--cap-constant 0", "cap_constant"),
        ("--target-precision 1", "target_precision"),
        ("--model wings=2", "has no setting 'wings'"),
        ("--model dropout", "not of the form name=value"),
        ("--model epochs_=x --encoder gru", "has no setting 'epochs_'"),
        ("--model dropout=much", "'much' is no value for 'dropout'"),
        ("--model dropout=1.5", "dropout must be from 0 to below 1"),
    ],
)
def test_what_cannot_be_is_refused_before_the_job(shelf: dict[str, list[int]], options: str, reason: str) -> None:
    with pytest.raises(AppError, match=reason):
        run("train", *options.split())


@pytest.mark.parametrize("command", ["exclude add", "exclude list", "exclude preview", "exclude import", "also-fits"])
def test_help_has_an_example(command: str) -> None:
    assert f"cli.py {command}" in " ".join(run(*command.split(), "--help").split())
