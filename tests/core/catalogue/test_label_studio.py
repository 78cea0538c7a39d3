"""Label Studio's JSON: out and in again is the same; what cannot be taken is named, and nothing else is lost."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core.catalogue.exporting.exporting import get_export, start_export
from core.catalogue.exporting.label_studio import labeling_config
from core.catalogue.exporting.request import ExportRequest
from core.catalogue.import_runs import ImportRun, find_run_of_job
from core.catalogue.importing import JOB, label_studio_payload
from core.catalogue.label_studio.people import find_strangers
from core.catalogue.label_studio.reading import Items
from core.catalogue.taxonomy import ensure_categories
from core.catalogue.taxonomy_edits.acts import merge_categories, rename_category
from core.errors import InvalidInput, UnreadableFile
from core.jobs.queue import Job, enqueue
from core.jobs.worker import run_claimed
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import DecisionKind, JobStatus, LabelSource, Role
from db.tables import CampaignRow, CategoryRow, DecisionRow, LabelRow, PersonRow, ProductRow, TaskRow
from tests.core.catalogue.importing_help import reasons, run_next

PATHS = [("Clothes", "Shirts"), ("Clothes", "Coats"), ("Toys", "Dolls"), ("Toys", "Shirts")]


@pytest.fixture
def tree(runtime: Runtime) -> None:
    with runtime.sessions.write() as session:
        ensure_categories(session, PATHS, utc_now())


def annotation(who: Any, path: Any, at: str = "2026-11-01T10:00:00Z", **more: Any) -> dict[str, Any]:
    kind = "taxonomy" if isinstance(path, list) else "choices"
    value = {kind: [path]}
    result = [{"id": "x", "from_name": "cat", "to_name": "text", "type": kind, "value": value}]
    return {"completed_by": who, "result": result if path else [], "created_at": at, "lead_time": 4.5} | more


def task(number: int, *annotations: dict[str, Any], **data: Any) -> dict[str, Any]:
    return {"id": number, "data": {"text": f"title {number}"} | data, "annotations": list(annotations)}


def write(path: Path, tasks: list[Any]) -> Path:
    path.write_text(json.dumps(tasks, ensure_ascii=False, indent=1), "utf-8")
    return path


def bring_in(runtime: Runtime, actor: Actor, path: Path, people: str = "", **told: Any) -> tuple[Job, ImportRun]:
    payload = label_studio_payload(path, "ls", people, **told)
    job = run_claimed(runtime, enqueue(runtime, actor, JOB, payload, worker="w"), "w")
    assert job.status == JobStatus.SUCCEEDED, job.error
    run = find_run_of_job(runtime, job.id)
    assert run
    return job, run


def decided(runtime: Runtime) -> list[tuple[Any, ...]]:
    """(title, kind, person, category, note, when) of every decision."""
    query = (
        sa.select(
            ProductRow.title,
            DecisionRow.kind,
            PersonRow.name,
            CategoryRow.path,
            DecisionRow.note,
            DecisionRow.created_at,
        )
        .select_from(DecisionRow)
        .join(ProductRow)
        .join(PersonRow)
        .outerjoin(CategoryRow, CategoryRow.id == DecisionRow.category_id)
        .order_by(ProductRow.title, PersonRow.name, DecisionRow.kind, DecisionRow.id)
    )
    with runtime.sessions.read() as session:
        return [tuple(row) for row in session.execute(query)]


def labels(runtime: Runtime) -> dict[str, tuple[str | None, LabelSource | None]]:
    """Title -> (category, source) of the label that counts."""
    query = sa.select(ProductRow.title, CategoryRow.path, ProductRow.label_source).outerjoin(
        CategoryRow, CategoryRow.id == ProductRow.category_id
    )
    with runtime.sessions.read() as session:
        return {title: (path, source) for title, path, source in session.execute(query)}


@pytest.mark.usefixtures("tree")
def test_annotations_become_decisions_of_people_here(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    note = {"from_name": "note", "type": "textarea", "value": {"text": ["hm"]}}
    skipped = annotation({"email": "juno@example.com"}, None, was_cancelled=True)
    first = annotation(7, ["Clothes", "Shirts"])
    first["result"].append(note)
    path = write(
        tmp_path / "tasks.json",
        [
            task(1, first, skipped, 한글="값"),
            task(2, annotation(7, "Toys > Dolls"), annotation({"first_name": "Juno"}, "Coats")),
            task(3),
        ],
    )
    sign_in_local(runtime, "Juno", Role.ANNOTATOR)
    job, run = bring_in(runtime, actor, path, "7=Mina, juno@example.com=Juno")
    assert (job.result["rows_imported"], run.n_rejected) == (3, 0)
    assert [row[:5] for row in decided(runtime)] == [
        ("title 1", DecisionKind.CANNOT_TELL, "Juno", None, None),
        ("title 1", DecisionKind.LABEL, "Mina", "Clothes > Shirts", "hm"),
        ("title 2", DecisionKind.LABEL, "Juno", "Clothes > Coats", None),
        ("title 2", DecisionKind.LABEL, "Mina", "Toys > Dolls", None),
    ]
    assert labels(runtime)["title 1"] == ("Clothes > Shirts", LabelSource.HUMAN)
    assert labels(runtime)["title 3"] == (None, None)
    with runtime.sessions.read() as session:
        campaign = session.scalars(sa.select(CampaignRow)).one()
        assert (campaign.overlap, campaign.n_tasks) == (2, 4)
        assert session.scalar(sa.select(sa.func.count()).select_from(TaskRow)) == 4
        assert session.scalars(sa.select(PersonRow.role).where(PersonRow.name == "Mina")).one() == Role.ANNOTATOR

    before = decided(runtime)
    job, _ = bring_in(runtime, actor, path, "7=Mina, juno@example.com=Juno")  # again: nothing new
    assert (job.result["rows_unchanged"], decided(runtime)) == (3, before)


@pytest.mark.usefixtures("tree")
def test_what_cannot_be_taken_is_named_and_the_rest_goes_on(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    two = annotation("tester", ["Toys", "Dolls"])
    two["result"].append(two["result"][0] | {"value": {"taxonomy": [["Clothes", "Coats"]]}})
    path = write(
        tmp_path / "tasks.json",
        [
            task(1, annotation("tester", ["No", "Such"]), annotation(9, ["Toys", "Dolls"])),
            task(2, annotation("tester", "Shirts"), two, annotation("tester", ["Toys"])),
            {"id": 3, "text": "flat"},
            task(4, annotation("tester", None), annotation(None, ["Toys", "Dolls"])),
            task(5, annotation("tester", "Coats"), annotation("tester", "Dolls", "2026-11-02T00:00:00Z")),
            task(6, text=""),
        ],
    )
    _, run = bring_in(runtime, actor, path)
    found = reasons(runtime, run)
    assert {(line, column) for line, column, _ in found} == {
        (2, "annotations[1].result"),
        (3, "data"),
        (4, "annotations[0].result"),
        (6, "text"),
        (1, "annotations[0].result"),
        (1, "annotations[1].completed_by"),
        (2, "annotations[0]"),
        (2, "annotations[2].result"),
        (4, "annotations[1].completed_by"),
        (5, "annotations[0]"),
    }
    assert len(found) == 10
    told = {(line, column): reason for line, column, reason in found}
    assert "No leaf of the category tree is called 'No > Such'" in told[1, "annotations[0].result"]
    assert "--people '9=" in told[1, "annotations[1].completed_by"]
    assert "--people '?=" in told[4, "annotations[1].completed_by"]
    assert find_strangers(runtime, run.id) == {"9": 1, "?": 1}
    assert [row[:4] for row in decided(runtime)] == [("title 5", DecisionKind.LABEL, "tester", "Toys > Dolls")]
    assert set(labels(runtime)) == {"title 1", "title 2", "title 4", "title 5"}


@pytest.mark.usefixtures("tree")
def test_ground_truth_is_gold(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    sign_in_local(runtime, "Mina", Role.ANNOTATOR)
    path = write(
        tmp_path / "t.json",
        [
            task(1, annotation("tester", "Coats", ground_truth=True)),
            task(2, annotation("Mina", "Dolls", ground_truth=True)),
        ],
    )
    bring_in(runtime, actor, path)
    assert labels(runtime) == {
        "title 1": ("Clothes > Coats", LabelSource.GOLD),
        "title 2": ("Toys > Dolls", LabelSource.GOLD),
    }
    assert [row[1:3] for row in decided(runtime)] == [
        (DecisionKind.SETTLE, "tester"),
        (DecisionKind.LABEL, "Mina"),
        (DecisionKind.SETTLE, "tester"),  # an annotator settles nothing: who imports does
    ]


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize("style", ["taxonomy", "choices"])
def test_out_and_in_again_is_the_same(
    runtime: Runtime, actor: Actor, tmp_path: Path, style: str, sqlite_runtime: Runtime
) -> None:
    """From either database into a fresh SQLite one, and back into itself."""
    sign_in_local(runtime, "Mina", Role.ANNOTATOR)
    verdict = {"from_name": "verdict", "type": "choices", "value": {"choices": ["bad_listing"]}}
    bad = annotation("tester", None, "2026-11-03T01:02:03.456789Z", was_cancelled=True, result=[verdict])
    path = write(
        tmp_path / "t.json",
        [
            task(1, annotation("Mina", ["Toys", "Shirts"]), bad, category="Toys > Dolls", mall="=몰", price="1200.50"),
            task(2, annotation("tester", "Coats", ground_truth=True)),
            task(3, category="Clothes > Coats", brand="'브랜드\""),
        ],
    )
    bring_in(runtime, actor, path)
    before = decided(runtime), labels(runtime)
    export_id = start_export(runtime, actor, ExportRequest("label-studio", "json", style=style))
    assert run_next(runtime).status == JobStatus.SUCCEEDED
    out = get_export(runtime, actor, export_id).path
    assert out

    if runtime.sessions.engine.dialect.name == "sqlite":  # the other fixture is the same folder
        other, other_actor = runtime, actor
    else:
        other, other_actor = sqlite_runtime, sign_in_local(sqlite_runtime, "tester")
        sign_in_local(other, "Mina", Role.ANNOTATOR)
        with other.sessions.write() as session:
            ensure_categories(session, PATHS, utc_now())
    _, run = bring_in(other, other_actor, out)
    assert run.n_rejected == 0
    assert (decided(other), labels(other)) == before
    bring_in(runtime, actor, out)
    assert (decided(runtime), labels(runtime)) == before
    with runtime.sessions.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(LabelRow)) == 4


def test_a_killed_import_goes_on(runtime: Runtime, actor: Actor, tmp_path: Path, monkeypatch: Any) -> None:
    from core.catalogue.label_studio import importing

    monkeypatch.setattr(importing, "BLOCK_ITEMS", 2)
    path = write(tmp_path / "t.json", [task(number) for number in range(1, 8)])
    payload = label_studio_payload(path, "ls")
    job_id = enqueue(runtime, actor, JOB, payload, worker="w")
    n_taken = 0
    real = importing._Importer.take

    def take(self: Any, block: Any) -> None:
        nonlocal n_taken
        n_taken += 1
        if n_taken == 3:
            raise KeyboardInterrupt
        real(self, block)

    monkeypatch.setattr(importing._Importer, "take", take)
    with pytest.raises(KeyboardInterrupt):
        run_claimed(runtime, job_id, "w")
    job = run_next(runtime)
    assert (job.status, job.result["rows_imported"]) == (JobStatus.SUCCEEDED, 7)
    assert len(labels(runtime)) == 7


@pytest.mark.parametrize("text", ['{"a": 1}', "", "hello", "[", '[{"id": 1}, '])
def test_what_is_no_array_is_refused(sqlite_runtime: Runtime, actor: Actor, tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.json"
    path.write_text(text, "utf-8")
    with pytest.raises(UnreadableFile):
        list(Items(path))


def test_people_are_told_as_pairs(tmp_path: Path) -> None:
    path = write(tmp_path / "t.json", [task(1)])
    with pytest.raises(InvalidInput, match="annotator=person"):
        label_studio_payload(path, "ls", "Mina")


def test_the_labeling_interface_holds_the_tree(sqlite_runtime: Runtime) -> None:
    from xml.etree import ElementTree

    with sqlite_runtime.sessions.write() as session:
        ensure_categories(session, [('A "B" & <C>', "D")], utc_now())
    for style in ("taxonomy", "choices"):
        view = ElementTree.fromstring(labeling_config(sqlite_runtime, style))
        values = [choice.get("value") for choice in view.iter("Choice")]
        assert ('A "B" & <C›' if style == "taxonomy" else 'A "B" & <C› > D') in values


def test_an_annotator_who_must_be_made_needs_an_admin(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    with runtime.sessions.write() as session:
        ensure_categories(session, PATHS, utc_now())
    operator = sign_in_local(runtime, "Olga", Role.OPERATOR)
    path = write(tmp_path / "t.json", [task(1, annotation(7, "Coats"))])
    _, run = bring_in(runtime, replace(operator), path, "7=Nobody")
    assert "only an admin" in reasons(runtime, run)[0][2]


def find_leaf(runtime: Runtime, path: str) -> int:
    with runtime.sessions.read() as session:
        return session.scalars(sa.select(CategoryRow.id).where(CategoryRow.path == path)).one()


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize("is_truth", [True, False])
def test_what_was_decided_here_later_stands(runtime: Runtime, actor: Actor, tmp_path: Path, is_truth: bool) -> None:
    """An annotation of before the standing verdict of its rank is a rejected row."""
    here = annotation("tester", ["Toys", "Dolls"], "2026-11-10T00:00:00Z", ground_truth=is_truth)
    bring_in(runtime, actor, write(tmp_path / "here.json", [task(1, here), task(2)]))
    before = decided(runtime), labels(runtime)
    old = annotation("Mina", ["Clothes", "Shirts"], "2024-01-01T00:00:00Z", ground_truth=is_truth)
    sign_in_local(runtime, "Mina", Role.REVIEWER)
    path = write(tmp_path / "old.json", [task(1, old), task(2, old)])
    _, run = bring_in(runtime, actor, path)
    assert labels(runtime)["title 1"] == before[1]["title 1"]
    assert [row for row in decided(runtime) if row[0] == "title 1"] == before[0]
    assert labels(runtime)["title 2"][0] == "Clothes > Shirts"
    assert [(row[0], "2026-11-10 00:00 UTC" in row[2]) for row in reasons(runtime, run)] == [(1, True)]
    new = annotation("Mina", ["Clothes", "Shirts"], "2026-11-11T00:00:00Z", ground_truth=is_truth)
    _, run = bring_in(runtime, actor, write(tmp_path / "new.json", [task(1, new)]))
    assert (run.n_rejected, labels(runtime)["title 1"][0]) == (0, "Clothes > Shirts")


@pytest.mark.usefixtures("tree")
def test_within_a_file_the_latest_counts(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    said = [
        annotation("tester", ["Toys", "Dolls"], "2026-11-01T00:00:00Z"),
        annotation("Mina", ["Clothes", "Coats"], "2026-11-02T00:00:00Z"),
        annotation("tester", ["Clothes", "Shirts"], "2026-11-03T00:00:00Z"),
    ]
    sign_in_local(runtime, "Mina", Role.ANNOTATOR)
    _, run = bring_in(runtime, actor, write(tmp_path / "t.json", [task(1, *said)]))
    assert labels(runtime)["title 1"][0] == "Clothes > Shirts"
    assert (run.n_rejected, len(decided(runtime))) == (1, 2)


@pytest.mark.usefixtures("tree")
def test_edits_of_the_tree_are_followed_and_nothing_comes_twice(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    sign_in_local(runtime, "Mina", Role.ANNOTATOR)
    said = [annotation("Mina", ["Clothes", "Coats"]), annotation("tester", ["Clothes", "Coats"], ground_truth=True)]
    path = write(tmp_path / "t.json", [task(1, *said)])
    bring_in(runtime, actor, path)
    before = decided(runtime)
    merge_categories(
        runtime, actor, find_leaf(runtime, "Clothes > Coats"), find_leaf(runtime, "Clothes > Shirts"), reason="x"
    )
    export_id = start_export(runtime, actor, ExportRequest("label-studio", "json"))
    assert run_next(runtime).status == JobStatus.SUCCEEDED
    out = get_export(runtime, actor, export_id).path
    assert out
    for file in (out, path):
        _, run = bring_in(runtime, actor, file)
        assert (run.n_rejected, decided(runtime)) == (0, before)
    _, run = bring_in(runtime, actor, write(tmp_path / "n.json", [task(2, annotation("Mina", ["Clothes", "Coats"]))]))
    assert (run.n_rejected, labels(runtime)["title 2"][0]) == (0, "Clothes > Shirts")
    rename_category(runtime, actor, find_leaf(runtime, "Toys > Dolls"), "Puppets", reason="x")
    _, run = bring_in(runtime, actor, write(tmp_path / "r.json", [task(3, annotation("Mina", ["Toys", "Dolls"]))]))
    assert (run.n_rejected, labels(runtime)["title 3"][0]) == (0, "Toys > Puppets")
