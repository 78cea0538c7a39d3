"""Exports: what is in them, who may have them, and what happens when they are cut off."""

import csv
import errno
import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from core.catalogue.exporting import exporting
from core.catalogue.exporting.exporting import (
    delete_export,
    get_export,
    list_exports,
    open_export,
    read_parts,
    start_export,
    take_away,
)
from core.catalogue.exporting.request import ExportRequest
from core.catalogue.exporting.writers import HashedFile
from core.catalogue.products import ProductFilter
from core.catalogue.taxonomy import ensure_categories
from core.errors import Conflict, Forbidden, InvalidInput, NotFound
from core.jobs.context import JobContext
from core.jobs.queue import cancel_job, get_job
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import decisions
from db.enums import DecisionKind, JobStatus, LabelSource, ModelStatus, Role
from db.people import ensure_person
from db.tables import LabelRow, ModelVersionRow, PredictionRow, ProductRow
from tests.core.catalogue.importing_help import run_next


@pytest.fixture
def shop(runtime: Runtime, actor: Actor) -> dict[str, int]:
    """Three products; Mina labels the first anew, and again, and takes that back; the second is gold."""
    now = datetime(2026, 11, 5, tzinfo=UTC)
    with runtime.sessions.write() as session:
        shirt, coat = ensure_categories(session, [("옷", "셔츠"), ("옷", "코트")], now).values()
        mina = ensure_person(session, "Mina", Role.ANNOTATOR, now).id
        for number in (1, 2, 3):
            values: dict[str, Any] = {"category_id": shirt, "label_source": LabelSource.IMPORT, "labeled_at": now}
            session.add(
                ProductRow(
                    id=number,
                    source="shop",
                    external_id=f"p{number}",
                    title=f"title {number}",
                    content_hash="",
                    created_at=now,
                    updated_at=now,
                    **values,
                )
            )
            session.flush()
            session.add(LabelRow(product_id=number, category_id=shirt, source=LabelSource.IMPORT, created_at=now))
        session.flush()
        said = {"kind": DecisionKind.LABEL, "product_id": 1, "person_id": mina, "created_at": now}
        first = decisions.insert_decision(session, said | {"idempotency_key": "1", "category_id": coat, "note": "=x"})
        assert first
        decisions.add_human_label(session, 1, coat, mina, first, now)
        second = decisions.insert_decision(session, said | {"idempotency_key": "2", "category_id": shirt})
        assert second
        decisions.add_human_label(session, 1, shirt, mina, second, now)
        undo = said | {"idempotency_key": "3", "kind": DecisionKind.UNDO, "undoes_id": second}
        decisions.insert_decision(session, undo | {"created_at": datetime(2026, 11, 6, tzinfo=UTC)})
        decisions.restore_winning_label(session, 1)
        return {"shirt": shirt, "coat": coat, "mina": mina, "second": second}


def rows_of(runtime: Runtime, actor: Actor, what: str, **asked: Any) -> list[dict[str, str]]:
    """The rows of a CSV, as a program reads them."""
    export_id = start_export(runtime, actor, ExportRequest(what, "csv", **asked))
    job = run_next(runtime)
    assert job.status == JobStatus.SUCCEEDED, job.error
    path = open_export(runtime, actor, export_id)
    content = b"".join(read_parts(path))
    assert (len(content), hashlib.sha256(content).hexdigest()) == (job.result["bytes"], job.result["sha256"])
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert job.result["rows"] == len(rows)
    return rows


def test_labels_come_with_their_history(runtime: Runtime, actor: Actor, shop: dict[str, int]) -> None:
    rows = [row for row in rows_of(runtime, actor, "labels") if row["external_id"] == "p1"]
    assert [
        (row["category"], row["label_source"], row["person"], row["is_void"], row["is_current"]) for row in rows
    ] == [
        ("옷 > 셔츠", "import", "", "false", "false"),
        ("옷 > 코트", "human", "Mina", "false", "true"),
        ("옷 > 셔츠", "human", "Mina", "true", "false"),
    ]
    of_mina = rows_of(runtime, actor, "labels", person_id=shop["mina"])
    assert [row["is_current"] for row in of_mina] == ["true", "false"]


