"""Queries on label issues: what methods say of labels, and what people made of it since."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.enums import JobStatus, NoiseMethod, NoiseVerdict
from db.label_sources import is_checked
from db.labels_for_training import undecidable
from db.people import insert_for
from db.tables import DecisionRow, JobRow, LabelIssueRow, ProductRow

CHUNK = 1_000  # product ids in one statement
SUSPECT = LabelIssueRow.verdict != NoiseVerdict.CLEAN
# the label is still the one that was judged, and no person has spoken
IS_OPEN = sa.and_(
    ProductRow.category_id == LabelIssueRow.given_category_id,
    ~is_checked(ProductRow.label_source),
    ~undecidable().where(DecisionRow.product_id == ProductRow.id).correlate(ProductRow).exists(),
)
# a person gave the product its label after the verdict; false, never unknown, of a product without a label
IS_DECIDED = sa.func.coalesce(
    sa.and_(is_checked(ProductRow.label_source), ProductRow.labeled_at > LabelIssueRow.created_at),
    sa.false(),
)


def upsert_issues(session: Session, rows: list[dict[str, Any]]) -> None:
    """A method's new verdict on a product replaces its old one."""
    for start in range(0, len(rows), CHUNK):
        insert = insert_for(session)(LabelIssueRow).values(rows[start : start + CHUNK])
        kept = ("product_id", "method")
        changed = {column.name: insert.excluded[column.name] for column in LabelIssueRow.__table__.columns}
        session.execute(
            insert.on_conflict_do_update(
                index_elements=list(kept), set_={name: new for name, new in changed.items() if name not in kept}
            )
        )


def delete_older(session: Session, method: NoiseMethod, job_id: int, limit: int) -> int:
    """Take away up to `limit` verdicts of the method's earlier runs; what people decided since stays. How many went."""
    old = (
        sa.select(LabelIssueRow.product_id)
        .join(ProductRow, ProductRow.id == LabelIssueRow.product_id)
        .where(LabelIssueRow.method == method, LabelIssueRow.job_id.is_distinct_from(job_id), ~IS_DECIDED)
        .order_by(LabelIssueRow.product_id)
        .limit(limit)
    )
    ids = list(session.scalars(old))
    gone = sa.delete(LabelIssueRow).where(LabelIssueRow.method == method, LabelIssueRow.product_id.in_(ids))
    session.execute(gone.execution_options(synchronize_session=False))
    return len(ids)


def list_open(
    session: Session, method: NoiseMethod, limit: int, after: tuple[float, int] | None
) -> list[tuple[LabelIssueRow, str]]:
    """Up to `limit` suspected labels that nobody has decided, with the title, the most suspicious first."""
    keys = sa.tuple_(LabelIssueRow.label_quality_score, LabelIssueRow.product_id)
    query = (
        sa.select(LabelIssueRow, ProductRow.title)
        .join(ProductRow, ProductRow.id == LabelIssueRow.product_id)
        .where(LabelIssueRow.method == method, SUSPECT, IS_OPEN)
        .order_by(LabelIssueRow.label_quality_score, LabelIssueRow.product_id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(keys > after)
    return [(row, title) for row, title in session.execute(query)]


def count_by_verdict(session: Session, method: NoiseMethod) -> dict[NoiseVerdict, int]:
    """All verdicts of a method's runs that are kept."""
    query = sa.select(LabelIssueRow.verdict, sa.func.count()).where(LabelIssueRow.method == method)
    return dict(session.execute(query.group_by(LabelIssueRow.verdict)).all())


def count_open(session: Session, method: NoiseMethod) -> int:
    return session.scalar(_joined(sa.func.count()).where(LabelIssueRow.method == method, SUSPECT, IS_OPEN)) or 0


def count_confirmed(session: Session, method: NoiseMethod) -> tuple[int, int]:
    """(suspected labels that a person changed, all suspected ones that a person gave a label since)."""
    changed = sa.func.coalesce(
        sa.func.sum(sa.case((ProductRow.category_id != LabelIssueRow.given_category_id, 1), else_=0)), 0
    )
    query = _joined(changed, sa.func.count()).where(LabelIssueRow.method == method, SUSPECT, IS_DECIDED)
    n_changed, n_decided = session.execute(query).one()
    return int(n_changed), int(n_decided)


def find_latest(session: Session, method: NoiseMethod) -> tuple[Any, int | None] | None:
    """When the method's newest verdict was given and by which job."""
    row = session.execute(
        sa.select(LabelIssueRow.created_at, LabelIssueRow.job_id)
        .where(LabelIssueRow.method == method)
        .order_by(LabelIssueRow.created_at.desc())
        .limit(1)
    ).first()
    return (row[0], row[1]) if row else None


def find_of_product(session: Session, product_id: int) -> LabelIssueRow | None:
    """The most suspicious verdict on a product's present label while nobody has decided; none: not suspected."""
    query = (
        sa.select(LabelIssueRow)
        .join(ProductRow, ProductRow.id == LabelIssueRow.product_id)
        .where(LabelIssueRow.product_id == product_id, SUSPECT, IS_OPEN)
        .order_by(LabelIssueRow.label_quality_score)
        .limit(1)
    )
    return session.scalar(query)


def list_of_snapshot(
    session: Session, method: NoiseMethod, snapshot_id: int
) -> list[tuple[int, int, int | None, float | None]] | None:
    """(product, given, suggested category, its probability) of every suspected label that the newest finished search
    found, if it judged this snapshot.

    None too where the list is not whole any more: a later search that was cancelled or failed, or is not done yet,
    wrote over a part of it.
    """
    query = (
        sa.select(JobRow.id, JobRow.result)
        .where(JobRow.kind == "find_label_issues", JobRow.status == JobStatus.SUCCEEDED)
        .order_by(JobRow.id.desc())
        .limit(1)
    )
    row = session.execute(query).first()
    result: dict[str, Any] = (row.result or {}) if row else {}
    if row is None or result.get("snapshot_id") != snapshot_id:
        return None
    found = _list_of_job(session, method, row.id)
    return found if len(found) == result.get("n_issues") else None


def _list_of_job(session: Session, method: NoiseMethod, job_id: int) -> list[tuple[int, int, int | None, float | None]]:
    query = (
        sa.select(
            LabelIssueRow.product_id,
            LabelIssueRow.given_category_id,
            LabelIssueRow.suggested_category_id,
            LabelIssueRow.confidence,
        )
        .where(LabelIssueRow.method == method, LabelIssueRow.job_id == job_id, SUSPECT)
        .order_by(LabelIssueRow.product_id)
    )
    return [(row[0], row[1], row[2], row[3]) for row in session.execute(query)]


def _joined(*columns: Any) -> sa.Select[Any]:
    return sa.select(*columns).select_from(LabelIssueRow).join(ProductRow, ProductRow.id == LabelIssueRow.product_id)
