"""Queries of campaigns and the filling of their queues."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.enums import CampaignKind, CampaignStatus, JobStatus, ProductOrder
from db.people import insert_for
from db.product_conditions import Conditions, select_products
from db.product_orders import sort_keys
from db.tables import CampaignRow, DailyProgressRow, JobRow, ProductRow, TaskRow, table_of


def insert_campaign(session: Session, values: dict[str, Any]) -> int | None:
    """The new campaign's id; None when the name is taken."""
    insert = insert_for(session)(table_of(CampaignRow)).on_conflict_do_nothing(index_elements=["name"])
    return session.scalar(insert.returning(table_of(CampaignRow).c.id), values)


def find_campaign(session: Session, campaign_id: int) -> CampaignRow | None:
    return session.get(CampaignRow, campaign_id)


def find_campaign_of_kind(session: Session, kind: CampaignKind, model_version_id: int) -> int | None:
    """The oldest campaign of this kind that asks about this model version."""
    query = sa.select(CampaignRow.id).where(CampaignRow.kind == kind, CampaignRow.model_version_id == model_version_id)
    return session.scalar(query.order_by(CampaignRow.id).limit(1))


def is_name_taken(session: Session, name: str) -> bool:
    return session.scalar(sa.select(CampaignRow.id).where(CampaignRow.name == name)) is not None


def list_campaigns(session: Session, limit: int) -> list[CampaignRow]:
    """Newest first."""
    return list(session.scalars(sa.select(CampaignRow).order_by(CampaignRow.id.desc()).limit(limit)))


def list_choices(session: Session, ids: list[int], limit: int) -> list[sa.Row[int, str, CampaignStatus, str | None]]:
    """Id, name, status, guidelines of up to `limit` campaigns that are not closed or whose id is given."""
    wanted = sa.or_(CampaignRow.status != CampaignStatus.CLOSED, CampaignRow.id.in_(ids))
    query = sa.select(CampaignRow.id, CampaignRow.name, CampaignRow.status, CampaignRow.guidelines).where(wanted)
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


def set_status(session: Session, campaign_id: int, before: set[CampaignStatus], after: CampaignStatus) -> bool:
    """False when it is in none of the states `before`."""
    change = (
        sa.update(CampaignRow)
        .where(CampaignRow.id == campaign_id, CampaignRow.status.in_(before))
        .values(status=after)
        .returning(CampaignRow.id)
    )
    return session.scalar(change) is not None


def close_by_target(session: Session, campaign_id: int) -> bool:
    """False when somebody closed it first, or it is not open at all."""
    change = (
        sa.update(CampaignRow)
        .where(CampaignRow.id == campaign_id, CampaignRow.status.in_([CampaignStatus.ACTIVE, CampaignStatus.PAUSED]))
        .values(status=CampaignStatus.CLOSED, closed_reason="target")
        .returning(CampaignRow.id)
    )
    return session.scalar(change) is not None


# A temporary table holds the sorted products, so that the big sort holds up no writer
# and each chunk of tasks is a short transaction.
ranked = sa.Table(
    "ranked_products",
    sa.MetaData(),
    sa.Column("rank", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("product_id", sa.BigInteger, nullable=False),
    prefixes=["TEMPORARY"],
)


def rank_products(
    session: Session, campaign_id: int, conditions: Conditions, order: ProductOrder, limit: int | None
) -> tuple[int, int]:
    """Sort what the filter finds and is not queued yet into `ranked_products`, ranks from 0.

    Returns how many products are queued already and how many are ranked. `limit` bounds their sum.
    """
    keys, downwards = sort_keys(conditions, order)
    queued = sa.func.coalesce(sa.func.max(TaskRow.position) + 1, 0)
    n_queued = session.scalar(sa.select(queued).where(TaskRow.campaign_id == campaign_id)) or 0
    rank = sa.func.row_number().over(order_by=[key.desc() if downwards else key for key in keys]) - 1
    found = select_products(conditions, order, rank.label("rank"), ProductRow.id)
    if n_queued:
        found = found.where(~sa.exists().where(TaskRow.campaign_id == campaign_id, TaskRow.product_id == ProductRow.id))
    if limit is not None:
        found = found.order_by(sa.literal_column("rank")).limit(max(limit - n_queued, 0))
    drop_ranking(session)
    session.execute(sa.schema.CreateTable(ranked))
    session.execute(sa.insert(ranked).from_select(["rank", "product_id"], found))
    return n_queued, session.scalar(sa.select(sa.func.count()).select_from(ranked)) or 0


def drop_ranking(session: Session) -> None:
    session.execute(sa.schema.DropTable(ranked, if_exists=True))


def queue_ranked(session: Session, campaign_id: int, overlap: int, start: int, stop: int, offset: int) -> bool:
    """Make the tasks of the ranks from `start` up to `stop`, at `offset` + rank. False: no longer being built."""
    tasks = table_of(TaskRow)
    building = sa.select(CampaignRow.id).where(
        CampaignRow.id == campaign_id, CampaignRow.status == CampaignStatus.BUILDING
    )
    if session.scalar(building.with_for_update(key_share=True)) is None:
        return False
    n_inserted = 0
    for slot in range(overlap):
        chunk = (
            sa.select(
                sa.literal(campaign_id, sa.BigInteger),
                ranked.c.product_id,
                sa.literal(slot, sa.SmallInteger),
                (ranked.c.rank + offset),
                sa.literal_column("'open'"),
            )
            .where(ranked.c.rank >= start, ranked.c.rank < stop)
            .order_by(ranked.c.rank)
        )
        names = ["campaign_id", "product_id", "slot", "position", "status"]
        insert = insert_for(session)(tasks).from_select(names, chunk).on_conflict_do_nothing()
        insert = insert.execution_options(preserve_rowcount=True)
        n_inserted += session.execute(insert).rowcount  # type: ignore[attr-defined]
    counted = sa.update(CampaignRow).where(CampaignRow.id == campaign_id)
    session.execute(
        counted.values(n_tasks=CampaignRow.n_tasks + n_inserted).execution_options(synchronize_session=False)
    )
    return True
