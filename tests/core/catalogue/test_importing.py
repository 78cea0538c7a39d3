"""Imports: what a file becomes, twice the same, human decisions untouched, going on after a kill."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.catalogue import importing, product_writer
from core.catalogue.block_importer import FINDING, IMPORTING
from core.catalogue.blocks import BLOCK_ROWS
from core.catalogue.import_options import options_from, remembered_options
from core.catalogue.import_runs import find_run_of_job, get_import_run, list_import_runs
from core.catalogue.importing import import_file, resume_import
from core.errors import Conflict, Forbidden, InvalidInput
from core.jobs.context import JobContext
from core.jobs.queue import cancel_job, enqueue, list_log
from core.people import sign_in_local
from core.revisions import revision
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import JobStatus, LabelSource, Role
from db.tables import AuditRow, LabelRow, ProductRow
from tests.core.catalogue.importing_help import (
    HEADING,
    category_paths,
    do_import,
    malls,
    products,
    reasons,
    run_next,
    titles,
)


def labels(runtime: Runtime) -> list[tuple[int, int, LabelSource]]:
    with runtime.sessions.read() as session:
        query = sa.select(LabelRow.product_id, LabelRow.category_id, LabelRow.source).order_by(LabelRow.id)
        return list(session.execute(query))


def many(path: Path, n_rows: int, price: int = 100) -> Path:
    rows = [
        f"{number},상품 {number},몰{number % 3},의류>바지{number % 5},{price},b,2024-01-01" for number in range(n_rows)
    ]
    path.write_text(HEADING + "\n".join(rows) + "\n", "utf-8")
    return path


def test_a_row_becomes_a_product_with_an_imported_label(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text(
        HEADING + '7,"  청바지   와이드, 봄 ",무신사,패션 > 하의 > 청바지,"12,900원",리바이스,2023.05.15\n', "utf-8"
    )
    run = do_import(runtime, actor, path)
    assert (run.n_read, run.n_inserted, run.n_rejected) == (1, 1, 0)
    row = products(runtime)["무신사/7"]
    assert (row.title, row.brand, row.price) == ("청바지 와이드, 봄", "리바이스", Decimal("12900"))
    assert row.registered_at == datetime(2023, 5, 15, tzinfo=UTC)
    assert row.category_id
    assert category_paths(runtime)[row.category_id] == "패션 > 하의 > 청바지"
    assert row.label_source == LabelSource.IMPORT
    assert row.mall_id
    assert malls(runtime)[row.mall_id] == "무신사"
    assert labels(runtime) == [(row.id, row.category_id, LabelSource.IMPORT)]
    with runtime.sessions.read() as session:
        audit = session.scalars(sa.select(AuditRow).where(AuditRow.action == "import")).one()
    assert audit.after
    assert audit.after["rows_imported"] == 1


def test_importing_twice_changes_nothing(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    path = many(tmp_path / "items.csv", 300)
    do_import(runtime, actor, path)
    before, numbers = labels(runtime), revision(runtime, "products", "labels", "taxonomy")
    stamps = {row.external_id: row.updated_at for row in products(runtime).values()}
    run = do_import(runtime, actor, path)
    assert (run.n_inserted, run.n_updated, run.n_unchanged) == (0, 0, 300)
    assert labels(runtime) == before
    assert {row.external_id: row.updated_at for row in products(runtime).values()} == stamps
    assert revision(runtime, "products", "labels", "taxonomy") == numbers


def test_a_changed_row_updates_its_product_and_leaves_fields_alone_that_the_file_lacks(
    runtime: Runtime, actor: Actor, tmp_path: Path
) -> None:
    path = tmp_path / "items.csv"
    path.write_text("id,title,price,brand\n1,Cap,10,Acme\n2,Hat,20,Acme\n", "utf-8")
    do_import(runtime, actor, path)
    path.write_text("id,title,price\n1,Cap,11\n2,Hat,20\n", "utf-8")
    do_import(runtime, actor, path)
    assert [(row.price, row.brand) for row in products(runtime).values()] == [(11, "Acme"), (20, "Acme")]


def test_a_changed_category_appends_a_label_and_never_touches_a_human_one(
    runtime: Runtime, actor: Actor, tmp_path: Path
) -> None:
    path = tmp_path / "items.csv"
    path.write_text("id,title,category\n1,Cap,A\n2,Hat,A\n3,Tie,A\n", "utf-8")
    do_import(runtime, actor, path)
    with runtime.sessions.write() as session:
        first = session.scalars(sa.select(ProductRow).where(ProductRow.external_id == "1")).one()
        human = LabelRow(
            product_id=first.id, category_id=first.category_id, source=LabelSource.HUMAN, created_at=utc_now()
        )
        session.add(human)
        first.label_source = LabelSource.HUMAN
    path.write_text("id,title,category\n1,Cap!,B\n2,Hat,B\n3,Tie!,\n", "utf-8")
    run = do_import(runtime, actor, path)
    assert run.n_updated == 3
    paths, rows = category_paths(runtime), products(runtime)
    assert [(rows[key].title, paths[rows[key].category_id or 0], rows[key].label_source) for key in "123"] == [
        ("Cap!", "A", LabelSource.HUMAN),
        ("Hat", "B", LabelSource.IMPORT),
        ("Tie!", "A", LabelSource.IMPORT),  # no category given takes none away
    ]
    given = [paths[category_id] for product_id, category_id, _ in labels(runtime) if product_id == rows["1"].id]
    assert given == ["A", "A", "B"]  # what the file says now is kept, for when the human label is undone


def test_without_an_id_mall_and_title_are_the_key(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text("title,mall,price\nBlue Cap,a,1\nblue  CAP,b,1\n", "utf-8")
    do_import(runtime, actor, path)
    path.write_text("title,mall,price\nＢＬＵＥ cap,a,2\n", "utf-8")
    run = do_import(runtime, actor, path)
    assert (run.n_inserted, run.n_updated) == (0, 1)
    assert titles(runtime) == ["BLUE cap", "blue CAP"] or titles(runtime) == ["ＢＬＵＥ cap", "blue CAP"]


def test_the_same_product_twice_in_a_file_with_other_values_is_a_reject(
    runtime: Runtime, actor: Actor, tmp_path: Path
) -> None:
    path = tmp_path / "items.csv"
    middle = "".join(f"m{number},Title,1\n" for number in range(BLOCK_ROWS))
    path.write_text(f"id,title,price\n1,Cap,1\n1,Cap,1\n1,Cap,2\n{middle}1,Cap,3\n", "utf-8")
    for expected in ((BLOCK_ROWS + 1, 1), (0, BLOCK_ROWS + 2)):
        run = do_import(runtime, actor, path)
        assert (run.n_inserted, run.n_unchanged, run.n_updated) == (*expected, 0)
        assert [line for line, _, _ in reasons(runtime, run)] == [4, BLOCK_ROWS + 5]
    assert products(runtime)["1"].price == 1


def test_a_killed_import_goes_on_and_each_row_comes_once(
    runtime: Runtime, actor: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = many(tmp_path / "items.csv", 3 * BLOCK_ROWS)
    job_id = import_file(runtime, actor, path, "shop", options_from({}))
    write = product_writer.ProductWriter.write
    calls: Iterator[int] = iter(range(9))

    def die_in_the_second_block(*args: object) -> object:
        if next(calls) == 1:
            raise KeyboardInterrupt
        return write(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(product_writer.ProductWriter, "write", die_in_the_second_block)
    with pytest.raises(KeyboardInterrupt):
        run_next(runtime)
    half = find_run_of_job(runtime, job_id)
    assert half
    assert half.n_read == half.n_inserted == BLOCK_ROWS
    assert run_next(runtime).id == job_id
    whole = get_import_run(runtime, half.id)
    assert (whole.n_read, whole.n_inserted, whole.n_unchanged) == (3 * BLOCK_ROWS, 3 * BLOCK_ROWS, 0)
    assert len(set(titles(runtime))) == len(titles(runtime)) == 3 * BLOCK_ROWS


def test_cancel_keeps_what_is_committed_and_the_run_can_go_on(
    runtime: Runtime, actor: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = many(tmp_path / "items.csv", 3 * BLOCK_ROWS)
    job_id = import_file(runtime, actor, path, "shop", options_from({}))
    report = JobContext.report

    def cancel_first(context: JobContext, *args: float, **detail: object) -> None:
        cancel_job(runtime, actor, job_id)
        context._next_write = 0.0
        report(context, *args, **detail)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(JobContext, "report", cancel_first)
        assert run_next(runtime).status == JobStatus.ABORTED
    stopped = list_import_runs(runtime)[0]
    assert (stopped.state, stopped.n_read) == ("stopped", BLOCK_ROWS)
    resume_import(runtime, actor, stopped.id)
    assert get_import_run(runtime, stopped.id).state == "waiting"  # nobody is asked to press again
    heard: list[tuple[object, bool]] = []

    def listen(context: JobContext, *args: float, **detail: object) -> None:
        heard.append((args[1], detail["seconds_left"] is None))
        report(context, *args, **detail)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(JobContext, "report", listen)
        assert run_next(runtime).status == JobStatus.SUCCEEDED
    assert heard[0] == (FINDING, True)  # skimming says nothing about the time left
    assert heard[1][0] == IMPORTING
    run = get_import_run(runtime, stopped.id)
    assert (run.state, run.n_inserted) == ("finished", 3 * BLOCK_ROWS)
    with pytest.raises(Conflict):
        resume_import(runtime, actor, stopped.id)


def test_a_file_that_changed_meanwhile_does_not_go_on(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    path = many(tmp_path / "items.csv", 5)
    run = do_import(runtime, actor, path)
    with runtime.sessions.write() as session:
        session.execute(sa.text("UPDATE import_runs SET finished_at = NULL"))
    many(path, 7)
    resume_import(runtime, actor, run.id)
    job = run_next(runtime)
    assert job.error
    assert "has changed since its import began" in job.error


def test_what_was_chosen_for_a_source_is_remembered(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text("a;b;c\nCap;x-y;1\n", "cp949")
    do_import(runtime, actor, path, columns={"title": "a", "category": "b"}, separator="-", encoding="euc-kr")
    kept = remembered_options(runtime, "shop")
    assert kept
    assert (kept.columns, kept.separator, kept.encoding) == ({"title": ("a",), "category": ("b",)}, "-", "cp949")
    path.write_text("a;b;c\n모자;남성-모자;1\n", "cp949")
    do_import(runtime, actor, path)
    assert set(category_paths(runtime).values()) == {"x", "x > y", "남성", "남성 > 모자"}


@pytest.mark.parametrize("name", ["items.tsv", "items.jsonl.gz", "items.parquet", "items.xlsx", "items.csv.gz"])
def test_all_formats_give_the_same_products(runtime: Runtime, actor: Actor, tmp_path: Path, name: str) -> None:
    import openpyxl
    import pandas as pd

    rows = [
        {"id": 1, "상품명": "모자 · 캡", "쇼핑몰": "몰", "가격": 12.5},
        {"id": 2, "상품명": "양말", "쇼핑몰": "몰", "가격": 3},
    ]
    frame, path = pd.DataFrame(rows), tmp_path / name
    if name.endswith(".tsv"):
        frame.to_csv(path, sep="\t", index=False)
    elif name.endswith(".csv.gz"):
        frame.to_csv(path, index=False, encoding="cp949")
    elif name.endswith(".parquet"):
        frame.to_parquet(path)
    elif name.endswith(".xlsx"):
        book = openpyxl.Workbook()
        for row in ([*rows[0]], *([*row.values()] for row in rows)):
            book.worksheets[0].append(row)
        book.save(path)
    else:
        path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    run = do_import(runtime, actor, path)
    assert (run.n_inserted, run.n_rejected) == (2, 0)
    found = products(runtime)
    assert [(found[key].title, found[key].price) for key in ("몰/1", "몰/2")] == [
        ("모자 · 캡", Decimal("12.50")),
        ("양말", Decimal("3.00")),
    ]


def test_only_who_may_import_can(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    somebody = sign_in_local(runtime, "labeler", Role.ANNOTATOR)
    path = many(tmp_path / "items.csv", 1)
    with pytest.raises(Forbidden):
        import_file(runtime, somebody, path, "shop", options_from({}))
    payload = importing.import_payload(path, "shop", options_from({}))
    with pytest.raises(Forbidden):
        enqueue(runtime, somebody, importing.JOB, payload)
    enqueue(runtime, replace(somebody, role=Role.OPERATOR), importing.JOB, payload)  # an operator until just now
    assert "does not allow" in (run_next(runtime).error or "")


def test_a_second_press_while_one_waits_changes_nothing(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    path = many(tmp_path / "items.csv", 1)
    first = import_file(runtime, actor, path, "shop", options_from({}))
    assert import_file(runtime, actor, path, "shop", options_from({})) == first


def test_control_characters_are_taken_out_and_counted(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text("id,title\n1,Ca\x07p\u200b \x1b[31mred\n2,e\u0301t\u00e9\n", "utf-8")
    import_file(runtime, actor, path, "shop", options_from({}))
    job = run_next(runtime)
    assert titles(runtime) == ["Ca p [31mred", "été"]
    assert job.result["titles_cleaned"] == 1
    assert "1 titles held control characters" in list_log(runtime, job.id)[-1][1]


def test_mall_category_of_a_file_without_malls_belongs_to_the_source(
    runtime: Runtime, actor: Actor, tmp_path: Path
) -> None:
    path = tmp_path / "items.csv"
    path.write_text("id,title,mall category\n1,Cap,Hats\n", "utf-8")
    do_import(runtime, actor, path, source="나의 몰")
    row = products(runtime)["1"]
    assert row.mall_category_id
    assert malls(runtime)[row.mall_id or 0] == "나의 몰"


def test_options_that_cannot_be_are_refused(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    path = many(tmp_path / "items.csv", 1)
    for options in (
        {"columns": {"titel": "title"}},
        {"columns": {"title": "nowhere"}},
        {"columns": {"title": ""}},
        {"columns": {"title": ["title", "brand"]}},
        {"encoding": "klingon"},
        {"delimiter": "long"},
        {"date_order": "ymd"},
        {"unheard": 1},
    ):
        with pytest.raises(InvalidInput):
            import_file(runtime, actor, path, "shop", options_from(options))
    with pytest.raises(InvalidInput):
        import_file(runtime, actor, path, "  ", options_from({}))
