"""Queries of malls."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.tables import MallRow


def list_malls(session: Session, limit: int) -> list[tuple[int, str]]:
    """(id, name) by name."""
    query = sa.select(MallRow.id, MallRow.name).order_by(MallRow.name).limit(limit)
    return [(row.id, row.name) for row in session.execute(query)]
