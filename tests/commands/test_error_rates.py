"""error-rates and demo-crowd from a terminal."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import app
from core.analysis import error_rates
from core.catalogue.demo import load_demo
from core.errors import Conflict, InvalidInput, UnknownCategory
from core.people import sign_in_local
from core.runtime import Runtime, open_runtime
from core.settings import Settings
from tests.core.analysis.gold_shelf import Case, make_shelf


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    monkeypatch.setenv("SHELFWRIGHT_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("core.catalogue.demo.loading.draw_images", lambda folder, products: [])
    return open_runtime(Settings(data_dir=tmp_path))


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception:
        raise result.exception
    return result.stdout


def facts(*arguments: str) -> dict[str, Any]:
    return json.loads(run(*arguments, "--json").splitlines()[-1])  # type: ignore[no-any-return]


def test_error_rates_as_words_json_and_csv(opened: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "make a human-baseline campaign" in run("error-rates")
    shelf = make_shelf(opened, sign_in_local(opened, "tester"))
    right, wrong = shelf.leaf["바지"], shelf.leaf["치마"]
    shelf.add([Case(right, [wrong if n < 20 else right, right], right) for n in range(60)])
    shelf.add([Case(shelf.leaf["셔츠"], [right], right) for _ in range(5)])
    said = run("error-rates")
    assert "Error on 65 of 65 gold products: people 0.231" in said
    assert "의류 > 바지" in said
    found = facts("error-rates", "--level", "1")
    assert [(row["category"], row["n"]) for row in found["categories"]] == [("의류", 65)]
    assert (found["verdict"], found["model"]["n"], found["left_out"]) == ("model", 65, {})
    lines = list(csv.DictReader(io.StringIO(run("error-rates", "--csv", "--version", "v1"))))
    assert [(line["category"], line["n"], line["verdict"]) for line in lines] == [
        ("의류 > 바지", "60", "model"),
        ("", "5", "too_few"),
    ]
    assert (lines[1]["people_error"], lines[1]["difference"]) == ("", "")
    monkeypatch.setattr(error_rates, "LIVE_DECISIONS", 10)
    assert facts("error-rates")["n_judged"] == 65


def test_the_crowd_votes_once_and_on_the_demo_only(opened: Runtime) -> None:
    load_demo(opened, sign_in_local(opened, "tester"), 600)
    with pytest.raises(UnknownCategory, match="nowhere"):
        run("demo-crowd", "--confuse", "nowhere=식품:0.5")
    for wrong in (["--confuse", "식품"], ["--confuse", "식품=식품:often"], ["--accuracy", "7"]):
        with pytest.raises(InvalidInput):
            run("demo-crowd", *wrong)
    leaves = _two_leaves(opened)
    pair = f"{leaves[0]}={leaves[1]}:0.5"
    made = facts("demo-crowd", "--people", "4", "--unsettled", "30", "--confuse", pair)
    assert (made["n_people"], made["n_votes"]) == (4, 3 * made["n_products"])
    assert "nothing was changed" in run("demo-crowd")
    assert facts("error-rates")["n_gold"] == made["n_settled"]


def _two_leaves(runtime: Runtime) -> list[str]:
    from core.catalogue.taxonomy import load_categories

    return [one.path for one in load_categories(runtime).values() if one.is_leaf][:2]


def test_real_products_are_left_alone(opened: Runtime) -> None:
    shelf = make_shelf(opened, sign_in_local(opened, "tester"))
    shelf.add([Case(None)])
    with pytest.raises(Conflict):
        run("demo-crowd")
