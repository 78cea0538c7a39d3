"""Folds: near-duplicates never cross, adding products moves none, who stands between two sides is left out."""

import sqlalchemy as sa

from core.runtime import Runtime
from core.training.splits import LEFT_OUT, TEST, VALIDATION, assign_folds
from db.enums import Fold
from db.tables import ProductRow, ProductSplitRow
from tests.core.training.shelf import add_products, fill_shelf, make_titles, set_title


def read_folds(runtime: Runtime) -> dict[int, int]:
    with runtime.sessions.read() as session:
        rows = session.execute(sa.select(ProductSplitRow.product_id, ProductSplitRow.fold))
        return dict(rows.all())


def side(fold: int) -> int:
    return fold if fold in (TEST, VALIDATION, LEFT_OUT) else 9


def titles_of(runtime: Runtime) -> dict[int, str]:
    with runtime.sessions.read() as session:
        return dict(session.execute(sa.select(ProductRow.id, ProductRow.title)).all())


def test_every_labeled_product_has_a_fold_and_about_a_tenth_is_held_out(runtime: Runtime) -> None:
    ids = fill_shelf(runtime, 200)
    without_label = add_products(runtime, None, make_titles("신발", 5, seed=9))
    summary = assign_folds(runtime)
    folds = read_folds(runtime)
    assert set(folds) == {product for group in ids.values() for product in group}
    assert not set(folds) & set(without_label)
    assert (summary.n_products, summary.n_new, summary.n_left_out) == (600, 600, 0)
    for fold in range(10):
        assert 30 <= list(folds.values()).count(fold) <= 95


def test_near_duplicates_share_a_fold_in_one_go_and_when_they_come_later(runtime: Runtime) -> None:
    titles = make_titles("바지", 120)
    first = add_products(runtime, "바지", titles)
    doubles = add_products(runtime, "바지", [f"[무료배송] {title} {n}개입" for n, title in enumerate(titles)])
    assign_folds(runtime)
    before = read_folds(runtime)
    assert [before[product] for product in first] == [before[product] for product in doubles]
    later = add_products(runtime, "신발", [" ".join(reversed(title.split())) for title in titles])
    summary = assign_folds(runtime)
    after = read_folds(runtime)
    assert summary.n_new == len(later)
    assert [after[product] for product in first] == [after[product] for product in later]


def test_adding_products_moves_none(runtime: Runtime) -> None:
    fill_shelf(runtime, 60)
    assign_folds(runtime)
    before = read_folds(runtime)
    fill_shelf(runtime, 60, seed=1)
    assign_folds(runtime)
    after = read_folds(runtime)
    assert {product: after[product] for product in before} == before
    assert assign_folds(runtime).n_new == 0
    assert read_folds(runtime) == after


def test_a_product_between_two_sides_is_left_out_and_moves_nobody(runtime: Runtime) -> None:
    """`bridge` is a near-duplicate of a held-out and of a training product that are none of each other."""
    for seed in range(60):  # until the two fall on different sides
        letters = "".join(make_titles("바지", 2, seed)).replace(" ", "")
        start, middle, end = letters[:5], letters[5:29], letters[29:34]
        ids = add_products(runtime, "바지", [start + middle, middle + end])
        assign_folds(runtime)
        folds = read_folds(runtime)
        if len({side(folds[product]) for product in ids}) == 2:
            break
    else:
        raise AssertionError("no pair fell on two sides")
    (bridge,) = add_products(runtime, "바지", [start[3:] + middle + end[:2]])
    summary = assign_folds(runtime)
    after = read_folds(runtime)
    assert after[bridge] == LEFT_OUT
    assert summary.n_left_out == 1
    assert {product: after[product] for product in folds} == folds


def test_a_title_that_is_changed_into_a_held_out_one_leaves_training(runtime: Runtime) -> None:
    ids = fill_shelf(runtime, 60)["바지"]
    assign_folds(runtime)
    folds, titles = read_folds(runtime), titles_of(runtime)
    held_out = next(product for product in ids if folds[product] == TEST)
    learner = next(product for product in ids if side(folds[product]) == 9)
    set_title(runtime, learner, titles[held_out] + " 2개")
    assign_folds(runtime)
    after = read_folds(runtime)
    assert after == folds | {learner: Fold.left_out(folds[learner])}
    assert assign_folds(runtime).n_left_out == 1  # and so it stays
    assert read_folds(runtime) == after
    set_title(runtime, learner, titles[learner])
    assert assign_folds(runtime).n_left_out == 0
    assert read_folds(runtime) == folds


def test_one_held_out_title_does_not_push_its_many_doubles_out_of_training(runtime: Runtime) -> None:
    ids = fill_shelf(runtime, 60)["바지"]
    assign_folds(runtime)
    folds, titles = read_folds(runtime), titles_of(runtime)
    learner = next(product for product in ids if side(folds[product]) == 9)
    held_out = next(product for product in ids if folds[product] == TEST)
    add_products(runtime, "바지", [f"{titles[learner]} {n}개" for n in range(2, 40)])
    assign_folds(runtime)
    folds = read_folds(runtime)
    set_title(runtime, held_out, titles[learner])
    (new,) = add_products(runtime, "바지", [f"[무료배송] {titles[learner]}"])
    assert assign_folds(runtime).n_left_out == 1
    assert read_folds(runtime) == folds | {held_out: Fold.left_out(TEST), new: folds[learner]}
    set_title(runtime, held_out, titles[held_out])
    assert assign_folds(runtime).n_left_out == 0
    assert read_folds(runtime) == folds | {new: folds[learner]}  # in the test fold again, never learned from


def test_who_was_left_out_from_the_start_gets_a_fold_when_it_stands_between_nobody(runtime: Runtime) -> None:
    (product,) = add_products(runtime, "바지", ["청바지 와이드 데님 팬츠"])
    assign_folds(runtime)
    with runtime.sessions.write() as session:
        session.execute(sa.update(ProductSplitRow).values(fold=LEFT_OUT))
    assert assign_folds(runtime).n_left_out == 0
    assert read_folds(runtime)[product] >= 0
