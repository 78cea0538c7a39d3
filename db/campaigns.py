"""Queries of campaigns: rows by id, kind and state, and what a change of state writes."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.campaign_members import is_everybodys_or_mine
from db.enums import CampaignKind, CampaignStatus, JobStatus
from db.people import insert_for
from db.tables import CampaignRow, CategoryRow, DailyProgressRow, JobRow, table_of


def insert_campaign(session: Session, values: dict[str, Any]) -> int | None:
    """The new campaign's id; None when the name is taken."""
    insert = insert_for(session)(table_of(CampaignRow)).on_conflict_do_nothing(index_elements=["name"])
    return session.scalar(insert.returning(table_of(CampaignRow).c.id), values)


def find_campaign(session: Session, campaign_id: int) -> CampaignRow | None:
    return session.get(CampaignRow, campaign_id)


def find_campaign_of_kind(session: Session, kind: CampaignKind, model_version_id: int) -> int | None:
    """The oldest campaign of this kind that asks about this model version."""
    query = sa.select(CampaignRow.id).where(
        CampaignRow.kind == kind, CampaignRow.model_version_id == model_version_id, CampaignRow.deleted_at.is_(None)
    )
    return session.scalar(query.order_by(CampaignRow.id).limit(1))


def is_name_taken(session: Session, name: str) -> bool:
    return session.scalar(sa.select(CampaignRow.id).where(CampaignRow.name == name)) is not None


def list_names(session: Session) -> list[str]:
    """The name of every campaign, deleted ones too: a name is given once."""
    return list(session.scalars(sa.select(CampaignRow.name)))


def find_deleted(session: Session, name: str) -> bool:
    """A deleted campaign still has this name."""
    query = sa.select(CampaignRow.id).where(CampaignRow.name == name, CampaignRow.deleted_at.is_not(None))
    return session.scalar(query) is not None


def list_campaigns(
    session: Session,
    limit: int,
    deleted: bool = False,
    before_id: int | None = None,
    status: CampaignStatus | None = None,
) -> list[CampaignRow]:
    """Newest first; either those that stand or those that were deleted. `before_id` continues a list."""
    is_there = CampaignRow.deleted_at.is_not(None) if deleted else CampaignRow.deleted_at.is_(None)
    wanted: list[sa.ColumnElement[bool]] = [is_there]
    wanted += [CampaignRow.id < before_id] if before_id is not None else []
    wanted += [CampaignRow.status == status] if status is not None else []
    return list(session.scalars(sa.select(CampaignRow).where(*wanted).order_by(CampaignRow.id.desc()).limit(limit)))


def list_choices(session: Session, ids: list[int], limit: int, person_id: int | None = None) -> list[sa.Row[Any]]:
    """Id, name, status, guidelines, is_blind, gold_rate, overlap, strata of up to `limit` campaigns that are not
    closed or whose id is given.

    With a `person_id` only those that are everybody's or this person's.
    """
    wanted = sa.and_(
        sa.or_(CampaignRow.status != CampaignStatus.CLOSED, CampaignRow.id.in_(ids)),
        CampaignRow.deleted_at.is_(None),
    )
    if person_id is not None:
        wanted = sa.and_(wanted, is_everybodys_or_mine(CampaignRow.id, person_id))
    shown = (CampaignRow.id, CampaignRow.name, CampaignRow.status, CampaignRow.guidelines)
    how = (CampaignRow.is_blind, CampaignRow.gold_rate, CampaignRow.overlap, CampaignRow.strata)
    query = sa.select(*shown, *how).where(wanted)
    first = sa.case((CampaignRow.id.in_(ids), 0), else_=1)  # so that the limit takes none of them
    kept = list(session.execute(query.order_by(first, CampaignRow.id.desc()).limit(limit)))
    return sorted(kept, key=lambda row: -row.id)


_BUILD_KEY = "build_campaign:"


def build_key(campaign_id: int) -> str:
    """The dedupe key of the jobs that fill the campaign's queue."""
    return f"{_BUILD_KEY}{campaign_id}"


