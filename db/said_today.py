"""What a vote says today, for queries that judge or compare votes: the one place that follows edits of the tree.

A merge is followed. Of a category that was split nobody knows which part a vote meant: its label, which the split
carried by the words of the title, says so; where there is none it stays the category that it named, which is no leaf
in use and so cannot be judged.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.meanings import meaning_of
from db.standing_labels import edit_is_undone, labels
from db.tables import CategoryLineageRow, CategoryRow, TaxonomyEditRow, table_of

_categories = table_of(CategoryRow)
_lineage = table_of(CategoryLineageRow)
_edits = table_of(TaxonomyEditRow)


def _split() -> sa.Select[Any]:
    """Ids of categories in whose place several came, however many edits ago."""
    became = (
        sa.select(_lineage.c.from_category_id.label("id"), _lineage.c.to_category_id.label("to_id"))
        .join(_edits, _edits.c.id == _lineage.c.edit_id)
        .join(_categories, _categories.c.id == _lineage.c.from_category_id)
        .where(
            _edits.c.undone_at.is_(None),
            sa.or_(_categories.c.retired_at.is_not(None), _categories.c.is_leaf.is_(False)),
        )
        .cte("became")
    )
    reach = sa.select(became.c.id, became.c.to_id).cte("reach", recursive=True)
    further = became.alias("further")
    reach = reach.union(sa.select(reach.c.id, further.c.to_id).join(further, further.c.id == reach.c.to_id))
    ends = sa.select(reach.c.id).where(reach.c.to_id.not_in(sa.select(became.c.id)))
    return ends.group_by(reach.c.id).having(sa.func.count(sa.distinct(reach.c.to_id)) > 1)


_SPLIT = _split()


def list_split(session: Session) -> set[int]:
    """Categories that were split: several leaves took their place, so what names them cannot be judged."""
    return set(session.scalars(_SPLIT))


def judged_as(column: Any, name: str) -> tuple[Any, sa.ColumnElement[bool], sa.ColumnElement[Any]]:
    """As `meaning_of`, but a category that was split stays itself."""
    meanings, is_meant, today = meaning_of(column, name)
    return meanings, sa.and_(is_meant, column.not_in(_SPLIT)), today


def said_today(decision: Any, name: str) -> tuple[Any, sa.ColumnElement[bool], sa.ColumnElement[Any]]:
    """(what to join, outer, and on which condition; the category that this decision says today).

    `decision` is DecisionRow or an alias of it. Labels are read only for votes whose category was edited.
    """
    meanings, is_meant, today = judged_as(decision.category_id, name)
    carried, given = labels.alias(), labels.alias()
    newest = (
        sa.select(carried.c.category_id)
        .join(given, given.c.id == carried.c.carried_from_id)
        .where(
            carried.c.product_id == decision.product_id,
            given.c.decision_id == decision.id,
            ~edit_is_undone(carried),
        )
        .order_by(carried.c.id.desc())
        .limit(1)
        .correlate(decision)
        .scalar_subquery()
    )
    was_edited = decision.category_id.in_(sa.select(_lineage.c.from_category_id))
    return meanings, is_meant, sa.func.coalesce(sa.case((was_edited, newest)), today)
