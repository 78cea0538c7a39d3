"""cli.py category: a preview changes nothing, an edit says how to take it back."""

import json

import pytest
from typer.testing import CliRunner

from cli import app
from core.catalogue.taxonomy import load_categories
from core.runtime import Runtime
from tests.core.catalogue.taxonomy_edits.trees import fill_shop, labels_now


def test_edits_from_the_terminal(sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELFWRIGHT_DATA_DIR", str(sqlite_runtime.data_dir))
    monkeypatch.setenv("SHELFWRIGHT_PERSON", "tester")
    fill_shop(sqlite_runtime)
    before = labels_now(sqlite_runtime)

    def run(*words: str) -> str:
        done = CliRunner().invoke(app, ["category", *words], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    assert "2 products keep" in run("merge", "옷 > 바지", "셔츠", "--preview")
    assert labels_now(sqlite_runtime) == before
    merged = json.loads(run("merge", "옷 > 바지", "셔츠", "-r", "same", "--json").splitlines()[-1])
    assert merged["edit"]["n_products"] == 2
    said = run("split", "셔츠", "--leaf", "청바지|Jeans: jeans", "--leaf", "나머지", "-r", "wide")
    assert "category undo" in said
    assert "want another look: campaign 1 'After edit 2'" in said
    run("add", "속옷", "--below", "옷", "--english", "Underwear")
    run("rename", "속옷", "내의")
    run("move", "내의", "--below", "신발")
    assert "undone" in run("undo", "5")
    run("retire", "내의", "-r", "unused")
    assert "Split: '옷 > 셔츠' becomes 청바지, 나머지" in run("history")
    for edit in (6, 4, 3, 2, 1):
        run("undo", str(edit))
    assert labels_now(sqlite_runtime) == before
    assert len([one for one in load_categories(sqlite_runtime).values() if one.retired_at is None]) == 7
