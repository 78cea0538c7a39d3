"""What a category that was merged or split means today, for queries: `core.catalogue.taxonomy_edits.meaning` in SQL."""

from typing import Any

import sqlalchemy as sa

from db.tables import CategoryRow, table_of

_categories = table_of(CategoryRow)


def _steps() -> sa.CTE:
    first = sa.select(_categories.c.id, _categories.c.merged_into_id.label("today"))
    steps = first.where(_categories.c.merged_into_id.is_not(None)).cte("merge_step", recursive=True)
    further = sa.select(steps.c.id, _categories.c.merged_into_id).join(_categories, _categories.c.id == steps.c.today)
    return steps.union(further.where(_categories.c.merged_into_id.is_not(None)))


_STEPS = _steps()
_MEANINGS = (
    sa.select(_STEPS.c.id, _STEPS.c.today)
    .join(_categories, _categories.c.id == _STEPS.c.today)
    .where(_categories.c.merged_into_id.is_(None))
    .cte("meaning")
)


def meaning_of(column: Any, name: str) -> tuple[Any, sa.ColumnElement[bool], sa.ColumnElement[Any]]:
    """(what to join, outer, and on which condition; the category that `column` means today, in use or not).

    `name` tells two of them in one query apart. Reads the categories once, not once a row.
    """
    meanings = _MEANINGS.alias(name)
    return meanings, meanings.c.id == column, sa.func.coalesce(meanings.c.today, column)


def means(column: Any, category: Any) -> sa.ColumnElement[bool]:
    """`column` is this category of today or became it; one hashed look-up a row, no join."""
    became = sa.tuple_(column, category).in_(sa.select(_MEANINGS.c.id, _MEANINGS.c.today))
    return sa.or_(column == category, became)
