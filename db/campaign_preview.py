"""A look at a campaign's queue before there is one: how many products it would take, and the first of them."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.campaign_building import Ranking, category_of, found_in_order
from db.product_conditions import select_products
from db.products import show_products


def list_first(session: Session, ranking: Ranking, limit: int) -> list[sa.RowMapping]:
    """Up to `limit` products in the order of the queue. Sorts all that the filter finds."""
    found = found_in_order(ranking).subquery("found")
    first = sa.select(found.c.product_id.label("id"), found.c.rank).order_by(found.c.rank).limit(limit)
    return sorted(show_products(session, first, ranking.conditions), key=lambda row: int(row["rank"]))


def count_capped(session: Session, ranking: Ranking, at_most: int) -> int:
    """How many of the first `at_most` products found (in no order) the cap per category leaves."""
    found = select_products(ranking.conditions, None, category_of(ranking).label("category_id")).limit(at_most)
    groups = found.subquery("found")
    n = sa.func.count()
    kept = sa.case((n > ranking.max_per_category, ranking.max_per_category), else_=n).label("n")
    per_group = sa.select(kept).select_from(groups).group_by(groups.c.category_id).subquery("per_group")
    return int(session.scalar(sa.select(sa.func.sum(per_group.c.n))) or 0)
