"""Queries on labels that a method suspects to be wrong, while they are still the product's label and nobody's word."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.enums import JobStatus, NoiseVerdict
from db.label_sources import is_checked
from db.tables import JobRow, LabelIssueRow, ProductRow, SnapshotRow


def list_suspected(session: Session) -> set[int]:
    """Products whose present, imported label a method called wrong."""
    query = (
        sa.select(LabelIssueRow.product_id)
        .join(ProductRow, ProductRow.id == LabelIssueRow.product_id)
        .where(
            LabelIssueRow.verdict != NoiseVerdict.CLEAN,
            ProductRow.category_id == LabelIssueRow.given_category_id,
            ~is_checked(ProductRow.label_source),
        )
    )
    return set(session.scalars(query))


def find_searched_snapshot(session: Session) -> str | None:
    """The file of the rows, relative to the data folder, that the newest finished search for label issues judged."""
    query = (
        sa.select(JobRow.result)
        .where(JobRow.kind == "find_label_issues", JobRow.status == JobStatus.SUCCEEDED)
        .order_by(JobRow.id.desc())
        .limit(1)
    )
    snapshot_id = (session.scalar(query) or {}).get("snapshot_id")
    row = session.get(SnapshotRow, snapshot_id) if snapshot_id is not None else None
    return row.path if row else None
