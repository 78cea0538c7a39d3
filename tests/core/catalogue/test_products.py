"""Lists of products: each filter finds what it says, pages follow one another, URLs and JSON keep a filter."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from core.catalogue.products import MAX_SEED, ProductFilter, count_products, list_products
from core.errors import InvalidInput, NoModelYet
from core.labeling.decisions import record_decision, undo_decision
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import DecisionKind, LabelSource, ProductOrder
from tests.core.labeling.shelf import Shelf, add_campaign, annotator, fill_shelf
from tests.core.labeling.test_decisions import label
from tests.core.labeling.test_queue import claim, plans_of
from tests.roles import ADMIN

N = 10


def found(runtime: Runtime, shelf: Shelf, order: ProductOrder = ProductOrder.NEWEST, **wanted: object) -> list[int]:
    """Positions on the shelf of what the filter finds, in the order of the list."""
    rows = list_products(runtime, ADMIN, ProductFilter(**wanted), order).rows
    assert len(rows) == count_products(runtime, ADMIN, ProductFilter(**wanted))
    return [shelf.products.index(row.id) for row in rows]


def test_each_filter_finds_what_it_says(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, N)
    assert found(runtime, shelf) == list(range(N))[::-1]
    assert found(runtime, shelf, category_ids=(shelf.men,)) == [8, 7, 6, 5, 3, 2, 1, 0]
    assert found(runtime, shelf, category_ids=(shelf.leaves[1], shelf.leaves[2])) == []
    assert found(runtime, shelf, label_source="none") == [9, 4]
    assert found(runtime, shelf, label_source="import", disagrees=True) == [7, 5, 3, 1]
    assert found(runtime, shelf, predicted_category_ids=(shelf.leaves[1],)) == [9, 7, 5, 3, 1]
    both = {"category_ids": (shelf.men,), "predicted_category_ids": (shelf.men, shelf.leaves[2])}
    assert found(runtime, shelf, **both, keyword="trousers") == [7, 5, 3, 1]
    assert found(runtime, shelf, confidence_below=0.45) == [2, 1, 0]
    assert found(runtime, shelf, confidence_above=0.45, margin_below=0.39) == [4, 3]
    assert found(runtime, shelf, mall_id=get_mall(runtime)) == [8, 7, 5, 4, 2, 1]
    assert found(runtime, shelf, source="shop", keyword="trousers 100%_") == [9, 7, 5, 3, 1]
    assert found(runtime, shelf, keyword="100 _") == found(runtime, shelf, keyword="100%_면")
    assert found(runtime, shelf, keyword="상품 3") == [3]
    assert found(runtime, shelf, source="elsewhere") == []
    today = utc_now().date()
    assert found(runtime, shelf, registered_from=today - timedelta(days=2)) == [2, 1, 0]
    assert found(runtime, shelf, registered_to=today - timedelta(days=8)) == [9, 8]


def get_mall(runtime: Runtime) -> int:
    from db.tables import MallRow

    with runtime.sessions.read() as session:
        return session.query(MallRow).one().id


def test_filters_about_people(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, N)
    campaign = add_campaign(runtime, shelf, shelf.products[:3])
    mia = annotator(runtime, "Mia")
    label(runtime, mia, campaign, shelf.leaves[2])
    mine = label(runtime, actor, campaign, shelf.leaves[3])
    assert found(runtime, shelf, decided_by=mia.person_id) == [0]
    assert found(runtime, shelf, label_source="human") == [1, 0]
    assert found(runtime, shelf, label_source="unchecked") == [9, 8, 7, 6, 5, 4, 3, 2]
    assert found(runtime, shelf, campaign_id=campaign) == [2, 1, 0]
    unsure = record_decision(runtime, actor, claim(runtime, actor, campaign).id, DecisionKind.CANNOT_TELL, None, "k3")
    assert found(runtime, shelf, label_source="unchecked") == [9, 8, 7, 6, 5, 4, 3]
    undo_decision(runtime, actor, unsure.id, "u3")
    assert found(runtime, shelf, label_source="unchecked") == [9, 8, 7, 6, 5, 4, 3, 2]
    undo_decision(runtime, actor, mine.id, "u1")
    assert found(runtime, shelf, decided_by=actor.person_id) == []
    assert found(runtime, shelf, label_source="human") == [0]


@pytest.mark.parametrize("order", [order for order in ProductOrder if order != ProductOrder.LABEL_QUALITY])
def test_pages_follow_one_another(runtime: Runtime, order: ProductOrder) -> None:
    shelf = fill_shelf(runtime, N)
    wanted = ProductFilter(seed=3)
    whole = [row.id for row in list_products(runtime, ADMIN, wanted, order, limit=N).rows]
    assert set(whole) == set(shelf.products)
    if order == ProductOrder.EXPECTED_GAIN:  # contradicted labels, the surest first; then what the model hesitates at
        assert [shelf.products.index(id_) for id_ in whole] == [7, 5, 3, 1, 0, 2, 4, 6, 8, 9]
    elif order != ProductOrder.RANDOM:
        upwards = (ProductOrder.MARGIN, ProductOrder.OLDEST)
        assert whole == (shelf.products if order in upwards else shelf.products[::-1])
    pages, cursor = [], None
    for _ in range(4):
        page = list_products(runtime, ADMIN, wanted, order, limit=3, cursor=cursor)
        pages += [row.id for row in page.rows]
        cursor = page.next_cursor
    assert (pages, cursor) == (whole, None)


def test_the_random_order_is_the_same_everywhere_and_changes_with_its_seed(runtime: Runtime) -> None:
    shelf = fill_shelf(runtime, 40)

    def place(product: int, seed: int) -> tuple[int, int]:
        prime = 2**31 - 1
        return pow((product % prime * 48271 + seed) % prime, 5, prime), product

    for seed in (1, 2, 2**31, MAX_SEED):
        rows = list_products(runtime, ADMIN, ProductFilter(seed=seed), ProductOrder.RANDOM).rows
        assert [row.id for row in rows] == sorted(shelf.products, key=lambda product: place(product, seed))
    assert sorted(shelf.products, key=lambda product: place(product, 1)) != shelf.products


def test_without_a_model_lists_work_and_its_questions_are_refused(runtime: Runtime) -> None:
    shelf = fill_shelf(runtime, 3, promoted=False)
    assert found(runtime, shelf, label_source="import") == [2, 1, 0]
    assert list_products(runtime, ADMIN, ProductFilter()).rows[0].confidence is None
    assert found(runtime, shelf, margin_below=0.2, model_version_id=shelf.version) == [0]
    with pytest.raises(NoModelYet):
        list_products(runtime, ADMIN, ProductFilter(confidence_below=0.5))
    with pytest.raises(NoModelYet):
        list_products(runtime, ADMIN, ProductFilter(), ProductOrder.MARGIN)


def test_a_row_shows_label_and_answer(runtime: Runtime) -> None:
    shelf = fill_shelf(runtime, 3)
    product = list_products(runtime, ADMIN, ProductFilter()).rows[1]
    assert (product.title, product.mall, product.category_id) == ("상품 1 Trousers 100%_면", "가게", shelf.leaves[0])
    assert (product.label_source, product.predicted_category_id) == (LabelSource.IMPORT, shelf.leaves[1])


def test_counts_stop_at_their_bound(runtime: Runtime) -> None:
    fill_shelf(runtime, N)
    assert count_products(runtime, ADMIN, ProductFilter(), at_most=4) == 5
    assert count_products(runtime, ADMIN, ProductFilter(), at_most=N) == N


EVERYTHING = ProductFilter(
    category_ids=(3, 8),
    mall_id=2,
    label_source="human",
    confidence_below=0.75,
    confidence_above=0.0,
    margin_below=0.25,
    predicted_category_ids=(5,),
    disagrees=True,
    registered_from=date(2026, 1, 31),
    registered_to=date(2026, 2, 28),
    keyword="여성 바지",
    source="shop",
    decided_by=7,
    model_version_id=4,
    campaign_id=9,
    seed=11,
    margin_above=0.1,
    months=(1, 12),
    held_out=True,
    people_disagree=True,
    edit_id=3,
    any_words=("등산화", "hiking boots"),
    random_share=0.2,
    pair_ids=(4, 6),
    not_decided_in=(5,),
)


def test_a_filter_survives_json_and_urls() -> None:
    assert ProductFilter.from_dict(EVERYTHING.to_dict()) == EVERYTHING
    assert ProductFilter.from_query(EVERYTHING.to_query()) == EVERYTHING
    assert ProductFilter().to_dict() == ProductFilter().to_query() == {}
    assert EVERYTHING.to_query()["category_ids"] == "3,8"
    assert ProductFilter.from_query({"label_source": "human", "page": "3", "keyword": ""}) == ProductFilter(
        label_source="human"
    )


@pytest.mark.parametrize(
    "parameters",
    [
        {"category_ids": "3,x"},
        {"mall_id": "1.5"},
        {"mall_id": str(2**70)},
        {"confidence_below": "nan"},
        {"confidence_below": "1.5"},
        {"registered_from": "31.1.2026"},
        {"label_source": "robot"},
        {"seed": str(2**63 - 1)},
        {"seed": "-1"},
        {"category_ids": ",".join(map(str, range(2_000)))},
        {"margin_above": "-0.1"},
        {"months": "0,3"},
        {"random_share": "2"},
        {"pair_ids": "4"},
        {"any_words": ",".join(map(str, range(300)))},
    ],
)
def test_a_bad_url_says_which_filter(parameters: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(parameters))):
        ProductFilter.from_query(parameters)


def test_a_stored_filter_of_another_version_is_refused() -> None:
    with pytest.raises(InvalidInput, match="colour"):
        ProductFilter.from_dict({"colour": "red"})


def test_text_from_a_url_reaches_no_sql(runtime: Runtime) -> None:
    fill_shelf(runtime, 2)
    for words in ("' OR 1=1 --", "100%", "\\", "a\0b", "_" * 3):
        wanted = ProductFilter.from_query({"keyword": words, "source": words})
        assert list_products(runtime, ADMIN, wanted).rows == ()


@pytest.mark.parametrize("cursor", ["", "x", "bnVsbA==", "WyJtYXJnaW4iLCAwLjEsIDFd", "WyJuZXdlc3QiLCAiYSJd"])
def test_a_strange_cursor_starts_nothing(runtime: Runtime, cursor: str) -> None:
    shelf = fill_shelf(runtime, 2)
    if not cursor:
        assert len(list_products(runtime, ADMIN, ProductFilter(), cursor=cursor).rows) == len(shelf.products)
        return
    with pytest.raises(InvalidInput):
        list_products(runtime, ADMIN, ProductFilter(), cursor=cursor)


@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        (ProductOrder.NEWEST, {"confidence_below": 0.6, "source": "shop", "label_source": "unchecked"}),
        (ProductOrder.MARGIN, {"confidence_below": 0.6, "label_source": "unchecked"}),
        (ProductOrder.MARGIN, {"margin_below": 0.2, "keyword": "shirt"}),
        (ProductOrder.DISAGREEMENT, {"disagrees": True, "margin_below": 0.2, "label_source": "import"}),
        (ProductOrder.OLDEST, {"margin_above": 0.2, "months": (1, 2), "held_out": True}),
        (ProductOrder.MARGIN, {"margin_above": 0.2, "random_share": 0.5}),
    ],
)
def test_a_list_walks_the_index_of_its_order(
    sqlite_runtime: Runtime, order: ProductOrder, wanted: dict[str, object]
) -> None:
    fill_shelf(sqlite_runtime, 40)
    asked: list[tuple[str, tuple[object, ...]]] = []
    engine = sqlite_runtime.sessions.engine

    def listen(connection: object, cursor: object, statement: str, parameters: tuple[object, ...], *_: object) -> None:
        asked.append((statement, parameters))

    sa.event.listen(engine, "before_cursor_execute", listen)
    page = list_products(sqlite_runtime, ADMIN, ProductFilter(**wanted), order, limit=2)
    list_products(sqlite_runtime, ADMIN, ProductFilter(**wanted), order, limit=2, cursor=page.next_cursor)
    sa.event.remove(engine, "before_cursor_execute", listen)
    lists = [
        (statement, parameters) for statement, parameters in asked if "ORDER BY" in statement and "mall" in statement
    ]
    assert len(lists) == 2
    with engine.connect() as connection:
        for statement, parameters in lists:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            assert not [step for step in plan if "TEMP B-TREE" in step], plan


def test_a_category_is_sorted_within_its_index(sqlite_runtime: Runtime) -> None:
    shelf = fill_shelf(sqlite_runtime, 40)
    wanted = ProductFilter(category_ids=(shelf.men,))
    steps = plans_of(sqlite_runtime, lambda: list_products(sqlite_runtime, ADMIN, wanted))
    assert any("USING COVERING INDEX ix_products_category_id_id" in step for step in steps), steps
