"""Queries of one labeling card: its product, what the model says, the categories it asks about."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.decisions import PROMOTED
from db.enums import TaskStatus
from db.products import PRODUCT_COLUMNS
from db.tables import (
    CampaignRow,
    CategoryExampleRow,
    MallCategoryRow,
    MallRow,
    ModelVersionRow,
    PredictionRow,
    ProductRow,
    TaskRow,
)

PRODUCT = sa.bindparam("product", type_=sa.BigInteger)
CAMPAIGN = sa.bindparam("campaign", type_=sa.BigInteger)

_of_product = (TaskRow.campaign_id == CAMPAIGN, TaskRow.product_id == PRODUCT, TaskRow.is_gold.is_(False))
_N_SLOTS = sa.select(sa.func.count()).where(*_of_product).scalar_subquery()
_N_DONE = sa.select(sa.func.count()).where(*_of_product, TaskRow.status == TaskStatus.DONE).scalar_subquery()
_IS_CHECK = sa.select(TaskRow.is_gold).where(TaskRow.id == sa.bindparam("task", type_=sa.BigInteger)).scalar_subquery()
_CARD = (
    sa.select(
        *PRODUCT_COLUMNS,
        CampaignRow.kind,
        CampaignRow.is_blind,
        CampaignRow.choices,
        CampaignRow.overlap,
        _N_SLOTS.label("n_slots"),
        _N_DONE.label("n_done"),
        _IS_CHECK.label("is_check"),
    )
    .select_from(ProductRow)
    .join(CampaignRow, CampaignRow.id == CAMPAIGN)
    .outerjoin(MallRow, MallRow.id == ProductRow.mall_id)
    .outerjoin(MallCategoryRow, MallCategoryRow.id == ProductRow.mall_category_id)
    .where(ProductRow.id == PRODUCT)
)
_CAMPAIGN_VERSION = sa.select(CampaignRow.model_version_id).where(CampaignRow.id == CAMPAIGN).scalar_subquery()
_SUGGESTIONS = (
    sa.select(
        PredictionRow.model_version_id,
        PredictionRow.margin,
        PredictionRow.top,
        PredictionRow.abstained,
        PredictionRow.back_off_category_id,
        ModelVersionRow.name,
    )
    .join(ModelVersionRow, ModelVersionRow.id == PredictionRow.model_version_id)
    .where(PredictionRow.product_id == PRODUCT, PredictionRow.model_version_id.in_([PROMOTED, _CAMPAIGN_VERSION]))
    .order_by(sa.case((PredictionRow.model_version_id == PROMOTED, 0), else_=1))
    .limit(1)
)


def find_card_product(session: Session, task_id: int, product_id: int, campaign_id: int) -> sa.RowMapping | None:
    """The product with its mall's words; of the campaign kind, is_blind, choices and overlap; how many people decide
    the product there and have; whether the task is a hidden check."""
    values = {"product": product_id, "campaign": campaign_id, "task": task_id}
    return session.execute(_CARD, values).mappings().one_or_none()


def find_suggestions(session: Session, product_id: int, campaign_id: int) -> sa.RowMapping | None:
    """What the promoted version answers, else the campaign's; None when neither has scored the product."""
    values = {"product": product_id, "campaign": campaign_id}
    return session.execute(_SUGGESTIONS, values).mappings().one_or_none()


def list_examples(session: Session, category_ids: list[int], but: int, limit: int) -> list[sa.RowMapping]:
    """Example products of these categories, up to `limit` of each, examples before counterexamples; never `but`."""
    place = sa.func.row_number().over(
        partition_by=CategoryExampleRow.category_id,
        order_by=[CategoryExampleRow.is_counterexample, CategoryExampleRow.product_id],
    )
    ranked = (
        sa.select(CategoryExampleRow, place.label("place"))
        .where(CategoryExampleRow.category_id.in_(category_ids), CategoryExampleRow.product_id != but)
        .subquery("ranked")
    )
    query = (
        sa.select(
            ranked.c.category_id,
            ranked.c.product_id,
            ranked.c.is_counterexample,
            ranked.c.note,
            ProductRow.title,
            ProductRow.image,
        )
        .join(ProductRow, ProductRow.id == ranked.c.product_id)
        .where(ranked.c.place <= limit)
        .order_by(ranked.c.category_id, ranked.c.place)
    )
    return list(session.execute(query).mappings())
