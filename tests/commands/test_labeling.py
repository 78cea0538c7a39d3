"""Campaign, claim, decide, undo and skip from a terminal, answered in JSON."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import app
from core.errors import AlreadyLabeled, AppError, InvalidInput, LeaseLost, NotFound, UnknownCategory
from core.runtime import Runtime
from tests.core.labeling.shelf import Shelf, fill_shelf


@pytest.fixture
def shelf(sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    monkeypatch.setenv("SHELFWRIGHT_DATA_DIR", str(sqlite_runtime.data_dir))
    monkeypatch.setenv("SHELFWRIGHT_PERSON", "tester")
    return fill_shelf(sqlite_runtime, 20)


def run(*words: object) -> dict[str, Any]:
    """The JSON object that the command prints last; its error is raised."""
    done = CliRunner().invoke(app, [*map(str, words), "--json"])
    if isinstance(done.exception, AppError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout.splitlines()[-1])


def test_the_loop_from_a_terminal(shelf: Shelf) -> None:
    made = run("campaign", "create", "--kind", "low-confidence", "--limit", 3, "--confidence-below", 0.5)
    assert (made["name"], made["n_tasks"], made["filter"]["confidence_below"]) == ("Low confidence", 3, 0.5)
    task = run("claim")
    assert (task["campaign_id"], task["product_id"]) == (made["campaign_id"], shelf.products[0])
    assert task["suggestions"][0] == {"category_id": shelf.leaves[0], "path": "남성 > 바지", "confidence": 0.3}
    decided = run("decide", task["task_id"], "여성>바지", "--key", "k1", "--note", "sure")
    assert (decided["category_id"], decided["previous_category_id"]) == (shelf.leaves[2], shelf.leaves[0])
    again = run("decide", task["task_id"], shelf.leaves[2], "--key", "k1")
    assert again | {"seconds": 0} == decided | {"seconds": 0}
    assert min(task["seconds"], decided["seconds"], made["seconds"]) > 0
    with pytest.raises(AlreadyLabeled):
        run("decide", task["task_id"], shelf.leaves[2])
    assert run("undo")["task_id"] == task["task_id"]
    assert run("claim", "--campaign", made["campaign_id"])["task_id"] == task["task_id"]
    run("decide", task["task_id"], "--kind", "cannot-tell")
    run("skip", run("claim")["task_id"])
    run("decide", run("claim")["task_id"], "치마")
    run("decide", run("claim")["task_id"], "치마")
    assert run("claim")["task_id"] is None
    (listed,) = run("campaign", "list")["campaigns"]
    assert (listed["n_done"], listed["status"]) == (3, "active")


def test_names_are_made_and_states_change(shelf: Shelf) -> None:
    ids = [run("campaign", "create", "--kind", "random", "--seed", seed)["campaign_id"] for seed in (1, 2)]
    assert [one["name"] for one in run("campaign", "list")["campaigns"]] == ["Random 2", "Random"]
    assert run("campaign", "pause", ids[1])["status"] == "paused"
    assert run("claim")["campaign_id"] == ids[0]
    run("campaign", "close", ids[0])
    with pytest.raises(NotFound):
        run("claim")


def test_what_is_wrong_is_said(shelf: Shelf) -> None:
    with pytest.raises(NotFound, match="campaign create"):
        run("claim")
    run("campaign", "create", "--kind", "random")
    task = run("claim")["task_id"]
    with pytest.raises(InvalidInput, match="남성 > 바지"):
        run("decide", task, "바지")
    with pytest.raises(UnknownCategory, match="search-categories"):
        run("decide", task, "양말")
    with pytest.raises(NotFound):
        run("undo")
    with pytest.raises(InvalidInput, match="people"):
        run("campaign", "create", "--kind", "low-confidence", "--confidence-below", 0.0001, "--overlap", 0)
    for words in (["campaign", "create", "--kind", "nonsense"], ["decide", str(task), "1", "--kind", "undo"]):
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 2
        assert "is none of" in done.output
    assert "low_confidence" not in CliRunner().invoke(app, ["campaign", "create"]).output
    assert "undo" not in CliRunner().invoke(app, ["decide", "--help"]).output


def test_who_never_held_a_task_is_told_so(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    run("campaign", "create", "--kind", "random")
    task = run("claim")["task_id"]
    monkeypatch.setenv("SHELFWRIGHT_PERSON", "bob")
    for words in (("decide", task, shelf.leaves[0]), ("skip", task), ("skip", task + 1)):
        with pytest.raises(LeaseLost, match="not in your hands: you never took it, or"):
            run(*words)


def test_claiming_goes_on_to_an_older_campaign(shelf: Shelf) -> None:
    older = run("campaign", "create", "--kind", "random")["campaign_id"]
    newer = run("campaign", "create", "--kind", "random", "--seed", 2, "--limit", 1)["campaign_id"]
    task = run("claim")
    assert task["campaign_id"] == newer
    run("decide", task["task_id"], shelf.leaves[0])
    assert run("claim")["campaign_id"] == older
    assert run("claim", "--campaign", newer)["task_id"] is None


def test_without_json_a_person_reads_sentences(shelf: Shelf) -> None:
    runner = CliRunner()
    assert "No campaign yet" in runner.invoke(app, ["campaign", "list"]).stdout
    assert "waits with 20 tasks" in runner.invoke(app, ["campaign", "create", "--kind", "random"]).stdout
    shown = runner.invoke(app, ["claim"]).stdout
    assert shown.startswith("Task ")
    assert "남성 > " in shown