def test_decisions_are_narrowed_by_person_day_and_filter(runtime: Runtime, actor: Actor, shop: dict[str, int]) -> None:
    rows = rows_of(runtime, actor, "decisions")
    assert [(row["kind"], row["is_undone"], row["note"]) for row in rows] == [
        ("label", "false", "'=x"),
        ("label", "true", ""),
        ("undo", "false", ""),
    ]
    assert rows[2]["undoes_id"] == rows[1]["decision_id"]
    assert len(rows_of(runtime, actor, "decisions", since=date(2026, 11, 6))) == 1
    assert len(rows_of(runtime, actor, "decisions", until=date(2026, 11, 5))) == 2
    assert rows_of(runtime, actor, "decisions", person_id=actor.person_id) == []
    assert rows_of(runtime, actor, "decisions", filter=ProductFilter(keyword="title 2")) == []


def test_products_by_filter(runtime: Runtime, actor: Actor, shop: dict[str, int]) -> None:
    rows = rows_of(runtime, actor, "products", filter=ProductFilter(label_source="human"))
    assert [(row["external_id"], row["category"], row["label_source"]) for row in rows] == [
        ("p1", "옷 > 코트", "human")
    ]


def test_predictions_of_a_version(runtime: Runtime, actor: Actor, shop: dict[str, int]) -> None:
    with runtime.sessions.write() as session:
        version = {"name": "v1", "status": ModelStatus.READY, "config": {}, "seed": 1, "created_by": actor.person_id}
        row = ModelVersionRow(**version, created_at=utc_now())
        session.add(row)
        session.flush()
        top = [[shop["coat"], 0.7], [shop["shirt"], 0.2]]
        values = {"category_id": shop["coat"], "confidence": 0.7, "margin": 0.5, "top": top, "abstained": True}
        session.add(PredictionRow(model_version_id=row.id, product_id=2, **values))
        version_id = row.id
    export_id = start_export(runtime, actor, ExportRequest("predictions", "parquet", version_id=version_id))
    assert run_next(runtime).status == JobStatus.SUCCEEDED
    [found] = pq.read_table(open_export(runtime, actor, export_id)).to_pylist()
    assert (found["external_id"], found["predicted_category"], found["model_version"]) == ("p2", "옷 > 코트", "v1")
    assert found["suggestions"][1] == {"category": "옷 > 셔츠", "probability": 0.2}
    assert found["hard_to_predict"] is True


def test_who_may_not_see_people_reads_no_names(runtime: Runtime, actor: Actor, shop: dict[str, int]) -> None:
    analyst = sign_in_local(runtime, "Ana", Role.ANALYST)
    rows = rows_of(runtime, analyst, "decisions")
    assert len({row["person"] for row in rows}) == 1
    assert rows[0]["person"].startswith("person-")
    assert {row["is_gold_check"] for row in rows} == {""}
    with pytest.raises(Forbidden):
        start_export(runtime, analyst, ExportRequest("decisions", person_id=shop["mina"]))
    with pytest.raises(Forbidden):
        start_export(runtime, analyst, ExportRequest("products", filter=ProductFilter(decided_by=shop["mina"])))
    rows_of(runtime, actor, "decisions")  # with names
    newest = list_exports(runtime, analyst)[0]
    with pytest.raises(Forbidden):
        open_export(runtime, analyst, newest.id)
    for act in (list_exports, lambda *who: start_export(*who, ExportRequest("products"))):
        with pytest.raises(Forbidden):
            act(runtime, replace(actor, role=Role.ANNOTATOR))


