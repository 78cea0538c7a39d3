"""Queries on labels that a method suspects to be wrong, while they are still the product's label and nobody's word."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.enums import LabelSource, NoiseVerdict
from db.tables import LabelIssueRow, ProductRow


def list_suspected(session: Session) -> set[int]:
    """Products whose present, imported label a method called wrong."""
    query = (
        sa.select(LabelIssueRow.product_id)
        .join(ProductRow, ProductRow.id == LabelIssueRow.product_id)
        .where(
            LabelIssueRow.verdict != NoiseVerdict.CLEAN,
            ProductRow.category_id == LabelIssueRow.given_category_id,
            ProductRow.label_source.is_distinct_from(LabelSource.HUMAN),
        )
    )
    return set(session.scalars(query))
