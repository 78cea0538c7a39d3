"""Queries of what a campaign's checks brought: how many there were, and how many of the last ones changed a label."""

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from db.enums import CampaignStatus, DecisionKind
from db.said_today import judged_as
from db.tables import CampaignRow, DailyProgressRow, DecisionRow, table_of

_CAMPAIGN = sa.bindparam("campaign", type_=sa.BigInteger)
_campaigns = table_of(CampaignRow)
_TARGETS = sa.select(_campaigns.c.status, _campaigns.c.target_decisions, _campaigns.c.target_error).where(
    _campaigns.c.id == _CAMPAIGN
)


class Targets(NamedTuple):
    """What ends a campaign by itself; both none: nothing does."""

    status: CampaignStatus
    decisions: int | None
    error: float | None


def find_targets(session: Session, campaign_id: int) -> Targets | None:
    row = session.execute(_TARGETS, {"campaign": campaign_id}).one_or_none()
    return Targets(*row) if row else None


def count_decisions(session: Session, campaign_id: int) -> int:
    """Standing decisions without hidden gold checks, from the daily counts."""
    own = DailyProgressRow.n_decisions - DailyProgressRow.n_gold
    query = sa.select(sa.func.coalesce(sa.func.sum(own), 0)).where(DailyProgressRow.campaign_id == campaign_id)
    return int(session.scalar(query) or 0)


def count_changed(session: Session, campaign_id: int, last: int) -> tuple[int, int]:
    """(labels changed, labels checked) of the campaign's last checks, no more than `last` of them.

    A check is a standing label, the first in the campaign for its product, on a product that had a label. Copies to
    near-duplicates and hidden gold checks are none: they say nothing new of the labels. What was merged since is one.
    """
    undo, earlier, its_undo = aliased(DecisionRow), aliased(DecisionRow), aliased(DecisionRow)
    is_repeated = sa.exists().where(
        earlier.campaign_id == DecisionRow.campaign_id,
        earlier.product_id == DecisionRow.product_id,
        earlier.id < DecisionRow.id,
        earlier.kind == DecisionKind.LABEL,
        ~sa.exists().where(its_undo.undoes_id == earlier.id),
    )
    said, is_said, says = judged_as(DecisionRow.category_id, "said")
    former, is_former, said_before = judged_as(DecisionRow.previous_category_id, "former")
    recent = (
        sa.select(sa.case((says != said_before, 1), else_=0).label("changed"))
        .select_from(DecisionRow)
        .outerjoin(said, is_said)
        .outerjoin(former, is_former)
        .where(
            DecisionRow.campaign_id == campaign_id,
            DecisionRow.kind == DecisionKind.LABEL,
            DecisionRow.previous_category_id.is_not(None),
            DecisionRow.copied_from_id.is_(None),
            DecisionRow.is_gold_check.is_(False),
            ~sa.exists().where(undo.undoes_id == DecisionRow.id),
            ~is_repeated,
        )
        .order_by(DecisionRow.id.desc())
        .limit(last)
        .subquery("recent")
    )
    n_changed, n = session.execute(sa.select(sa.func.coalesce(sa.func.sum(recent.c.changed), 0), sa.func.count())).one()
    return int(n_changed), int(n)
