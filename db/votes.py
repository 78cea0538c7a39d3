"""Queries of a campaign's votes: what each person decided of a product there, and what of it is settled.

A vote is a decision on a task that stands; copies to near-duplicates and hidden gold checks are none. Everything goes
through the index of (campaign, product): nothing here reads another campaign's decisions.
"""

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.enums import LabelSource
from db.gold import SETTLED, stands
from db.gold_votes import VERDICTS
from db.said_today import said_today
from db.tables import CampaignRow, DecisionRow, PersonRow, PredictionRow, ProductRow


class Vote(NamedTuple):
    """A standing vote. `category_id` is what it says today; none for 'cannot tell' and 'bad listing'."""

    decision_id: int
    product_id: int
    person_id: int
    person: str
    kind: str
    category_id: int | None
    note: str | None
    created_at: datetime


def _votes(campaign_id: int) -> Any:
    meant, is_meant, says = said_today(DecisionRow, "said")
    return (
        sa.select(
            DecisionRow.id,
            DecisionRow.product_id,
            DecisionRow.person_id,
            PersonRow.name,
            DecisionRow.kind,
            says,
            DecisionRow.note,
            DecisionRow.created_at,
        )
        .join(PersonRow, PersonRow.id == DecisionRow.person_id)
        .outerjoin(meant, is_meant)
        .where(
            DecisionRow.campaign_id == campaign_id,
            DecisionRow.kind.in_(VERDICTS),
            DecisionRow.task_id.is_not(None),
            DecisionRow.copied_from_id.is_(None),
            DecisionRow.is_gold_check.is_(False),
            stands(DecisionRow),
        )
        .order_by(DecisionRow.product_id, DecisionRow.id)
    )


def list_votes_of(session: Session, campaign_id: int, product_ids: list[int]) -> list[Vote]:
    """The votes on these products (at most 2,000), by product and in the order they were given."""
    query = _votes(campaign_id).where(DecisionRow.product_id.in_(product_ids))
    return [Vote(*row) for row in session.execute(query)]


def list_decided(session: Session, campaign_id: int, after_product_id: int, limit: int) -> list[int]:
    """Products with decisions in the campaign, ascending, those behind `after_product_id`."""
    query = sa.select(DecisionRow.product_id).distinct()
    query = query.where(DecisionRow.campaign_id == campaign_id, DecisionRow.product_id > after_product_id)
    return list(session.scalars(query.order_by(DecisionRow.product_id).limit(limit)))


def list_decided_since(session: Session, campaign_id: int, decision_id: int, limit: int) -> list[int]:
    """Products of the campaign's last `limit` decisions and undos that are newer than `decision_id`."""
    newest = (
        sa.select(DecisionRow.product_id)
        .where(DecisionRow.campaign_id == campaign_id, DecisionRow.id > decision_id)
        .order_by(DecisionRow.id.desc())
        .limit(limit)
    )
    return sorted(set(session.scalars(newest)))


def list_settled(session: Session, product_ids: list[int]) -> set[int]:
    """Which of these products are gold or were set aside by a reviewer."""
    aside = sa.exists().where(DecisionRow.product_id == ProductRow.id, *SETTLED, stands(DecisionRow))
    is_gold = sa.func.coalesce(ProductRow.label_source == LabelSource.GOLD, sa.false())
    query = sa.select(ProductRow.id).where(ProductRow.id.in_(product_ids), sa.or_(is_gold, aside))
    return set(session.scalars(query))


def map_titles(session: Session, product_ids: list[int]) -> dict[int, str]:
    query = sa.select(ProductRow.id, ProductRow.title).where(ProductRow.id.in_(product_ids))
    return {row.id: row.title for row in session.execute(query)}


def map_tops(session: Session, version_id: int, product_ids: list[int]) -> dict[int, list[tuple[int, float]]]:
    """Product -> the version's (category id, probability), best first; those it has not scored are missing."""
    query = sa.select(PredictionRow.product_id, PredictionRow.top).where(
        PredictionRow.model_version_id == version_id, PredictionRow.product_id.in_(product_ids)
    )
    return {
        id_: [(int(category), float(probability)) for category, probability in top]
        for id_, top in session.execute(query)
    }


def list_reviewable(session: Session, limit: int) -> list[tuple[int, str]]:
    """(id, name) of campaigns in which products are decided more than once, newest first."""
    query = sa.select(CampaignRow.id, CampaignRow.name).where(
        CampaignRow.deleted_at.is_(None), sa.or_(CampaignRow.overlap > 1, CampaignRow.strata.is_not(None))
    )
    return [(id_, name) for id_, name in session.execute(query.order_by(CampaignRow.id.desc()).limit(limit))]


def map_people(session: Session, person_ids: list[int]) -> dict[int, str]:
    query = sa.select(PersonRow.id, PersonRow.name).where(PersonRow.id.in_(person_ids))
    return {row.id: row.name for row in session.execute(query)}
