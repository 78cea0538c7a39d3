"""Taxonomy files of every shape: what comes out, what is rejected and why, and that a second time changes nothing."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from core.catalogue.taxonomy import load_categories
from core.catalogue.taxonomy_importing import (
    TaxonomyOptions,
    import_taxonomy_file,
    load_taxonomy_file,
    read_taxonomy_codes,
)
from core.errors import Forbidden, InvalidInput, UnreadableFile
from core.jobs.queue import enqueue
from core.jobs.worker import run_claimed
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import Actor
from db.enums import JobStatus, Role


def write(path: Path, rows: Sequence[Sequence[str]], delimiter: str = ",", encoding: str = "utf-8") -> Path:
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def paths(runtime: Runtime) -> set[str]:
    return {category.path for category in load_categories(runtime).values()}


TREE = {"의류", "의류 > 남성", "의류 > 남성 > 바지", "식품"}
PATHS = [["카테고리"], ["의류 > 남성 > 바지"], ["식품"]]
LEVELS = [["대분류", "중분류", "소분류"], ["의류", "남성", "바지"], ["식품", "", ""]]


@pytest.mark.parametrize(
    ("name", "rows", "delimiter", "encoding"),
    [
        ("paths.csv", PATHS, ",", "utf-8"),
        ("bom.csv", PATHS, ",", "utf-8-sig"),
        ("korean.csv", PATHS, ",", "cp949"),
        ("levels.tsv", LEVELS, "\t", "utf-8"),
        ("semicolon.csv", LEVELS, ";", "utf-8"),
        ("english.csv", [["level1", "level2", "level3"], *LEVELS[1:]], ",", "utf-8"),
        ("bar.csv", [["path"], ["의류|남성|바지"], ["식품"]], ",", "utf-8"),
    ],
)
def test_shapes_of_text_files(
    runtime: Runtime, actor: Actor, tmp_path: Path, name: str, rows: list[list[str]], delimiter: str, encoding: str
) -> None:
    file = write(tmp_path / name, rows, delimiter, encoding)
    counts = import_taxonomy_file(runtime, actor, file)
    assert paths(runtime) == TREE
    assert (counts["rows_read"], counts["categories_created"], counts["rows_rejected"]) == (2, 4, 0)
    again = import_taxonomy_file(runtime, actor, file)
    assert (again["categories_created"], again["categories_updated"], again["categories_unchanged"]) == (0, 0, 2)


def test_json_lines_parquet_and_workbook(sqlite_runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    import pyarrow as pa
    from openpyxl import Workbook
    from pyarrow import parquet

    records = [{"category": "의류 > 남성 > 바지"}, {"category": "식품"}]
    lines = tmp_path / "tree.jsonl"
    lines.write_text("\n".join(json.dumps(record, ensure_ascii=False) for record in records), "utf-8")
    parquet.write_table(pa.Table.from_pylist(records), tmp_path / "tree.parquet")
    book = Workbook()
    for row in LEVELS:
        book.active.append(row)
    book.save(tmp_path / "tree.xlsx")
    for file in (lines, tmp_path / "tree.parquet", tmp_path / "tree.xlsx"):
        import_taxonomy_file(sqlite_runtime, actor, file)
        assert paths(sqlite_runtime) == TREE


def test_two_languages(sqlite_runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    file = write(
        tmp_path / "tree.csv",
        [["id", "path_en", "path_ko"], ["a", "Clothing > Trousers", "의류 > 바지"], ["b", "Food", "식품"]],
    )
    import_taxonomy_file(sqlite_runtime, actor, write(tmp_path / "plain.csv", [["path"], ["의류 > 바지"]]))
    counts = import_taxonomy_file(sqlite_runtime, actor, file)
    assert (counts["categories_created"], counts["categories_updated"]) == (1, 2)
    by_path = {category.path: category for category in load_categories(sqlite_runtime).values()}
    assert by_path["의류 > 바지"].path_en == "Clothing > Trousers"
    assert (by_path["의류"].name_en, by_path["식품"].code) == ("Clothing", "b")


def test_the_language_can_be_chosen(sqlite_runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    file = write(tmp_path / "tree.csv", [["path_en", "path_ko"], ["Clothing", "의류"]])
    import_taxonomy_file(sqlite_runtime, actor, file, TaxonomyOptions(language="en"))
    assert paths(sqlite_runtime) == {"Clothing"}
    with pytest.raises(InvalidInput, match="no names in 'fr'"):
        import_taxonomy_file(sqlite_runtime, actor, file, TaxonomyOptions(language="fr"))


def test_bad_rows_are_records_and_the_rest_goes_on(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    rows = [
        ["code", "level1", "level2", "level1_en", "level2_en"],
        ["1", "의류", "바지", "Clothing", "Trousers"],
        ["2", "", "양말", "", ""],
        ["3", "", "", "", ""],
        ["4", "의류", "바지", "Clothing", "Trousers"],
        ["5", "식품", "쌀", "Food", ""],
        ["6", "가" * 1_000, "", "", ""],
    ]
    result = load_taxonomy_file(runtime, actor, write(tmp_path / "tree.csv", rows))
    assert [(reject.line, reject.column, str(reject.reason)) for reject in result.rejects] == [
        (3, "level2", "The level above '양말' is empty."),
        (4, "level1", "The category has no name."),
        (5, "level1", "The same path stands on line 2 with the code '1'."),
        (6, "level1_en", "The English path has 1 levels, the path has 2."),
        (7, "level1", f"The category path is too long: {'가' * 60}..."),
    ]
    assert result.rejects[0].record["level2"] == "양말"
    assert paths(runtime) == {"의류", "의류 > 바지", "식품", "식품 > 쌀"}


def test_files_that_are_no_taxonomy_say_so(sqlite_runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no column with category paths"):
        import_taxonomy_file(sqlite_runtime, actor, write(tmp_path / "a.csv", [["code", "price"], ["1", "2"]]))
    with pytest.raises(InvalidInput, match="headings and no rows"):
        import_taxonomy_file(sqlite_runtime, actor, write(tmp_path / "b.csv", [["path", "code"]]))
    (tmp_path / "c.csv").touch()
    with pytest.raises(UnreadableFile, match="empty"):
        import_taxonomy_file(sqlite_runtime, actor, tmp_path / "c.csv")
    with pytest.raises(UnreadableFile, match="folder"):
        import_taxonomy_file(sqlite_runtime, actor, tmp_path)
    with pytest.raises(UnreadableFile):
        import_taxonomy_file(sqlite_runtime, actor, tmp_path / "missing.csv")


def test_codes_lead_to_paths(tmp_path: Path) -> None:
    file = write(tmp_path / "tree.csv", [["code", "level1", "level2"], ["00", "의류", "바지"], ["01", "의류", "바지"]])
    assert read_taxonomy_codes(file) == {"00": ("의류", "바지"), "01": ("의류", "바지")}
    with pytest.raises(InvalidInput, match="no column with category codes"):
        read_taxonomy_codes(write(tmp_path / "paths.csv", PATHS))


def test_the_job_tells_counts_and_rejects(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    file = write(tmp_path / "tree.csv", [*LEVELS, ["", "남성", ""]])
    job = run_claimed(runtime, enqueue(runtime, actor, "import_taxonomy", {"path": str(file)}, worker="w"), "w")
    assert job.status == JobStatus.SUCCEEDED
    assert job.result
    assert (job.result["categories_created"], job.result["rows_rejected"]) == (4, 1)
    assert job.result["rejects"][0]["reason"] == "The level above '남성' is empty."


def test_an_annotator_may_not(sqlite_runtime: Runtime, tmp_path: Path) -> None:
    ann = sign_in_local(sqlite_runtime, "ann", Role.ANNOTATOR)
    with pytest.raises(Forbidden):
        import_taxonomy_file(sqlite_runtime, ann, write(tmp_path / "tree.csv", PATHS))


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "n_nodes", "n_leaves", "n_rejected"),
    [
        ("naver-categories/naver_categories.csv", 5_804, 4_993, 0),
        ("shopify-taxonomy/categories_en_ko_ja.csv", 10_590, 8_512, 5),  # 8 levels; 5 pairs share their Korean path
        ("heissepreise/taxonomy.csv", 102, 91, 0),
    ],
)
def test_real_taxonomies(
    runtime: Runtime, actor: Actor, real_data: Path, name: str, n_nodes: int, n_leaves: int, n_rejected: int
) -> None:
    counts = import_taxonomy_file(runtime, actor, real_data / name)
    assert (counts["categories_created"], counts["rows_rejected"]) == (n_nodes, n_rejected)
    categories = load_categories(runtime).values()
    assert (len(categories), sum(category.is_leaf for category in categories)) == (n_nodes, n_leaves)
    assert import_taxonomy_file(runtime, actor, real_data / name)["categories_created"] == 0


@pytest.mark.parametrize(
    "headings", [["id", "title", "category"], ["name", "category", "price"], ["상품명", "카테고리"]]
)
def test_a_file_of_products_is_no_tree(
    sqlite_runtime: Runtime, actor: Actor, tmp_path: Path, headings: list[str]
) -> None:
    with pytest.raises(InvalidInput, match="holds products and no category tree"):
        import_taxonomy_file(sqlite_runtime, actor, write(tmp_path / "a.csv", [headings, ["1"] * len(headings)]))
