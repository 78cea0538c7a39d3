"""Lists of what a person decided, and the counts a campaign's progress is read from."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.decisions import decisions, products, progress
from db.enums import DecisionKind

# An annotator's answers: neither undo rows nor what a reviewer settled, which has no task and is no copy.
_ANSWERS = (
    decisions.c.kind != DecisionKind.UNDO,
    sa.or_(decisions.c.task_id.is_not(None), decisions.c.copied_from_id.is_not(None)),
)


def list_decisions_of(session: Session, person_id: int, campaign_id: int | None, limit: int) -> list[sa.RowMapping]:
    """The person's decisions, newest first, each with its product's title and whether it is undone."""
    undo = decisions.alias("undo")
    query = (
        sa.select(decisions, products.c.title, undo.c.id.is_not(None).label("is_undone"))
        .select_from(
            decisions.join(products, products.c.id == decisions.c.product_id).outerjoin(
                undo, undo.c.undoes_id == decisions.c.id
            )
        )
        .where(decisions.c.person_id == person_id, *_ANSWERS)
        .order_by(decisions.c.id.desc())
        .limit(limit)
    )
    if campaign_id is not None:
        query = query.where(decisions.c.campaign_id == campaign_id)
    return list(session.execute(query).mappings())


def list_progress(session: Session, campaign_id: int) -> list[sa.Row[int, date, int, int]]:
    """(person, UTC day, decisions, hidden gold checks among them), a few rows."""
    query = sa.select(progress.c.person_id, progress.c.day, progress.c.n_decisions, progress.c.n_gold)
    return list(session.execute(query.where(progress.c.campaign_id == campaign_id)).all())


def list_times_since(session: Session, person_id: int, campaign_id: int, since: datetime, limit: int) -> list[datetime]:
    """When the person decided in this campaign, newest first: of their last `limit` decisions those after `since`."""
    query = (
        sa.select(decisions.c.created_at)
        .where(
            decisions.c.person_id == person_id,
            decisions.c.campaign_id == campaign_id,
            *_ANSWERS,
        )
        .order_by(decisions.c.id.desc())
        .limit(limit)
    )
    return [at for at in session.scalars(query) if at >= since]  # in SQL it would search all that is older