def test_a_file_is_moved_or_deleted_and_stays_listed(sqlite_runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    first, second = (start_export(sqlite_runtime, actor, ExportRequest("products", name)) for name in ("csv", "jsonl"))
    with pytest.raises(Conflict):
        open_export(sqlite_runtime, actor, first)
    for _ in (first, second):
        run_next(sqlite_runtime)
    assert take_away(sqlite_runtime, actor, first, tmp_path / "there.csv").exists()
    delete_export(sqlite_runtime, actor, second)
    assert [one.path for one in list_exports(sqlite_runtime, actor)] == [None, None]
    with pytest.raises(NotFound):
        delete_export(sqlite_runtime, actor, second)
    with pytest.raises(NotFound):
        get_export(sqlite_runtime, actor, 99)


def test_a_narrowing_that_would_do_nothing_is_refused() -> None:
    for asked in (
        {"what": "everything"},
        {"what": "products", "format": "xlsx"},
        {"what": "products", "since": "2026-01-01"},
        {"what": "decisions", "since": "yesterday"},
        {"what": "snapshot"},
        {"what": "products", "filter": {"no_such": 1}},
        {"what": "label-studio", "format": "json", "style": "boxes"},
        {"what": "products", "colour": "red"},
    ):
        with pytest.raises(InvalidInput):
            ExportRequest.from_payload({"format": "csv"} | asked)


def test_a_killed_export_begins_anew_under_the_same_name(
    runtime: Runtime, actor: Actor, shop: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    export_id = start_export(runtime, actor, ExportRequest("products", "jsonl"))
    with monkeypatch.context() as patch:

        def interrupt(self: Any) -> None:
            raise KeyboardInterrupt

        patch.setattr(HashedFile, "flush_to_disk", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run_next(runtime)
    assert list((runtime.data_dir / "exports").iterdir()) == []  # no half file
    job = run_next(runtime)
    assert (job.id, job.status) == (export_id, JobStatus.SUCCEEDED)
    lines = open_export(runtime, actor, export_id).read_text("utf-8").splitlines()
    assert [json.loads(line)["external_id"] for line in lines] == ["p1", "p2", "p3"]
    assert [path.name for path in (runtime.data_dir / "exports").iterdir()] == [f"{export_id}-products.jsonl"]


def test_a_full_disk_is_said_in_words(sqlite_runtime: Runtime, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Any, data: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(HashedFile, "write", full)
    start_export(sqlite_runtime, actor, ExportRequest("products"))
    job = run_next(sqlite_runtime)
    assert job.status == JobStatus.FAILED
    assert "no room left on the disk" in (job.error or "")


def test_a_cancelled_export_leaves_nothing(
    runtime: Runtime, actor: Actor, shop: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    export_id = start_export(runtime, actor, ExportRequest("products"))
    real = exporting._write

    def cancelled(context: JobContext, *rest: Any) -> dict[str, Any]:
        cancel_job(context.runtime, actor, context.job.id)
        return real(context, *rest)

    monkeypatch.setattr(exporting, "_write", cancelled)
    assert run_next(runtime).status == JobStatus.ABORTED
    assert get_job(runtime, export_id).result == {}
    assert list((runtime.data_dir / "exports").iterdir()) == []


def test_the_same_export_is_not_made_twice_while_it_waits(sqlite_runtime: Runtime, actor: Actor) -> None:
    first = start_export(sqlite_runtime, actor, ExportRequest("products"))
    assert start_export(sqlite_runtime, actor, ExportRequest("products")) == first
    assert start_export(sqlite_runtime, actor, ExportRequest("products", "jsonl")) != first


def test_a_role_that_was_taken_away_stops_a_waiting_export(sqlite_runtime: Runtime, actor: Actor) -> None:
    ana = sign_in_local(sqlite_runtime, "Ana", Role.ANALYST)
    start_export(sqlite_runtime, ana, ExportRequest("products"))
    with sqlite_runtime.sessions.write() as session:
        session.execute(sa.text("UPDATE people SET role = 'annotator' WHERE name = 'Ana'"))
    assert run_next(sqlite_runtime).status == JobStatus.FAILED
