"""The counts of the overview: each reads an index or a small table."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.campaign_members import is_everybodys_or_mine
from db.enums import CampaignStatus, LabelSource
from db.tables import CampaignRow, CategoryRow, DailyProgressRow, MallRow, PersonRow, ProductRow


def count_products_by_label(session: Session) -> dict[LabelSource | None, int]:
    """Products by the source of their current label; none: unlabeled."""
    rows = session.execute(sa.select(ProductRow.label_source, sa.func.count()).group_by(ProductRow.label_source))
    return dict(rows.all())


def count_leaves(session: Session) -> int:
    used = sa.select(sa.func.count()).where(CategoryRow.is_leaf, CategoryRow.retired_at.is_(None))
    return session.scalar(used) or 0


def count_malls(session: Session) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(MallRow)) or 0


def list_waiting(session: Session, person_id: int) -> list[tuple[int, str, int, int]]:
    """Active campaigns that this person may work in, newest first: id, name, tasks, decided without hidden checks."""
    decided = (
        sa.select(
            DailyProgressRow.campaign_id, sa.func.sum(DailyProgressRow.n_decisions - DailyProgressRow.n_gold).label("n")
        )
        .group_by(DailyProgressRow.campaign_id)
        .subquery()
    )
    rows = session.execute(
        sa.select(CampaignRow.id, CampaignRow.name, CampaignRow.n_tasks, sa.func.coalesce(decided.c.n, 0))
        .outerjoin(decided, decided.c.campaign_id == CampaignRow.id)
        .where(
            CampaignRow.status == CampaignStatus.ACTIVE,
            CampaignRow.deleted_at.is_(None),
            is_everybodys_or_mine(CampaignRow.id, person_id),
        )
        .order_by(CampaignRow.id.desc())
    )
    return [(id_, name, n_tasks, int(n)) for id_, name, n_tasks, n in rows]


def list_people_progress(
    session: Session, today: date, limit: int, person_id: int | None = None
) -> list[tuple[str, int, int]]:
    """Who decided how much, most first: name, all decisions, today's. With `person_id` only that person."""
    on_today = sa.case((DailyProgressRow.day == today, DailyProgressRow.n_decisions), else_=0)
    total = sa.func.sum(DailyProgressRow.n_decisions)
    whom = [] if person_id is None else [DailyProgressRow.person_id == person_id]
    rows = session.execute(
        sa.select(PersonRow.name, total, sa.func.sum(on_today))
        .join(DailyProgressRow, DailyProgressRow.person_id == PersonRow.id)
        .where(*whom)
        .group_by(PersonRow.id, PersonRow.name)
        .having(total > 0)
        .order_by(total.desc(), PersonRow.name)
        .limit(limit)
    )
    return [(name, int(n), int(n_today)) for name, n, n_today in rows]
