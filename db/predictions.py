"""Queries that read products to score and write what a version answers."""

from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.people import insert_for
from db.tables import MallCategoryRow, MallRow, PredictionRow, ProductRow, ProductSplitRow


class ProductText(NamedTuple):
    """What a model reads of a product."""

    id: int
    title: str
    mall_category: str | None
    mall_weight: float | None
    brand: str | None


class Scope(NamedTuple):
    """Which products a scoring is about."""

    version_id: int
    only_missing: bool = False  # those that this version has not answered
    only_held_out: bool = False  # those of the test fold


def _is_in(scope: Scope) -> sa.ColumnElement[bool]:
    conditions: list[sa.ColumnElement[bool]] = [sa.true()]
    if scope.only_missing:
        answer = sa.select(PredictionRow.product_id).where(
            PredictionRow.model_version_id == scope.version_id, PredictionRow.product_id == ProductRow.id
        )
        conditions.append(~answer.exists())
    if scope.only_held_out:
        conditions.append(ProductRow.id.in_(sa.select(ProductSplitRow.product_id).where(ProductSplitRow.fold == 0)))
    return sa.and_(*conditions)


def list_texts(session: Session, scope: Scope, after_id: int, limit: int) -> list[ProductText]:
    """The next products to score, by id."""
    query = (
        sa.select(ProductRow.id, ProductRow.title, MallCategoryRow.path, MallRow.weight, ProductRow.brand)
        .join(MallCategoryRow, MallCategoryRow.id == ProductRow.mall_category_id, isouter=True)
        .join(MallRow, MallRow.id == ProductRow.mall_id, isouter=True)
        .where(ProductRow.id > after_id, _is_in(scope))
        .order_by(ProductRow.id)
        .limit(limit)
    )
    return [ProductText(*row) for row in session.execute(query)]


def count_to_score(session: Session, scope: Scope, after_id: int) -> int:
    query = sa.select(sa.func.count()).select_from(ProductRow)
    return session.scalar(query.where(ProductRow.id > after_id, _is_in(scope))) or 0


def upsert_predictions(session: Session, rows: list[dict[str, Any]]) -> None:
    """Write answers; an answer of the same version for the same product is replaced."""
    if not rows:
        return
    insert = insert_for(session)(PredictionRow)
    fresh = {name: insert.excluded[name] for name in ("category_id", "confidence", "margin", "top")}
    session.execute(insert.on_conflict_do_update(index_elements=["model_version_id", "product_id"], set_=fresh), rows)