def list_stalled(session: Session) -> set[int]:
    """Campaigns that are BUILDING while no job that fills them waits or runs."""
    key = sa.literal(_BUILD_KEY) + sa.cast(CampaignRow.id, sa.String(20))
    alive = sa.exists().where(JobRow.dedupe_key == key, JobRow.status.in_([JobStatus.TODO, JobStatus.DOING]))
    return set(session.scalars(sa.select(CampaignRow.id).where(CampaignRow.status == CampaignStatus.BUILDING, ~alive)))


def find_build_payload(session: Session, campaign_id: int) -> dict[str, Any] | None:
    """What the last job that filled the campaign was told."""
    query = sa.select(JobRow.payload).where(JobRow.dedupe_key == build_key(campaign_id))
    return session.scalar(query.order_by(JobRow.id.desc()).limit(1))


def count_done(session: Session, campaign_ids: list[int]) -> dict[int, int]:
    """Decided tasks by campaign, from the daily counts; hidden gold checks are not among them."""
    query = (
        sa.select(
            DailyProgressRow.campaign_id, sa.func.sum(DailyProgressRow.n_decisions - DailyProgressRow.n_gold).label("n")
        )
        .where(DailyProgressRow.campaign_id.in_(campaign_ids))
        .group_by(DailyProgressRow.campaign_id)
    )
    return {row.campaign_id: int(row.n) for row in session.execute(query)}


def set_status(
    session: Session, campaign_id: int, before: set[CampaignStatus], after: CampaignStatus, **also: Any
) -> bool:
    """Change the state, and `also` these columns. False when it is in none of the states `before`, or deleted."""
    change = (
        sa.update(CampaignRow)
        .where(CampaignRow.id == campaign_id, CampaignRow.status.in_(before), CampaignRow.deleted_at.is_(None))
        .values(status=after, **also)
        .returning(CampaignRow.id)
    )
    return session.scalar(change) is not None


def set_deleted(session: Session, campaign_id: int, at: datetime | None) -> bool:
    """Mark it as deleted, or (none) take the mark away. False when it is so already."""
    is_there = CampaignRow.deleted_at.is_(None) if at is not None else CampaignRow.deleted_at.is_not(None)
    change = sa.update(CampaignRow).where(CampaignRow.id == campaign_id, is_there).values(deleted_at=at)
    return session.scalar(change.returning(CampaignRow.id)) is not None


def set_guidelines(session: Session, campaign_id: int, expected: str | None, text: str | None) -> bool:
    """False when they are not what was expected any more, or the campaign is deleted."""
    is_same = CampaignRow.guidelines.is_not_distinct_from(expected)
    change = sa.update(CampaignRow).where(CampaignRow.id == campaign_id, CampaignRow.deleted_at.is_(None), is_same)
    return session.scalar(change.values(guidelines=text).returning(CampaignRow.id)) is not None


def find_unusable(session: Session, category_ids: tuple[int, ...]) -> set[int]:
    """Those of the ids that are no leaf in use."""
    usable = sa.select(CategoryRow.id).where(
        CategoryRow.id.in_(category_ids), CategoryRow.is_leaf.is_(True), CategoryRow.retired_at.is_(None)
    )
    return set(category_ids) - set(session.scalars(usable))


def find_last_build(session: Session, campaign_id: int) -> tuple[JobStatus, dict[str, Any]] | None:
    """State and result of the last job that filled the campaign's queue."""
    query = sa.select(JobRow.status, JobRow.result).where(JobRow.dedupe_key == build_key(campaign_id))
    row = session.execute(query.order_by(JobRow.id.desc()).limit(1)).one_or_none()
    return (row.status, row.result or {}) if row else None


def close_by_target(session: Session, campaign_id: int) -> bool:
    """False when somebody closed it first, or it is not open at all."""
    change = (
        sa.update(CampaignRow)
        .where(CampaignRow.id == campaign_id, CampaignRow.status.in_([CampaignStatus.ACTIVE, CampaignStatus.PAUSED]))
        .values(status=CampaignStatus.CLOSED, closed_reason="target")
        .returning(CampaignRow.id)
    )
    return session.scalar(change) is not None
