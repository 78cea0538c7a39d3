"""Snapshots: who is right about a product, what stays out, the same content under the same name, frozen for good."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from core.errors import UnreadableFile
from core.runtime import Runtime
from core.settings import ROOT
from core.training.learning_rows import read_snapshot
from core.training.snapshot import Snapshot, choose_rows, take_snapshot
from core.training.splits import assign_folds
from core.training.training_preview import preview_training
from core.types import Actor, utc_now
from db.enums import DecisionKind, LabelSource
from db.people import raise_revision
from db.tables import CategoryRow, LabelRow, MallCategoryRow, MallRow, ProductRow
from tests.core.training.shelf import add_products, category_id, decide, fill_shelf, make_titles, undo


def take(runtime: Runtime, min_rows: int = 3) -> Snapshot:
    assign_folds(runtime)
    return take_snapshot(runtime, min_rows, human_weight=2.0)


def rows_of(runtime: Runtime, snapshot: Snapshot) -> dict[int, dict[str, object]]:
    table = pq.read_table(runtime.data_dir / snapshot.path)
    return {row["product_id"]: row for row in table.to_pylist()}


def test_the_same_content_is_the_same_file_and_row(runtime: Runtime, actor: Actor) -> None:
    ids = fill_shelf(runtime)
    first, again = take(runtime), take(runtime)
    assert (first.id, first.content_hash, first.n_rows) == (again.id, again.content_hash, 180)
    assert [path.name for path in (runtime.data_dir / "snapshots").iterdir()] == [f"{first.content_hash}.parquet"]
    decide(runtime, actor, ids["바지"][0], "신발")
    assert take(runtime).content_hash != first.content_hash


def test_human_outranks_import_the_latest_wins_and_an_undone_one_does_not_count(runtime: Runtime, actor: Actor) -> None:
    trousers = fill_shelf(runtime)["바지"]
    decide(runtime, actor, trousers[0], "신발")
    decide(runtime, actor, trousers[0], "가전")  # the latest
    undo(runtime, actor, decide(runtime, actor, trousers[1], "신발"))  # back to the import
    decide(runtime, actor, trousers[2], "신발")
    undo(runtime, actor, decide(runtime, actor, trousers[2], "가전"))  # back to the earlier one
    decide(runtime, actor, trousers[3], "신발")
    with runtime.sessions.write() as session:  # an import that comes later does not outrank a person
        session.add(
            LabelRow(
                product_id=trousers[3],
                category_id=category_id_of(session, "가전"),
                source=LabelSource.IMPORT,
                created_at=utc_now(),
            )
        )
    rows = rows_of(runtime, take(runtime))
    names = {category_id(runtime, name): name for name in ("바지", "신발", "가전")}
    found = [(names[rows[p]["category_id"]], rows[p]["label_source"], rows[p]["weight"]) for p in trousers[:5]]  # type: ignore[index]
    assert found == [
        ("가전", "human", 2.0),
        ("바지", "import", 1.0),
        ("신발", "human", 2.0),
        ("신발", "human", 2.0),
        ("바지", "import", 1.0),
    ]


def category_id_of(session: sa.orm.Session, name: str) -> int:
    return session.scalars(sa.select(CategoryRow.id).where(CategoryRow.name == name)).one()


def test_what_people_called_undecidable_stays_out_until_they_decide(runtime: Runtime, actor: Actor) -> None:
    trousers = fill_shelf(runtime)["바지"]
    decide(runtime, actor, trousers[0], None)
    decide(runtime, actor, trousers[1], None, DecisionKind.BAD_LISTING)
    decide(runtime, actor, trousers[2], None)
    decide(runtime, actor, trousers[2], "바지")
    undo(runtime, actor, decide(runtime, actor, trousers[3], None))
    snapshot = take(runtime)
    rows = rows_of(runtime, snapshot)
    assert [product in rows for product in trousers[:4]] == [False, False, True, True]
    assert snapshot.summary["left_out"] == {"cannot_tell": 1, "bad_listing": 1}


def test_rare_and_retired_categories_stay_out(runtime: Runtime) -> None:
    fill_shelf(runtime)
    add_products(runtime, "희귀", make_titles("바지", 2, seed=5))
    with runtime.sessions.write() as session:
        session.execute(sa.update(CategoryRow).where(CategoryRow.name == "가전").values(retired_at=utc_now()))
    snapshot = take(runtime)
    assert snapshot.summary["left_out"] == {"too_few_rows": 2, "retired_category": 60}
    assert snapshot.summary["n_categories"] == 2
    assert snapshot.n_rows == 120


def test_the_preview_counts_what_the_snapshot_takes(runtime: Runtime, actor: Actor) -> None:
    ids = fill_shelf(runtime)
    add_products(runtime, "희귀", make_titles("바지", 2, seed=5))
    decide(runtime, actor, ids["바지"][0], None)
    decide(runtime, actor, ids["바지"][1], "신발")
    undo(runtime, actor, decide(runtime, actor, ids["바지"][2], "신발"))
    assign_folds(runtime)
    preview, choice = preview_training(runtime, min_rows=3), choose_rows(runtime, min_rows=3)
    assert preview.by_source == dict(choice.by_source) == {"import": 178, "human": 1}
    assert preview.left_out == dict(choice.left_out) == {"cannot_tell": 1, "too_few_rows": 2}
    assert preview.n_categories == len(choice.categories) == 3
    assert (preview.since_version, preview.n_new_decisions, preview.obstacle) == (None, 2, None)


def test_the_preview_says_why_training_is_not_possible(runtime: Runtime) -> None:
    add_products(runtime, "바지", make_titles("바지", 50))
    obstacle = preview_training(runtime, min_rows=3).obstacle
    assert str(obstacle) == "50 usable labels in 1 categories: training needs at least 40 in two categories."


def test_all_fields_come_back_as_they_went_in(runtime: Runtime) -> None:
    ids = fill_shelf(runtime)
    with runtime.sessions.write() as session:
        mall = MallRow(name="몰", weight=0.25)
        session.add(mall)
        session.flush()
        path = MallCategoryRow(mall_id=mall.id, path="패션 > 하의")
        session.add(path)
        session.flush()
        session.execute(
            sa.update(ProductRow)
            .where(ProductRow.id == ids["바지"][0])
            .values(mall_id=mall.id, mall_category_id=path.id, brand="브랜드", registered_at=utc_now())
        )
    snapshot = take(runtime)
    rows = read_snapshot(runtime, snapshot)
    parts = {"train": rows.train, "validation": rows.validation, "test": rows.test}
    assert {name: len(part.labeled) for name, part in parts.items()} == snapshot.summary["by_fold"]
    assert rows.class_ids == sorted(category_id(runtime, name) for name in ids)
    part, at = next((p, p.product_ids.index(ids["바지"][0])) for p in parts.values() if ids["바지"][0] in p.product_ids)
    texts = part.labeled.products
    assert (texts.mall_categories[at], texts.brands[at]) == ("패션 > 하의", "브랜드")
    assert texts.mall_weights is not None
    assert texts.mall_weights[at] == 0.25
    assert rows.class_ids[part.labeled.labels[at]] == category_id(runtime, "바지")


def test_a_frozen_file_that_was_changed_or_is_gone_is_refused(sqlite_runtime: Runtime) -> None:
    fill_shelf(sqlite_runtime)
    snapshot = take(sqlite_runtime)
    path = sqlite_runtime.data_dir / snapshot.path
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)
    with pytest.raises(UnreadableFile, match="changed after it was frozen"):
        read_snapshot(sqlite_runtime, snapshot)
    path.write_bytes(b"PAR1 no")
    with pytest.raises(UnreadableFile, match="cannot be read"):
        read_snapshot(sqlite_runtime, snapshot)
    path.unlink()
    with pytest.raises(UnreadableFile, match="cannot be read"):
        read_snapshot(sqlite_runtime, snapshot)


def test_no_training_code_reads_the_planted_truth(runtime: Runtime, actor: Actor) -> None:
    ids = fill_shelf(runtime)
    decide(runtime, actor, ids["바지"][0], "신발")
    statements: list[str] = []
    sa.event.listen(
        runtime.sessions.engine, "before_cursor_execute", lambda c, cur, statement, *rest: statements.append(statement)
    )
    read_snapshot(runtime, take(runtime))
    preview_training(runtime, min_rows=3)
    assert statements
    assert not [statement for statement in statements if "demo_truths" in statement]
    sources = [
        *sorted((ROOT / "core/training").glob("*.py")),
        *sorted((ROOT / "core/serving").glob("*.py")),
        *(ROOT / "db" / f"{name}.py" for name in NOUNS_OF_TRAINING),
    ]
    for path in sources:
        text = Path(path).read_text("utf-8")
        assert "DemoTruthRow" not in text
        assert "demo_truths" not in text


NOUNS_OF_TRAINING = ("labels_for_training", "snapshots", "splits", "model_versions", "predictions", "comparisons")


def test_inner_categories_are_not_learned_for_nobody_could_accept_them(runtime: Runtime) -> None:
    fill_shelf(runtime)
    with runtime.sessions.write() as session:
        session.execute(sa.update(CategoryRow).where(CategoryRow.name == "신발").values(is_leaf=False))
        raise_revision(session, "taxonomy")
        inner = category_id_of(session, "신발")
    snapshot = take(runtime)
    assert inner not in {row["category_id"] for row in rows_of(runtime, snapshot).values()}
    n_inner = snapshot.summary["left_out"]["not_a_leaf"]
    assert n_inner == 180 - snapshot.n_rows > 0
    assert preview_training(runtime, 3).left_out == {"not_a_leaf": n_inner}


def test_rare_categories_still_judge_the_model(runtime: Runtime) -> None:
    """Else the figure would be of the easy part only: a category too rare to learn is a held-out error."""
    fill_shelf(runtime)
    snapshot = take(runtime, min_rows=61)  # each category has 60
    rows = rows_of(runtime, snapshot)
    assert rows
    assert {row["fold"] for row in rows.values()} == {0}
    assert snapshot.summary["left_out"] == {"too_few_rows": 180 - len(rows)}
    learning = read_snapshot(runtime, snapshot)
    assert (learning.class_ids, len(learning.test_labels)) == ([], len(rows))
