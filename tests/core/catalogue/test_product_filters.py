"""Filters for campaigns: margins, months, the test fold, disagreement among people, edits, words, shares, pairs."""

from datetime import UTC, datetime

import sqlalchemy as sa

from core.catalogue.products import ProductFilter, list_products
from core.labeling.decisions import undo_decision
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import Fold, LabelSource, ProductOrder, TaxonomyEditKind
from db.tables import EditReviewRow, PredictionRow, ProductRow, ProductSplitRow, TaxonomyEditRow
from tests.core.catalogue.test_products import N, found
from tests.core.labeling.shelf import add_campaign, annotator, change_row, fill_shelf
from tests.core.labeling.test_decisions import label
from tests.roles import ADMIN


def test_margins_and_words(runtime: Runtime) -> None:
    shelf = fill_shelf(runtime, N)
    assert found(runtime, shelf, margin_above=0.45, margin_below=0.55) == [7, 6]
    assert found(runtime, shelf, any_words=("상품 3", "nothing", "상품 shirt 4")) == [4, 3]
    assert ProductFilter.from_query({"any_words": " a,b  c ,,a"}).any_words == ("a", "b c")
    assert ProductFilter.from_dict({"any_words": ["x,y", "x"]}).any_words == ("x", "y")


def test_months_are_those_of_utc(runtime: Runtime) -> None:
    shelf = fill_shelf(runtime, 4)
    times = [
        datetime(2025, 12, 31, 23, 59, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2024, 1, 31, tzinfo=UTC),
    ]
    for product, at in zip(shelf.products, times, strict=False):
        change_row(runtime, ProductRow, product, registered_at=at)
    change_row(runtime, ProductRow, shelf.products[3], registered_at=None)
    with runtime.sessions.write() as session:
        if runtime.sessions.engine.dialect.name == "postgresql":
            session.execute(sa.text("ALTER ROLE CURRENT_USER SET timezone TO 'Asia/Seoul'"))
    runtime.sessions.engine.dispose()
    try:
        assert found(runtime, shelf, months=(1,)) == [2, 1]
        assert found(runtime, shelf, months=(12, 1)) == [2, 1, 0]
    finally:
        with runtime.sessions.write() as session:
            if runtime.sessions.engine.dialect.name == "postgresql":
                session.execute(sa.text("ALTER ROLE CURRENT_USER RESET timezone"))
        runtime.sessions.engine.dispose()


def test_the_test_fold_and_what_an_edit_wants_looked_at(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, N)
    with runtime.sessions.write() as session:
        session.add_all(
            ProductSplitRow(product_id=product, group_key=str(product), fold=Fold.TEST if i in (2, 5) else 1 + i % 5)
            for i, product in enumerate(shelf.products)
        )
        edit = TaxonomyEditRow(kind=TaxonomyEditKind.SPLIT, detail={}, person_id=actor.person_id, created_at=utc_now())
        session.add(edit)
        session.flush()
        edit_id = edit.id
        session.add_all(EditReviewRow(edit_id=edit_id, product_id=shelf.products[i]) for i in (1, 8))
    assert found(runtime, shelf, held_out=True) == [5, 2]
    assert found(runtime, shelf, edit_id=edit_id) == [8, 1]
    assert found(runtime, shelf, edit_id=edit_id + 1) == []


def test_people_disagree_by_what_each_last_said(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 4)
    mia = annotator(runtime, "Mia")
    first, second = (add_campaign(runtime, shelf, overlap=2, name=name) for name in ("first", "second"))
    verdicts = [(0, 1), (2, 2), (1, 3)]
    for leaf_of_mine, leaf_of_mia in verdicts:
        label(runtime, actor, first, shelf.leaves[leaf_of_mine])
        last = label(runtime, mia, first, shelf.leaves[leaf_of_mia])
    assert found(runtime, shelf, people_disagree=True) == [2, 0]
    undo_decision(runtime, mia, last.id, "undo")
    assert found(runtime, shelf, people_disagree=True) == [0]
    label(runtime, mia, second, shelf.leaves[0])  # now they agree about the first product
    assert found(runtime, shelf, people_disagree=True) == []
    label(runtime, actor, second, shelf.leaves[3])
    assert found(runtime, shelf, people_disagree=True) == [0]
    change_row(runtime, ProductRow, shelf.products[0], label_source=LabelSource.GOLD)
    assert found(runtime, shelf, people_disagree=True) == []
    assert found(runtime, shelf, not_decided_in=(first,), label_source="import") == [3, 2][:1]


def test_a_random_share_is_always_the_same_and_independent_of_the_shuffle(runtime: Runtime) -> None:
    shelf = fill_shelf(runtime, 200)

    def drawn(seed: int, share: float) -> list[int]:
        wanted = ProductFilter(random_share=share, seed=seed)
        return [row.id for row in list_products(runtime, ADMIN, wanted, ProductOrder.NEWEST, limit=200).rows]

    assert drawn(1, 0.3) == drawn(1, 0.3) != drawn(2, 0.3)
    assert set(drawn(1, 0.1)) < set(drawn(1, 0.3))
    assert 40 < len(drawn(1, 0.3)) < 80
    assert len(drawn(1, 1.0)) == len(shelf.products)
    shuffled = [
        row.id for row in list_products(runtime, ADMIN, ProductFilter(seed=1), ProductOrder.RANDOM, limit=60).rows
    ]
    assert len(set(shuffled) & set(drawn(1, 0.3))) < 40


def test_a_pair_is_between_its_two_categories(runtime: Runtime) -> None:
    shelf = fill_shelf(runtime, N)
    skirt = shelf.leaves[3]
    assert found(runtime, shelf, pair_ids=(shelf.leaves[1], shelf.leaves[2])) == [9, 7, 5, 3, 1]
    assert (
        found(runtime, shelf, pair_ids=(shelf.leaves[2], skirt)) == []
    )  # both in the top, neither given nor predicted
    change_row(runtime, ProductRow, shelf.products[6], category_id=skirt)
    assert found(runtime, shelf, pair_ids=(shelf.leaves[2], skirt)) == [6]


def test_the_expected_gain_weighs_the_label_against_the_best_other_answer(runtime: Runtime) -> None:
    shelf = fill_shelf(runtime, 5)
    change_row(runtime, ProductRow, shelf.products[4], category_id=shelf.leaves[0])
    tops = [
        [[1, 0.9], [0, 0.05]],  # a sure contradiction: .85
        [[1, 0.5], [2, 0.3]],  # the label is not among the best: .5
        [[1, 0.5], [0, 0.45]],  # a close call: .05
        [[0, 0.6], [1, 0.4]],  # the label is what the model says: -.2
        [[0, 0.99], [1, 0.01]],  # surely: -.98
    ]
    for product, top in zip(shelf.products, tops, strict=True):
        values = [[shelf.leaves[place], share] for place, share in top]
        with runtime.sessions.write() as session:
            session.execute(
                sa.update(PredictionRow)
                .where(PredictionRow.product_id == product)
                .values(top=values, category_id=values[0][0], confidence=top[0][1], margin=top[0][1] - top[1][1])
            )
    assert found(runtime, shelf, ProductOrder.EXPECTED_GAIN) == [0, 1, 2, 3, 4]
