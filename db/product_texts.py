"""What a model reads of products, for learning and for scoring alike."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.tables import MallCategoryRow, MallRow, ProductRow


class ProductText(NamedTuple):
    """A product without a mall or a brand has none there."""

    id: int
    title: str
    mall_category: str | None
    mall_weight: float | None
    brand: str | None
    registered_at: datetime | None


def list_texts(session: Session, which: sa.ColumnElement[bool], limit: int | None = None) -> list[ProductText]:
    """The products that `which`, a condition on ProductRow, holds for, by id; at most `limit`."""
    query = (
        sa.select(
            ProductRow.id,
            ProductRow.title,
            MallCategoryRow.path,
            MallRow.weight,
            ProductRow.brand,
            ProductRow.registered_at,
        )
        .join(MallCategoryRow, MallCategoryRow.id == ProductRow.mall_category_id, isouter=True)
        .join(MallRow, MallRow.id == ProductRow.mall_id, isouter=True)
        .where(which)
        .order_by(ProductRow.id)
        .limit(limit)
    )
    return [ProductText(*row) for row in session.execute(query)]
