"""Campaigns from a terminal: every kind's inputs, filters and settings, and what becomes of a campaign."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import app
from core.errors import Conflict, InvalidInput, NotFound
from core.people import sign_in_local
from core.runtime import Runtime
from db.enums import Role
from tests.commands.test_labeling import run, shelf  # noqa: F401 - a fixture
from tests.core.labeling.shelf import Shelf
from tests.core.labeling.test_campaigns import queue


def create(kind: str, *words: object) -> dict[str, Any]:
    return run("campaign", "create", "--kind", kind, *words)


def test_every_filter_and_setting_is_an_option(shelf: Shelf, sqlite_runtime: Runtime) -> None:  # noqa: F811
    mia = sign_in_local(sqlite_runtime, "Mia", Role.ANNOTATOR)
    made = create(
        "random",
        *("--filter", "label_source=import", "--filter", "any_words=shirt,nothing", "--filter", "margin_above=0.1"),
        *("--order", "expected-gain", "--overlap", 2, "--strata", '[{"share": 0.5, "overlap": 3}]'),
        *("--max-per-category", 4, "--blind", "--gold-rate", 0.1, "--target-decisions", 50, "--target-error", 0.05),
        *("--member", "Mia", "--member", mia.person_id, "--seed", 7),
    )
    assert made["filter"] | {"model_version_id": 0} == {
        "label_source": "import",
        "any_words": ["shirt", "nothing"],
        "margin_above": 0.1,
        "seed": 7,
        "model_version_id": 0,
    }
    assert (made["order"], made["overlap"], made["strata"]) == ("expected_gain", 2, [{"overlap": 3, "share": 0.5}])
    assert (made["is_blind"], made["gold_rate"], made["max_per_category"]) == (True, 0.1, 4)
    assert (made["target_decisions"], made["target_error"], made["members"]) == (50, 0.05, ["Mia"])
    assert 8 <= made["n_tasks"] <= 12
    assert run("campaign", "members", made["campaign_id"])["members"] == []


def test_kinds_are_told_what_they_need(shelf: Shelf) -> None:  # noqa: F811
    pair = create("ambiguous-pair", "--category", shelf.leaves[1], "--category", "여성>바지")
    assert pair["choices"] == [shelf.leaves[1], shelf.leaves[2]]
    assert create("mall-audit", "--mall", "가게")["max_per_category"] == 20
    assert create("new-leaf", "--category", "치마", "--words", "trousers, skirt")["choices"] == [shelf.leaves[3]]
    for kind, words in (
        ("ambiguous-pair", ("--category", shelf.leaves[1])),
        ("mall-audit", ()),
        ("mall-audit", ("--mall", "nowhere")),
        ("new-leaf", ("--category", "치마")),
        ("taxonomy-change", ()),
        ("random", ("--filter", "colour=red")),
        ("random", ("--member", "nobody")),
        ("random", ("--strata", '[{"overlap": 99}]')),
        ("human-baseline", ("--not-blind",)),
    ):
        with pytest.raises(InvalidInput):
            create(kind, *words)
    for words in (["--strata", "{"], ["--filter", "x"], ["--order", "sideways"]):
        assert CliRunner().invoke(app, ["campaign", "create", "--kind", "random", *words]).exit_code == 2


def test_a_campaign_is_closed_opened_cloned_deleted_and_restored(shelf: Shelf) -> None:  # noqa: F811
    made = create("random", "--limit", 5)["campaign_id"]
    assert run("campaign", "close", made)["closed_reason"] == "person"
    assert run("campaign", "reopen", made)["status"] == "active"
    clone = run("campaign", "clone", made)
    assert (clone["name"], clone["cloned_from_id"], clone["n_tasks"]) == ("Random 2", made, 20)
    run("campaign", "delete", made, "--reason", "made twice")
    assert [one["campaign_id"] for one in run("campaign", "list")["campaigns"]] == [clone["campaign_id"]]
    assert [one["campaign_id"] for one in run("campaign", "list", "--deleted")["campaigns"]] == [made]
    with pytest.raises(NotFound):
        run("campaign", "close", made)
    with pytest.raises(Conflict, match="deleted"):
        create("random", "--name", "Random")
    assert create("random")["name"] == "Random 3"
    assert run("campaign", "restore", made)["status"] == "active"


def test_guidelines_are_printed_and_changed(shelf: Shelf, tmp_path: Path) -> None:  # noqa: F811
    made = create("random")["campaign_id"]
    assert run("campaign", "guidelines", made)["guidelines"] is None
    assert run("campaign", "guidelines", made, "--text", "Look twice.")["guidelines"] == "Look twice."
    file = tmp_path / "how.txt"
    file.write_text("첫 상품으로 정합니다.\n", encoding="utf-8")
    assert run("campaign", "guidelines", made, "--file", file)["guidelines"] == "첫 상품으로 정합니다."
    refused = CliRunner().invoke(app, ["campaign", "guidelines", str(made), "--file", str(tmp_path / "none.txt")])
    assert refused.exit_code == 2
    with pytest.raises(NotFound):
        run("campaign", "guidelines", made + 1)


def test_a_dry_run_makes_nothing_and_shows_the_order(shelf: Shelf, sqlite_runtime: Runtime) -> None:  # noqa: F811
    words = ("--limit", 4, "--seed", 3, "--max-per-category", 2)
    seen = create("random", *words, "--dry-run")
    assert (seen["n_found"], seen["n_products"], run("campaign", "list")["campaigns"]) == (20, 4, [])
    made = create("random", *words)
    assert [one["product_id"] for one in seen["first"]] == queue(sqlite_runtime, made["campaign_id"])
    plain = CliRunner().invoke(app, ["campaign", "create", "--kind", "random", "--dry-run"])
    assert "It would ask 20 of 20 products" in plain.stdout
    assert create("human-baseline", "--dry-run")["needs_folds"]
