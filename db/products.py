"""Queries of products: one by id with what the labeling card shows, and lists by filter (`db.product_conditions`)."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.enums import ProductOrder
from db.product_conditions import Conditions, select_products
from db.product_orders import sort_keys
from db.tables import (
    CampaignRow,
    MallCategoryRow,
    MallRow,
    ModelVersionRow,
    PersonRow,
    PredictionRow,
    ProductRow,
)

PRODUCT_COLUMNS = (
    ProductRow.id,
    ProductRow.source,
    ProductRow.external_id,
    ProductRow.title,
    ProductRow.brand,
    MallRow.name.label("mall"),
    MallCategoryRow.path.label("mall_category"),
    ProductRow.price,
    ProductRow.registered_at,
    ProductRow.image,
    ProductRow.category_id,
    ProductRow.label_source,
    ProductRow.labeled_at,
)

PREDICTION_COLUMNS = (
    PredictionRow.category_id.label("predicted_category_id"),
    PredictionRow.confidence,
    PredictionRow.margin,
    PredictionRow.abstained,
    PredictionRow.back_off_category_id,
)


def list_products(
    session: Session, conditions: Conditions, order: ProductOrder, limit: int, after: list[Any] | None
) -> list[tuple[sa.RowMapping, list[Any]]]:
    """Up to `limit` products, each with its place in the order; `after` is the place to go on from.

    Their ids are found first and what is shown of them afterwards, so that nothing wide is sorted.
    """
    keys, downwards = sort_keys(conditions, order)
    named = [key.label(f"key_{i}") for i, key in enumerate(keys)]
    found = select_products(conditions, order, ProductRow.id, *named)
    if after is not None:
        place = sa.tuple_(*keys) if len(keys) > 1 else keys[0]
        there = sa.tuple_(*after) if len(keys) > 1 else after[0]
        found = found.where(place < there if downwards else place > there)
    found = found.order_by(*[key.desc() if downwards else key for key in keys]).limit(limit)
    rows = session.execute(_shown(found.subquery("page"), conditions.model_version_id)).mappings()
    placed = [(row, [row[f"key_{i}"] for i in range(len(keys))]) for row in rows]
    return sorted(placed, key=lambda one: one[1], reverse=downwards)


def _shown(page: sa.Subquery, model_version_id: int | None) -> sa.Select[Any]:
    """What a list shows of the products of a page, in no order."""
    columns: list[Any] = [*PRODUCT_COLUMNS, *[column for column in page.c if column.name != "id"]]
    query = (
        sa.select(*columns)
        .select_from(page)
        .join(ProductRow, ProductRow.id == page.c.id)
        .outerjoin(MallRow, MallRow.id == ProductRow.mall_id)
        .outerjoin(MallCategoryRow, MallCategoryRow.id == ProductRow.mall_category_id)
    )
    if model_version_id is None:
        return query
    prediction = sa.and_(PredictionRow.product_id == ProductRow.id, PredictionRow.model_version_id == model_version_id)
    return query.add_columns(*PREDICTION_COLUMNS).outerjoin(PredictionRow, prediction)


def show_products(session: Session, page: sa.Select[Any], conditions: Conditions) -> list[sa.RowMapping]:
    """What a list shows of the products of `page` (its column id), with its other columns, in no order."""
    return list(session.execute(_shown(page.subquery("page"), conditions.model_version_id)).mappings())


def count_products(session: Session, conditions: Conditions, at_most: int) -> int:
    """How many products match, counted no further than `at_most`."""
    found = select_products(conditions, None, sa.literal(1).label("one")).limit(at_most).subquery()
    return session.scalar(sa.select(sa.func.count()).select_from(found)) or 0


def find_names(session: Session, conditions: Conditions) -> dict[str, str]:
    """Names of the mall, person, campaign and model version that the filter names by id; unknown ones left out."""
    named = {
        "mall_id": sa.select(MallRow.name).where(MallRow.id == conditions.mall_id),
        "decided_by": sa.select(PersonRow.name).where(PersonRow.id == conditions.decided_by),
        "campaign_id": sa.select(CampaignRow.name).where(CampaignRow.id == conditions.campaign_id),
        "model_version_id": sa.select(ModelVersionRow.name).where(ModelVersionRow.id == conditions.model_version_id),
    }
    asked = {name: query for name, query in named.items() if getattr(conditions, name) is not None}
    found = {name: session.scalar(query) for name, query in asked.items()}
    return {name: text for name, text in found.items() if text is not None}
