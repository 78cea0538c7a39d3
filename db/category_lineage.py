"""Queries of what categories became by edits of the tree."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.tables import CategoryLineageRow, TaxonomyEditRow


def list_lineage(session: Session) -> list[tuple[int, int]]:
    """(what was there, what came of it), in the order of the edits; an edit that was undone runs backwards as well."""
    query = (
        sa.select(
            CategoryLineageRow.from_category_id,
            CategoryLineageRow.to_category_id,
            TaxonomyEditRow.undone_at.is_not(None).label("is_undone"),
        )
        .join(TaxonomyEditRow, TaxonomyEditRow.id == CategoryLineageRow.edit_id)
        .order_by(CategoryLineageRow.edit_id, CategoryLineageRow.from_category_id, CategoryLineageRow.to_category_id)
    )
    found: list[tuple[int, int]] = []
    for source, target, is_undone in session.execute(query):
        found += [(source, target), (target, source)] if is_undone else [(source, target)]
    return found
