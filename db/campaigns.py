"""Queries of campaigns and the filling of their queues."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.enums import CampaignStatus
from db.tables import CampaignRow


def find_campaign(session: Session, campaign_id: int) -> CampaignRow | None:
    return session.get(CampaignRow, campaign_id)


def find_campaign_by_name(session: Session, name: str) -> CampaignRow | None:
    return session.scalar(sa.select(CampaignRow).where(CampaignRow.name == name))


def list_campaigns(session: Session) -> list[CampaignRow]:
    """Newest first."""
    return list(session.scalars(sa.select(CampaignRow).order_by(CampaignRow.id.desc())))


_STATUS = sa.select(CampaignRow.status, CampaignRow.overlap).where(
    CampaignRow.id == sa.bindparam("campaign", type_=sa.BigInteger)
)


def get_status(session: Session, campaign_id: int) -> tuple[CampaignStatus | None, int]:
    """Whether it hands out tasks, and its overlap; (None, 1) when there is no such campaign."""
    row = session.execute(_STATUS, {"campaign": campaign_id}).one_or_none()
    return (row.status, row.overlap) if row else (None, 1)
