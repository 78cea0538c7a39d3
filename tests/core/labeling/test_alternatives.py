"""Accepted alternatives: given and taken back, frozen with the snapshot, right when judged."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from core.errors import NotFound, UnknownCategory
from core.labeling.alternatives import add_alternative, list_alternatives, remove_alternative
from core.runtime import Runtime
from core.training.compare import compare_versions, list_changed_products
from core.training.evaluate import Answers, evaluate, right_labels
from core.training.learning_rows import read_snapshot
from core.training.snapshot import OLD_COLUMNS, Content, Snapshot, take_snapshot
from core.training.splits import assign_folds
from core.types import Actor
from db.enums import Role
from db.tables import AuditRow
from tests.core.labeling import shelf as labeling_shelf
from tests.core.training.answers import add_version, put_in_fold
from tests.core.training.shelf import add_products, category_id, fill_shelf, make_titles
from tests.roles import ADMIN, of_role


def test_given_and_taken_back(runtime: Runtime, actor: Actor) -> None:
    product = fill_shelf(runtime, 2)["바지"][0]
    shoes = category_id(runtime, "신발")
    assert add_alternative(runtime, actor, product, shoes)
    assert not add_alternative(runtime, actor, product, shoes)
    (found,) = list_alternatives(runtime, ADMIN, product)
    assert (found.category, found.person) == ("상품 > 신발", "tester")
    assert remove_alternative(runtime, actor, product, shoes)
    assert not remove_alternative(runtime, actor, product, shoes)
    assert list_alternatives(runtime, ADMIN, product) == []
    with runtime.sessions.read() as session:
        said = session.scalars(
            sa.select(AuditRow.action).where(AuditRow.entity == "product", AuditRow.entity_id == product)
        ).all()
    assert said == ["accept_alternative", "remove_alternative"]


def test_what_cannot_be_an_alternative_is_refused(runtime: Runtime, actor: Actor) -> None:
    shelf = labeling_shelf.fill_shelf(runtime, 2)
    with pytest.raises(UnknownCategory):
        add_alternative(runtime, actor, shelf.products[0], shelf.men)  # no leaf
    with pytest.raises(UnknownCategory):
        add_alternative(runtime, actor, shelf.products[0], 9_999)
    with pytest.raises(NotFound):
        add_alternative(runtime, actor, 9_999, shelf.leaves[1])
    anybody = labeling_shelf.annotator(runtime, "somebody")
    assert add_alternative(runtime, anybody, shelf.products[0], shelf.leaves[1])


def frozen(runtime: Runtime) -> Snapshot:
    assign_folds(runtime)
    return take_snapshot(runtime, min_rows=3, human_weight=2.0)


def test_they_are_frozen_and_hashed(runtime: Runtime, actor: Actor) -> None:
    ids = fill_shelf(runtime)
    add_products(runtime, "드문", make_titles("바지", 1, 9))  # too few rows to be learned
    put_in_fold(runtime, ids["바지"][2:3], 0)
    before = frozen(runtime)
    shoes, gadgets, rare = (category_id(runtime, name) for name in ("신발", "가전", "드문"))
    for product, category in (
        (ids["바지"][0], shoes),
        (ids["바지"][0], category_id(runtime, "바지")),
        (ids["바지"][2], gadgets),
        (ids["바지"][1], rare),
    ):
        add_alternative(runtime, actor, product, category)
    after = frozen(runtime)
    assert after.content_hash != before.content_hash
    rows = read_snapshot(runtime, after)
    learned = {}
    for part in (rows.train, rows.validation):
        if part.labeled.alternatives is not None:
            places = zip(*part.labeled.alternatives.nonzero(), strict=True)
            learned |= {part.product_ids[row]: rows.class_ids[place] for row, place in places}
    assert learned.get(ids["바지"][0], shoes) == shoes
    assert rare not in learned.values()  # nothing to learn it from
    told = dict(zip(rows.test.product_ids, rows.test_alternatives, strict=True))
    assert told[ids["바지"][2]] == [gadgets]
    remove_alternative(runtime, actor, ids["바지"][0], shoes)
    assert frozen(runtime).content_hash != after.content_hash


def test_a_file_frozen_before_there_were_alternatives_is_still_read(sqlite_runtime: Runtime, tmp_path: Path) -> None:
    fill_shelf(sqlite_runtime)
    snapshot = frozen(sqlite_runtime)
    table = pq.read_table(sqlite_runtime.data_dir / snapshot.path).select(list(OLD_COLUMNS))
    content = Content(OLD_COLUMNS)
    content.add(list(zip(*(column.to_pylist() for column in table.columns), strict=True)))
    path = sqlite_runtime.data_dir / "snapshots" / "old.parquet"
    pq.write_table(table, path)
    old = Snapshot(9, content.digest(), "snapshots/old.parquet", table.num_rows, {})
    rows, now = read_snapshot(sqlite_runtime, old), read_snapshot(sqlite_runtime, snapshot)
    assert rows.train.product_ids == now.train.product_ids
    assert rows.train.labeled.alternatives is None
    assert rows.test_alternatives == [[]] * len(rows.test)


def test_an_accepted_answer_is_right() -> None:
    labels = np.array([1, 1, 1, 9])
    ids = np.array([[2, 1], [2, 1], [3, 2], [2, 3]])
    answers = Answers(ids, np.full((4, 2), 0.5, np.float32), np.zeros(4, bool), ids[:, 0])
    assert evaluate(labels, answers).p_at_1.value == 0.0
    judged = right_labels(labels, [[2], [], [2], [3, 4]], answers)
    assert judged.tolist() == [2, 1, 2, 3]
    found = evaluate(judged, answers)
    assert (found.p_at_1.value, found.p_at_2.value) == (0.25, 1.0)
    assert labels.tolist() == [1, 1, 1, 9]


def test_comparing_versions_counts_them_too(runtime: Runtime, actor: Actor) -> None:
    products = fill_shelf(runtime, 4)["바지"]
    put_in_fold(runtime, products, 0)
    trousers, shoes = category_id(runtime, "바지"), category_id(runtime, "신발")
    first = add_version(runtime, actor, dict.fromkeys(products, trousers))
    second = add_version(runtime, actor, dict.fromkeys(products, shoes))
    assert compare_versions(runtime, ADMIN, first, second).b.p_at_1.value == 0.0
    for product in products[:3]:
        add_alternative(runtime, actor, product, shoes)
    found = compare_versions(runtime, ADMIN, first, second)
    assert (found.a.p_at_1.value, found.b.p_at_1.value, found.b.p_at_4.value) == (1.0, 0.75, 0.75)
    assert found.b.macro_f1 is not None
    assert found.b.macro_f1 <= 1.0
    changed = list_changed_products(runtime, ADMIN, first, second)
    assert [one.is_right_b for one in changed] == [True, True, True, False]


def test_who_said_it_is_told_to_who_may_know(runtime: Runtime, actor: Actor) -> None:
    product = fill_shelf(runtime, 2)["바지"][0]
    add_alternative(runtime, actor, product, category_id(runtime, "신발"))
    seen = {role: list_alternatives(runtime, of_role(role), product)[0].person for role in Role}
    assert {role for role, name in seen.items() if name == "tester"} == {Role.REVIEWER, Role.ADMIN}
    assert [one.person for one in list_alternatives(runtime, replace(actor, role=Role.ANNOTATOR), product)] == [
        "tester"
    ]
