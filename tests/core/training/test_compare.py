"""Comparing two versions: the same held-out rows, paired, with current labels, page by page."""

import pytest

from core.errors import NotFound
from core.runtime import Runtime
from core.training.compare import Change, compare_versions, list_category_changes, list_changed_products
from core.types import Actor
from tests.core.training.answers import add_version, put_in_fold
from tests.core.training.shelf import category_id, decide, fill_shelf
from tests.roles import ADMIN


@pytest.fixture
def shelf(runtime: Runtime) -> dict[str, list[int]]:
    """40 held-out products and 20 of training in each of three categories."""
    ids = fill_shelf(runtime)
    for products in ids.values():
        put_in_fold(runtime, products[:40], 0)
        put_in_fold(runtime, products[40:], 5)
    return ids


def right(runtime: Runtime, ids: dict[str, list[int]]) -> dict[int, int]:
    return {product: category_id(runtime, name) for name, products in ids.items() for product in products}


def test_both_are_judged_on_the_held_out_rows_that_both_answered(
    runtime: Runtime, actor: Actor, shelf: dict[str, list[int]]
) -> None:
    truth, shoes = right(runtime, shelf), category_id(runtime, "신발")
    worse = truth | dict.fromkeys(shelf["바지"][:20], shoes)
    a = add_version(runtime, actor, worse)
    known = {product: answer for product, answer in truth.items() if product not in shelf["가전"][:10]}
    b = add_version(runtime, actor, known, second=shoes)
    found = compare_versions(runtime, ADMIN, a, b)
    assert found.n == 110  # of 120 held-out ones B did not answer 10
    assert (found.a.p_at_1.value, found.b.p_at_1.value) == (90 / 110, 1.0)
    assert found.a.p_at_2.value == 90 / 110
    assert found.difference == pytest.approx(20 / 110)
    assert 0 < found.low < 20 / 110 < found.high
    trousers = found.categories[-1]  # the biggest gain stands last
    assert (trousers.path, trousers.n, trousers.n_right_a, trousers.n_right_b) == ("상품 > 바지", 40, 20, 40)
    assert [c.change for c in found.categories].count(Change.GAINED) == 1
    f1_shoes, f1_trousers = 2 * 40 / (40 + 60), 2 * 20 / (40 + 20)
    assert found.a.macro_f1 == pytest.approx((f1_shoes + f1_trousers + 1.0) / 3)
    assert found.b.macro_f1 == 1.0
    assert (found.n_both, found.n_changed) == (170, 20)


def test_second_answers_count_within_two(runtime: Runtime, actor: Actor, shelf: dict[str, list[int]]) -> None:
    shoes = category_id(runtime, "신발")
    everything = right(runtime, shelf)
    a = add_version(runtime, actor, everything)
    b = add_version(runtime, actor, dict.fromkeys(everything, category_id(runtime, "바지")), second=shoes)
    found = compare_versions(runtime, ADMIN, a, b)
    assert (found.b.p_at_1.value, found.b.p_at_2.value, found.b.p_at_4.value) == (40 / 120, 80 / 120, 80 / 120)
    assert found.categories[0].change == Change.LOST


def test_current_labels_judge_and_undecidable_products_do_not_count(
    runtime: Runtime, actor: Actor, shelf: dict[str, list[int]]
) -> None:
    truth = right(runtime, shelf)
    a, b = add_version(runtime, actor, truth), add_version(runtime, actor, truth)
    decide(runtime, actor, shelf["바지"][0], "신발")  # both are wrong there now
    decide(runtime, actor, shelf["바지"][1], None)
    found = compare_versions(runtime, ADMIN, a, b)
    assert (found.n, found.a.p_at_1.value) == (119, 118 / 119)


def test_changed_products_come_page_by_page(runtime: Runtime, actor: Actor, shelf: dict[str, list[int]]) -> None:
    truth, shoes = right(runtime, shelf), category_id(runtime, "신발")
    a = add_version(runtime, actor, truth)
    b = add_version(runtime, actor, truth | dict.fromkeys(shelf["바지"][30:50], shoes))
    seen, after = [], 0
    while page := list_changed_products(runtime, ADMIN, a, b, after, limit=7):
        assert len(page) <= 7
        seen += [product.product_id for product in page]
        after = seen[-1]
    assert seen == shelf["바지"][30:50]
    held_out = list_changed_products(runtime, ADMIN, a, b, held_out_only=True)
    assert [product.product_id for product in held_out] == shelf["바지"][30:40]
    first = held_out[0]
    assert (first.label, first.answer_b, first.is_right_a, first.is_right_b) == (
        "상품 > 바지",
        "상품 > 신발",
        True,
        False,
    )
    assert not list_changed_products(runtime, ADMIN, a, b, category_id=shoes)


def test_versions_without_common_rows_or_that_do_not_exist(
    runtime: Runtime, actor: Actor, shelf: dict[str, list[int]]
) -> None:
    a, b = add_version(runtime, actor, right(runtime, shelf)), add_version(runtime, actor, {})
    found = compare_versions(runtime, ADMIN, a, b)
    assert (found.n, found.difference, found.a.p_at_1.value, found.a.macro_f1, found.categories) == (
        0,
        None,
        None,
        None,
        [],
    )
    assert list_category_changes(runtime, a, b) == []
    with pytest.raises(NotFound):
        compare_versions(runtime, ADMIN, a, 99)
