"""A new version of the tree from the terminal."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import app
from core.catalogue.taxonomy import load_taxonomy
from core.runtime import Runtime
from tests.core.catalogue.taxonomy_versions.trees import add_labeled, grow, write_mapping, write_tree


def test_it_is_compared_then_taken_over(
    sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ids = grow(sqlite_runtime, "a > b", "c")
    add_labeled(sqlite_runtime, ids["a > b"], 2)
    monkeypatch.setenv("SHELFWRIGHT_DATA_DIR", str(sqlite_runtime.data_dir))
    monkeypatch.setenv("SHELFWRIGHT_PERSON", "tester")
    tree, mapping = write_tree(tmp_path, "d > e", "f"), write_mapping(tmp_path, ("a > b", "d > e"), ("x", "y"))

    def run(*words: str) -> str:
        result = CliRunner().invoke(app, ["taxonomy-version", str(tree), "--mapping", str(mapping), *words])
        assert result.exit_code == 0, result.output
        return result.stdout

    told = run()
    assert "a > b" in told
    assert "1 moved, 0 merged" in told
    assert "The tree has no category 'x'." in told
    assert "a > b" in {node.path for node in load_taxonomy(sqlite_runtime).categories.values()}
    facts = json.loads(run("--apply", "--reason", "tree of 2027", "--json"))
    assert facts["counts"]["dropped"] == 2
    assert facts["products_relabeled"] == 0  # the category kept its id
    assert load_taxonomy(sqlite_runtime).categories[ids["a > b"]].path == "d > e"
