"""`cli.py import`: products, options in TOML, codes with a taxonomy, a tree alone, rejects, sentences."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import app
from core.errors import AppError
from core.runtime import Runtime
from tests.core.catalogue.importing_help import category_paths, titles


@pytest.fixture
def shop(sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder to put files in; the command line works on `sqlite_runtime`."""
    monkeypatch.setenv("SHELFWRIGHT_DATA_DIR", str(sqlite_runtime.data_dir))
    return tmp_path


def run(*words: str) -> str:
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def facts(*words: str) -> dict[str, Any]:
    return json.loads(run(*words, "--json").splitlines()[-1])  # type: ignore[no-any-return]


def sentence(*words: str) -> str:
    with pytest.raises(AppError) as caught:
        CliRunner().invoke(app, list(words), catch_exceptions=False)
    return str(caught.value)


def test_counts_as_json_and_as_a_sentence(shop: Path, sqlite_runtime: Runtime) -> None:
    path = shop / "items.csv"
    path.write_text("no;product;shop;cat\n1;Cap;a;A>B\n2;;a;A>B\n", "utf-8")
    words = ("import", str(path), "--source", "shop", "--columns", "title=product,mall=shop,category=cat")
    first = facts(*words)
    assert {name: first[name] for name in first if name.startswith("rows_") and name != "rows_per_second"} == {
        "rows_read": 2,
        "rows_imported": 1,
        "rows_updated": 0,
        "rows_unchanged": 0,
        "rows_rejected": 1,
    }
    assert first["seconds"] > 0
    assert first["rows_per_second"] > 0
    assert f"cli.py rejects {first['run_id'] + 1}" in run(*words)
    assert set(category_paths(sqlite_runtime).values()) == {"A", "A > B"}
    assert "items.csv,3,product,,The title is empty.,2,,a,A>B" in run("rejects", str(first["run_id"]))


def test_options_come_from_a_toml_file(shop: Path, sqlite_runtime: Runtime) -> None:
    (shop / "items.csv").write_bytes("번호,이름,분류\n1,모자,남성-모자\n".encode("cp949"))
    (shop / "import.toml").write_text(
        'source = "나의 몰"\nencoding = "cp949"\nseparator = "-"\n[columns]\ntitle = "이름"\ncategory = "분류"\n',
        "utf-8",
    )
    assert facts("import", str(shop / "items.csv"), "--options", str(shop / "import.toml"))["source"] == "나의 몰"
    assert titles(sqlite_runtime) == ["모자"]
    assert "남성 > 모자" in category_paths(sqlite_runtime).values()


def test_codes_become_paths_with_a_taxonomy_file(shop: Path, sqlite_runtime: Runtime) -> None:
    (shop / "tree.csv").write_text("code,level1,level2\n00,Food,Fruit\n01,Food,Bread\n", "utf-8")
    (shop / "items.csv").write_text("id,name,level1,category_code\n1,Apple,x,00\n2,Roll,x,01\n3,Nut,x,99\n", "utf-8")
    words = (str(shop / "items.csv"), "--source", "shop", "--taxonomy", str(shop / "tree.csv"))
    done = facts("import", *words)
    assert (done["rows_imported"], done["rows_rejected"]) == (2, 1)
    assert {"Food > Fruit", "Food > Bread"} <= set(category_paths(sqlite_runtime).values())
    assert "no category with the code '99'" in run("rejects", str(done["run_id"]))


def test_a_category_tree_alone(shop: Path, sqlite_runtime: Runtime) -> None:
    path = shop / "tree.csv"
    path.write_text("code,level1,level2\n00,Food,Fruit\n", "utf-8")
    facts("import", "--taxonomy", str(path))
    assert "Food > Fruit" in category_paths(sqlite_runtime).values()
    assert "holds a category tree and no products" in sentence("import", str(path), "--source", "x")
    assert "'sheet' means nothing" in sentence("import", "--taxonomy", str(path), "--sheet", "y")
    path.write_bytes("path;code\n식품-빵;1\n".encode("cp949"))
    facts("import", "--taxonomy", str(path), "--encoding", "cp949", "--delimiter", ";", "--separator", "-")
    assert "식품 > 빵" in category_paths(sqlite_runtime).values()


def test_what_is_missing_is_said(shop: Path) -> None:
    path = shop / "items.csv"
    path.write_text("id,title\n1,Cap\n", "utf-8")
    assert "Name a file to import" in sentence("import")
    assert "--source NAME" in sentence("import", str(path))
    assert "There is no file" in sentence("import", str(shop / "gone.csv"), "--source", "x")
    assert "is a folder" in sentence("import", str(shop), "--source", "x")
    assert "no column 'x'" in sentence("import", str(path), "--source", "x", "--columns", "title=x")
    assert "There is no encoding" in sentence("import", str(path), "--source", "x", "--encoding", "klingon")
    run("import", str(path), "--source", "x")
    assert "nothing to go on with" in sentence("import", "--resume", "1")
    assert sentence("import", "--resume", "99") == sentence("rejects", "99") == "There is no import 99."
    assert "the option 'sheet' means nothing" in sentence("import", str(path), "--source", "x", "--sheet", "y")
    rows = shop / "items.jsonl"
    rows.write_text('{"title": "Cap"}\n', "utf-8")
    assert "'delimiter' means nothing" in sentence("import", str(rows), "--source", "x", "--delimiter", ";")


def _catalogue(shop: Path) -> Path:
    path = shop / "catalogue.csv"
    path.write_text("id;title;title;category_code;price\n1;Cap;x;99;3,50\n", "cp949")
    return path


def test_what_was_detected_is_said(shop: Path) -> None:
    path = _catalogue(shop)
    path.write_bytes(path.read_bytes() + "2;모자;x;99;3,50\n".encode("cp949"))
    result = CliRunner().invoke(app, ["import", str(path), "--source", "x", "--json"], catch_exceptions=False)
    first, *notes = result.stderr.splitlines()
    assert first.startswith("catalogue.csv: CSV, cp949, delimiter ;, decimal comma; title=title, ")
    assert "category=category_code" in first
    assert first.endswith("; not used: title (2)")
    assert notes[0].startswith("Note: The heading 'title' stands more than once")
    assert notes[1].startswith("Note: The column 'category_code' seems to hold category codes")
    done = json.loads(result.stdout.splitlines()[-1])
    assert (done["format"], done["encoding"], done["delimiter"], done["decimal_comma"]) == ("csv", "cp949", ";", True)
    assert (done["columns"]["title"], len(done["notes"]), done["rows_rejected"]) == (["title"], 2, 2)


def test_rejects_as_json(shop: Path) -> None:
    done = facts("import", str(_catalogue(shop)), "--source", "x")
    listed = facts("rejects", str(done["run_id"]))
    (reject,) = listed["rejects"]
    assert (listed["source"], reject["line"], reject["column"], reject["value"]) == ("x", 2, "category_code", "99")
    assert reject["record"]["title"] == "Cap"


@pytest.mark.real_data
def test_the_first_real_run(shop: Path, sqlite_runtime: Runtime, real_data: Path) -> None:
    words = ("import", str(real_data / "heissepreise/products_labelled.csv.gz"), "--source", "heissepreise")
    first, again = facts(*words), facts(*words)
    assert (first["rows_imported"], first["rows_rejected"]) == (65_871, 0)
    assert (again["rows_imported"], again["rows_updated"], again["rows_unchanged"]) == (0, 0, 65_871)
    assert len(category_paths(sqlite_runtime)) == 10 + 89
