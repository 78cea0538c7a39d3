"""Queries of one product and of what versions answer for products, outside the labeling card."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.enums import ModelStatus
from db.products import PRODUCT_COLUMNS
from db.tables import MallCategoryRow, MallRow, ModelVersionRow, PredictionRow, ProductRow

_PREDICTION = (
    PredictionRow.product_id,
    PredictionRow.model_version_id,
    PredictionRow.category_id,
    PredictionRow.confidence,
    PredictionRow.margin,
    PredictionRow.top,
    PredictionRow.abstained,
    PredictionRow.back_off_category_id,
)


def find_product(session: Session, product_id: int) -> sa.RowMapping | None:
    """The product with its mall's words."""
    query = (
        sa.select(*PRODUCT_COLUMNS)
        .outerjoin(MallRow, MallRow.id == ProductRow.mall_id)
        .outerjoin(MallCategoryRow, MallCategoryRow.id == ProductRow.mall_category_id)
        .where(ProductRow.id == product_id)
    )
    return session.execute(query).mappings().one_or_none()


def list_of_version(session: Session, version_id: int, after_product_id: int, limit: int) -> list[sa.RowMapping]:
    """What a version answers, by product id."""
    query = (
        sa.select(*_PREDICTION)
        .where(PredictionRow.model_version_id == version_id, PredictionRow.product_id > after_product_id)
        .order_by(PredictionRow.product_id)
        .limit(limit)
    )
    return list(session.execute(query).mappings())


def list_of_product(
    session: Session, product_id: int, before_version_id: int | None, limit: int
) -> list[sa.RowMapping]:
    """What the usable versions answer for a product, the newest first."""
    versions = sa.select(ModelVersionRow.id).where(ModelVersionRow.status == ModelStatus.READY)
    query = (
        sa.select(*_PREDICTION)
        .where(PredictionRow.product_id == product_id, PredictionRow.model_version_id.in_(versions))
        .order_by(PredictionRow.model_version_id.desc())
        .limit(limit)
    )
    if before_version_id is not None:
        query = query.where(PredictionRow.model_version_id < before_version_id)
    return list(session.execute(query).mappings())
