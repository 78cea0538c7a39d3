"""Flags of categories from the terminal."""

import json

import pytest
from typer.testing import CliRunner

from cli import app
from core.catalogue.taxonomy import ensure_categories, get_category
from core.runtime import Runtime
from core.types import utc_now


def test_flags_and_catch_alls(sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    with sqlite_runtime.sessions.write() as session:
        ids = ensure_categories(session, [("신발", "기타"), ("신발", "구두")], utc_now())
    monkeypatch.setenv("SHELFWRIGHT_DATA_DIR", str(sqlite_runtime.data_dir))
    monkeypatch.setenv("SHELFWRIGHT_PERSON", "tester")

    def run(*words: str) -> str:
        result = CliRunner().invoke(app, list(words))
        assert result.exit_code == 0, result.output
        return result.stdout

    assert "1 found; --mark marks them." in run("find-catch-alls")
    facts = json.loads(run("find-catch-alls", "--mark", "--json"))
    assert (facts["n_marked"], facts["categories"][0]["path"]) == (1, "신발 > 기타")
    assert get_category(sqlite_runtime, ids["신발", "기타"]).is_catch_all
    assert "2 categories changed." in run("category-flags", *map(str, ids.values()), "--not-recommended")
    assert not get_category(sqlite_runtime, ids["신발", "구두"]).is_recommended
