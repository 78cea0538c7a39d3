"""Disagreements, settling, agreement and annotators from a terminal, answered in JSON."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import app
from core.errors import AppError, InvalidInput, NotFound
from core.runtime import Runtime
from db.enums import LabelSource
from tests.core.labeling.crowd.votes_in import give_votes
from tests.core.labeling.shelf import Shelf, add_campaign, fill_shelf, product_label


@pytest.fixture
def shelf(sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    monkeypatch.setenv("SHELFWRIGHT_DATA_DIR", str(sqlite_runtime.data_dir))
    monkeypatch.setenv("SHELFWRIGHT_PERSON", "tester")
    return fill_shelf(sqlite_runtime, 40)


@pytest.fixture
def campaign(sqlite_runtime: Runtime, shelf: Shelf) -> int:
    """The first product is disputed; on the others two people agree."""
    campaign = add_campaign(sqlite_runtime, shelf, [], overlap=2)
    a, b = shelf.leaves[:2]
    votes = {product: [("anna", a), ("ben", b if product == shelf.products[0] else a)] for product in shelf.products}
    give_votes(sqlite_runtime, campaign, votes)
    return campaign


def say(*words: object) -> str:
    done = CliRunner().invoke(app, [*map(str, words)])
    if isinstance(done.exception, AppError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def run(*words: object) -> dict[str, Any]:
    """The JSON object that the command prints last; its error is raised."""
    return json.loads(say(*words, "--json").splitlines()[-1])


def test_a_disagreement_is_settled_and_taken_back(sqlite_runtime: Runtime, shelf: Shelf, campaign: int) -> None:
    (one,) = run("disagreements", campaign)["disagreements"]
    assert (one["product_id"], one["apart"], len(one["said"])) == (shelf.products[0], 0.5, 2)
    assert "남성 > 셔츠" in say("disagreements", campaign)
    made = run("settle", one["product_id"], "남성 > 셔츠", "--note", "seen", "--key", "k")
    assert run("settle", one["product_id"], "남성 > 셔츠", "--key", "k")["decision_id"] == made["decision_id"]
    assert product_label(sqlite_runtime, one["product_id"]) == (shelf.leaves[1], LabelSource.GOLD)
    assert run("disagreements", campaign)["disagreements"] == []
    assert run("unsettle")["n_undone"] == 1
    assert run("settle", one["product_id"], "--aside", "bad-listing")["kind"] == "bad_listing"
    for words in ((), ("남성 > 셔츠", "--aside", "cannot-tell"), ("--aside", "never")):
        with pytest.raises(InvalidInput):
            run("settle", one["product_id"], *words)


def test_what_all_agree_on_is_settled_and_taken_back_together(shelf: Shelf, campaign: int) -> None:
    assert run("settle-agreed", campaign, "--dry-run")["n"] == 39
    made = run("settle-agreed", campaign)
    assert made["n"] == 39
    assert run("unsettle", "--batch", made["batch_key"])["n_undone"] == 39
    with pytest.raises(InvalidInput):
        run("unsettle")


def test_agreement_is_measured_and_read(shelf: Shelf, campaign: int) -> None:
    with pytest.raises(InvalidInput):
        run("agreement", campaign, "--stored")
    with pytest.raises(NotFound):
        run("agreement", campaign + 1)
    found = run("agreement", campaign)
    assert (found["n_products"], found["whole"]["same"]["value"]) == (40, pytest.approx(39 / 40))
    assert run("agreement", campaign, "--stored")["measured_at"] == found["measured_at"]
    assert "anna" in say("agreement", campaign, "--stored")


def test_annotators_are_listed(shelf: Shelf) -> None:
    assert run("annotators")["annotators"] == []
    assert "0 people were checked" in say("annotators")
