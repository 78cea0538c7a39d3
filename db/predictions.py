"""Queries that read products to score and write what a version answers."""

from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.people import insert_for
from db.tables import MallCategoryRow, MallRow, PredictionRow, ProductRow


class ProductText(NamedTuple):
    """What a model reads of a product."""

    id: int
    title: str
    mall_category: str | None
    mall_weight: float | None
    brand: str | None


def _to_score(version_id: int, only_missing: bool) -> sa.ColumnElement[bool]:
    if not only_missing:
        return sa.true()
    has_answer = sa.select(PredictionRow.product_id).where(
        PredictionRow.model_version_id == version_id, PredictionRow.product_id == ProductRow.id
    )
    return ~has_answer.exists()


def list_texts(session: Session, version_id: int, after_id: int, limit: int, only_missing: bool) -> list[ProductText]:
    """The next products to score, by id. `only_missing`: those that this version has not answered."""
    query = (
        sa.select(ProductRow.id, ProductRow.title, MallCategoryRow.path, MallRow.weight, ProductRow.brand)
        .join(MallCategoryRow, MallCategoryRow.id == ProductRow.mall_category_id, isouter=True)
        .join(MallRow, MallRow.id == ProductRow.mall_id, isouter=True)
        .where(ProductRow.id > after_id, _to_score(version_id, only_missing))
        .order_by(ProductRow.id)
        .limit(limit)
    )
    return [ProductText(*row) for row in session.execute(query)]


def count_to_score(session: Session, version_id: int, after_id: int, only_missing: bool) -> int:
    query = sa.select(sa.func.count()).select_from(ProductRow)
    return session.scalar(query.where(ProductRow.id > after_id, _to_score(version_id, only_missing))) or 0


def upsert_predictions(session: Session, rows: list[dict[str, Any]]) -> None:
    """Write answers; an answer of the same version for the same product is replaced."""
    if not rows:
        return
    insert = insert_for(session)(PredictionRow)
    fresh = {name: insert.excluded[name] for name in ("category_id", "confidence", "margin", "top")}
    session.execute(insert.on_conflict_do_update(index_elements=["model_version_id", "product_id"], set_=fresh), rows)
