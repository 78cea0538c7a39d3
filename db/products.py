"""Queries of products: one by id with what the labeling card shows, and lists by filter."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.decisions import PROMOTED
from db.enums import TaskStatus
from db.tables import (
    CampaignRow,
    MallCategoryRow,
    MallRow,
    ModelVersionRow,
    PredictionRow,
    ProductRow,
    TaskRow,
)

PRODUCT = sa.bindparam("product", type_=sa.BigInteger)
CAMPAIGN = sa.bindparam("campaign", type_=sa.BigInteger)

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

_N_DONE = (
    sa.select(sa.func.count())
    .where(TaskRow.campaign_id == CAMPAIGN, TaskRow.product_id == PRODUCT, TaskRow.status == TaskStatus.DONE)
    .scalar_subquery()
)
_OVERLAP = sa.select(CampaignRow.overlap).where(CampaignRow.id == CAMPAIGN).scalar_subquery()
_CARD = (
    sa.select(*PRODUCT_COLUMNS, _OVERLAP.label("overlap"), _N_DONE.label("n_done"))
    .outerjoin(MallRow, MallRow.id == ProductRow.mall_id)
    .outerjoin(MallCategoryRow, MallCategoryRow.id == ProductRow.mall_category_id)
    .where(ProductRow.id == PRODUCT)
)
_CAMPAIGN_VERSION = sa.select(CampaignRow.model_version_id).where(CampaignRow.id == CAMPAIGN).scalar_subquery()
_SUGGESTIONS = (
    sa.select(PredictionRow.model_version_id, PredictionRow.margin, PredictionRow.top, ModelVersionRow.name)
    .join(ModelVersionRow, ModelVersionRow.id == PredictionRow.model_version_id)
    .where(PredictionRow.product_id == PRODUCT, PredictionRow.model_version_id.in_([PROMOTED, _CAMPAIGN_VERSION]))
    .order_by(sa.case((PredictionRow.model_version_id == PROMOTED, 0), else_=1))
    .limit(1)
)


def find_card_product(session: Session, product_id: int, campaign_id: int) -> sa.RowMapping | None:
    """The product with its mall's words, the campaign's overlap and how many have decided it there."""
    values = {"product": product_id, "campaign": campaign_id}
    return session.execute(_CARD, values).mappings().one_or_none()


def find_suggestions(session: Session, product_id: int, campaign_id: int) -> sa.RowMapping | None:
    """What the promoted version answers, else the campaign's; None when neither has scored the product."""
    values = {"product": product_id, "campaign": campaign_id}
    return session.execute(_SUGGESTIONS, values).mappings().one_or_none()
