"""Queries of an import of annotations: which are there already, and the tasks and decisions that they become."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.enums import LabelSource, TaskStatus
from db.said_today import said_today
from db.standing_labels import standing
from db.tables import CampaignRow, DecisionRow, ProductRow, TaskRow

IN_CHUNK = 2_000


def ids_of_keys(session: Session, source: str, keys: Sequence[str]) -> dict[str, int]:
    """External id -> product."""
    found: dict[str, int] = {}
    for start in range(0, len(keys), IN_CHUNK):
        part = keys[start : start + IN_CHUNK]
        query = sa.select(ProductRow.external_id, ProductRow.id)
        rows = session.execute(query.where(ProductRow.source == source, ProductRow.external_id.in_(part)))
        found.update((key, id_) for key, id_ in rows)
    return found


def list_said(
    session: Session, product_ids: Sequence[int]
) -> list[tuple[int, int, str, int | None, int | None, datetime]]:
    """(product, person, kind, category as said, category that this says today, when) of the products' decisions."""
    found: list[tuple[int, int, str, int | None, int | None, datetime]] = []
    meanings, is_meant, today = said_today(DecisionRow, "said")
    for start in range(0, len(product_ids), IN_CHUNK):
        query = (
            sa.select(
                DecisionRow.product_id,
                DecisionRow.person_id,
                DecisionRow.kind,
                DecisionRow.category_id,
                today,
                DecisionRow.created_at,
            )
            .outerjoin(meanings, is_meant)
            .where(DecisionRow.product_id.in_(product_ids[start : start + IN_CHUNK]))
        )
        found += [
            (product, person, kind.value, category, meant, at)
            for product, person, kind, category, meant, at in session.execute(query)
        ]
    return found


def map_newest_labels(session: Session, product_ids: Sequence[int]) -> dict[tuple[int, LabelSource], datetime]:
    """(product, source) -> when its newest label that stands was given."""
    found: dict[tuple[int, LabelSource], datetime] = {}
    row, given, query = standing()
    newest = query.with_only_columns(row.c.product_id, row.c.source, sa.func.max(given.c.created_at))
    for start in range(0, len(product_ids), IN_CHUNK):
        part = newest.where(row.c.product_id.in_(product_ids[start : start + IN_CHUNK]))
        for product, source, at in session.execute(part.group_by(row.c.product_id, row.c.source)):
            found[product, source] = at
    return found


def list_slots(session: Session, campaign_id: int, product_ids: Sequence[int]) -> dict[int, set[int]]:
    """Product -> who has a task of it in this campaign."""
    found: dict[int, set[int]] = {}
    for start in range(0, len(product_ids), IN_CHUNK):
        query = sa.select(TaskRow.product_id, TaskRow.annotator_id).where(
            TaskRow.campaign_id == campaign_id, TaskRow.product_id.in_(product_ids[start : start + IN_CHUNK])
        )
        for product_id, person_id in session.execute(query):
            found.setdefault(product_id, set()).add(person_id or 0)
    return found


def insert_done_task(
    session: Session, campaign_id: int, product_id: int, slot: int, person_id: int, at: datetime
) -> int:
    """A task that this person has decided, somewhere else; its id."""
    row = TaskRow(
        campaign_id=campaign_id,
        product_id=product_id,
        slot=slot,
        position=product_id,
        status=TaskStatus.DONE,
        annotator_id=person_id,
        claimed_at=at,
        decided_at=at,
    )
    session.add(row)
    session.flush()
    return row.id


def count_tasks_in(session: Session, campaign_id: int, n_tasks: int, overlap: int) -> None:
    """Add to the campaign's tasks; its overlap is the most that a product has."""
    session.execute(
        sa.update(CampaignRow)
        .where(CampaignRow.id == campaign_id)
        .values(
            n_tasks=CampaignRow.n_tasks + n_tasks,
            overlap=sa.case((CampaignRow.overlap < overlap, overlap), else_=CampaignRow.overlap),
        )
        .execution_options(synchronize_session=False)
    )


def insert_campaign(session: Session, values: dict[str, Any]) -> int:
    row = CampaignRow(**values)
    session.add(row)
    session.flush()
    return row.id
