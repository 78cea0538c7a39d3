"""label-issues from a terminal: counts, a list, a campaign."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import app
from core.errors import InvalidInput
from core.people import sign_in_local
from core.runtime import open_runtime
from core.settings import Settings
from core.training.registry import list_versions
from tests.core.curation.suspects import add_suspects
from tests.core.training.shelf import fill_shelf
from tests.roles import ADMIN


@pytest.fixture
def suspects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    monkeypatch.setenv("SHELFWRIGHT_DATA_DIR", str(tmp_path))
    runtime = open_runtime(Settings(data_dir=tmp_path))
    sign_in_local(runtime, "tester")
    ids = add_suspects(runtime, [0.3, 0.1])
    assert list_versions(runtime, ADMIN) == []  # a search needs no model
    runtime.close()
    return ids


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["label-issues", *arguments])
    if result.exception:
        raise result.exception
    return result.stdout


def facts(*arguments: str) -> dict[str, Any]:
    return json.loads(run(*arguments, "--json").splitlines()[-1])  # type: ignore[no-any-return]


def test_they_are_listed_by_page_and_asked_about(suspects: list[int]) -> None:
    first = facts("--list", "--limit", "1")
    assert [issue["product_id"] for issue in first["issues"]] == [suspects[1]]
    second = facts("--list", "--limit", "1", "--cursor", first["next_cursor"])
    assert [issue["product_id"] for issue in second["issues"]] == [suspects[0]]
    assert (first["n_open"], first["confirmed"]["n"], second["next_cursor"]) == (2, 0, None)
    assert "상품 > 바지 -> 상품 > 신발" in run("--list")
    assert "waits with 2 tasks" in run("--campaign", "Suspicious")


def test_a_search_is_run_and_counted(suspects: list[int], tmp_path: Path) -> None:
    runtime = open_runtime(Settings(data_dir=tmp_path))
    fill_shelf(runtime, 30)
    runtime.close()
    found = facts("--run", "--folds", "2")
    assert found["found_at"]
    assert found["n_open"] == found["n_by_verdict"].get("issue", 0)


def test_what_is_not_known_is_said(suspects: list[int]) -> None:
    assert run("--method", "selfie").startswith("Nobody has looked")
    with pytest.raises(InvalidInput):
        run("--method", "guessing")
