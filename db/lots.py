"""Queries of decisions without a card: copies to near-duplicates, and products accepted together.

Nothing here waits for somebody else: what another transaction holds is left out.
"""

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from db.decisions import PROMOTED, find_decision
from db.enums import DecisionKind, LabelSource, TaskStatus
from db.gold_checks import imported_label
from db.session import is_sqlite
from db.tables import (
    CampaignRow,
    CategoryRow,
    DecisionRow,
    MallCategoryRow,
    PersonRow,
    PredictionRow,
    ProductRow,
    ProductSplitRow,
    TaskRow,
    TaskSkipRow,
    table_of,
)
from db.tasks import LEASED, OPEN, tasks

_PRODUCT = sa.bindparam("product", type_=sa.BigInteger)
_PERSON = sa.bindparam("person", type_=sa.BigInteger)
_CAMPAIGN = sa.bindparam("campaign", type_=sa.BigInteger)
_NOW = sa.bindparam("now", type_=tasks.c.decided_at.type)
_undo = table_of(DecisionRow).alias("undo")


class LotProduct(NamedTuple):
    """A product that this transaction holds until its end."""

    category_id: int | None
    label_source: LabelSource | None
    is_usable: bool  # the category it is to be given is a leaf in use
    is_decided: bool  # a person has decided it somewhere, and that stands


class TaskOfProduct(NamedTuple):
    """A task of a product in a campaign, whoever's."""

    id: int
    status: TaskStatus
    annotator_id: int | None
    is_gold: bool


def hold_person(session: Session, person_id: int) -> None:
    """One lot of a person at a time: a double press finds what the first one did."""
    if not is_sqlite(session):
        session.execute(sa.select(PersonRow.id).where(PersonRow.id == person_id).with_for_update(key_share=True))


_STANDS = ~sa.exists().where(_undo.c.undoes_id == DecisionRow.id)
_IS_DECIDED = sa.exists().where(DecisionRow.product_id == ProductRow.id, DecisionRow.kind != DecisionKind.UNDO, _STANDS)
_IS_USABLE = sa.exists().where(
    CategoryRow.id == sa.bindparam("category", type_=sa.BigInteger),
    CategoryRow.is_leaf.is_(True),
    CategoryRow.retired_at.is_(None),
)
_TRY_PRODUCT = (
    sa.select(ProductRow.category_id, ProductRow.label_source, _IS_USABLE, _IS_DECIDED)
    .where(ProductRow.id == _PRODUCT)
    .with_for_update(of=ProductRow, key_share=True, skip_locked=True)
)


def try_product(session: Session, product_id: int, category_id: int | None) -> LotProduct | None:
    """Hold the product; None when somebody is just deciding it, or it does not exist."""
    row = session.execute(_TRY_PRODUCT, {"product": product_id, "category": category_id}).one_or_none()
    return LotProduct(*row) if row else None


_TASKS = sa.select(tasks.c.id, tasks.c.status, tasks.c.annotator_id, tasks.c.is_gold).where(
    tasks.c.campaign_id == _CAMPAIGN, tasks.c.product_id == _PRODUCT
)


def list_tasks(session: Session, campaign_id: int, product_id: int) -> list[TaskOfProduct]:
    rows = session.execute(_TASKS, {"campaign": campaign_id, "product": product_id})
    return [TaskOfProduct(*row) for row in rows]


_IS_FREE = (
    sa.select(tasks.c.id)
    .where(tasks.c.id == sa.bindparam("task", type_=sa.BigInteger))
    .where(sa.or_(tasks.c.status == OPEN, sa.and_(tasks.c.status == LEASED, tasks.c.annotator_id == _PERSON)))
    .with_for_update(skip_locked=True)  # who finishes it alone holds it first and wants the product, which we hold
)
_TAKE = (
    sa.update(tasks)
    .where(tasks.c.id == _IS_FREE.scalar_subquery())
    .values(
        status=TaskStatus.DONE,
        annotator_id=_PERSON,
        claimed_at=sa.func.coalesce(sa.case((tasks.c.status == LEASED, tasks.c.claimed_at)), _NOW),
        decided_at=_NOW,
        lease_expires_at=None,
        draft=sa.null(),
    )
    .returning(tasks.c.id)
)


def take_task(session: Session, task_id: int, person_id: int, now: datetime) -> bool:
    """From open (or this person's) to done in one step; False when somebody was faster."""
    return session.scalar(_TAKE, {"task": task_id, "person": person_id, "now": now}) is not None


_GIVE_BACK = (
    sa.update(tasks)
    .where(tasks.c.id == sa.bindparam("task", type_=sa.BigInteger), tasks.c.annotator_id == _PERSON)
    .where(tasks.c.status == TaskStatus.DONE)
    .values(status=TaskStatus.OPEN, annotator_id=None, claimed_at=None, decided_at=None)
)


def give_back(session: Session, task_id: int, person_id: int) -> None:
    """A task of an undone lot is anybody's again, where it stood."""
    session.execute(_GIVE_BACK, {"task": task_id, "person": person_id})


def list_batch(session: Session, person_id: int, batch_key: str) -> list[DecisionRow]:
    """This person's decisions of the batch, as they were made; undo rows are none."""
    query = sa.select(DecisionRow).where(DecisionRow.batch_key == batch_key, DecisionRow.person_id == person_id)
    return list(session.scalars(query.where(DecisionRow.kind != DecisionKind.UNDO).order_by(DecisionRow.id)))


def list_lot(session: Session, decision_id: int) -> list[DecisionRow]:
    """The decision with all that was decided together with it, as they were made."""
    row = find_decision(session, decision_id)
    if row is None or row.batch_key is None:
        return [row] if row else []
    return list_batch(session, row.person_id, row.batch_key)


# --- what can be decided together ---

_mine, _other = aliased(ProductSplitRow), aliased(ProductSplitRow)
_SHOWN_LABEL = sa.case(
    (ProductRow.label_source == LabelSource.GOLD, imported_label(ProductRow.id).scalar_subquery()),
    else_=ProductRow.category_id,
)
_NEIGHBOURS = (
    sa.select(ProductRow.id, ProductRow.title, _SHOWN_LABEL.label("category_id"), _IS_DECIDED.label("is_decided"))
    .select_from(_mine)
    .join(_other, sa.and_(_other.group_key == _mine.group_key, _other.product_id != _mine.product_id))
    .join(ProductRow, ProductRow.id == _other.product_id)
    .where(_mine.product_id == _PRODUCT)
    .order_by(ProductRow.id)
)


def list_neighbours(session: Session, product_id: int, limit: int) -> list[sa.RowMapping]:
    """Near-duplicates of the product: id, title, label (of a gold one its imported one), is_decided."""
    return list(session.execute(_NEIGHBOURS.limit(limit), {"product": product_id}).mappings())


_in_use, _of_campaign = aliased(PredictionRow), aliased(PredictionRow)
_VERSION = sa.select(CampaignRow.model_version_id).where(CampaignRow.id == _CAMPAIGN).scalar_subquery()


def _window() -> sa.Select[Any]:
    slot = aliased(TaskRow)
    near = (
        sa.select(tasks.c.id, tasks.c.product_id, tasks.c.position)
        .where(tasks.c.campaign_id == _CAMPAIGN, tasks.c.status == OPEN)
        .order_by(tasks.c.position, tasks.c.id)
        .limit(sa.bindparam("scanned", type_=sa.BigInteger))
        .subquery("near")
    )
    put_off = sa.exists().where(TaskSkipRow.task_id == near.c.id, TaskSkipRow.person_id == _PERSON)
    several = sa.exists().where(
        slot.campaign_id == _CAMPAIGN,
        slot.product_id == near.c.product_id,
        slot.id != near.c.id,
        slot.is_gold.is_(False),
    )
    in_use = sa.and_(_in_use.product_id == near.c.product_id, _in_use.model_version_id == PROMOTED)
    asked = sa.and_(_of_campaign.product_id == near.c.product_id, _of_campaign.model_version_id == _VERSION)
    return (
        sa.select(
            ProductRow.id.label("product_id"),
            ProductRow.title,
            ProductRow.image,
            ProductRow.category_id,
            MallCategoryRow.path.label("mall_category"),
            sa.case((_in_use.top.is_not(None), _in_use.top), else_=_of_campaign.top).label("top"),
        )
        .select_from(near)
        .join(ProductRow, ProductRow.id == near.c.product_id)
        .outerjoin(MallCategoryRow, MallCategoryRow.id == ProductRow.mall_category_id)
        .outerjoin(_in_use, in_use)
        .outerjoin(_of_campaign, asked)
        .where(~put_off, ~several, ~_IS_DECIDED)
        .where(ProductRow.label_source.is_distinct_from(LabelSource.GOLD))
        .order_by(near.c.position, near.c.id)
    )


_WINDOW = _window()


def list_window(session: Session, campaign_id: int, person_id: int, limit: int, scanned: int) -> list[sa.RowMapping]:
    """The next open products of the queue, with what the model says; best first. Left out is what this person put
    off, what a person has decided anywhere, what several people decide, what lies behind the next `scanned` tasks."""
    values = {"campaign": campaign_id, "person": person_id, "scanned": scanned}
    return list(session.execute(_WINDOW.limit(limit), values).mappings())


_OPEN_OF = sa.select(tasks.c.id).where(tasks.c.campaign_id == _CAMPAIGN, tasks.c.status == OPEN)


def list_open_tasks(session: Session, campaign_id: int, product_ids: list[int]) -> list[int]:
    """Ids of the open tasks of these products."""
    return list(session.scalars(_OPEN_OF.where(tasks.c.product_id.in_(product_ids)), {"campaign": campaign_id}))


# --- what was put off together ---

N_SKIPS = 200  # a person's newest, among which the last lot of a campaign is looked for


def find_last_put_off(session: Session, campaign_id: int, person_id: int) -> tuple[datetime, int] | None:
    """When this person last put products of the campaign off that are still open, and how many at that moment."""
    newest = (
        sa.select(TaskSkipRow.task_id, TaskSkipRow.skipped_at)
        .where(TaskSkipRow.person_id == person_id)
        .order_by(TaskSkipRow.skipped_at.desc())
        .limit(N_SKIPS)
        .subquery()
    )
    query = (
        sa.select(newest.c.skipped_at, sa.func.count())
        .select_from(newest.join(tasks, tasks.c.id == newest.c.task_id))
        .where(tasks.c.campaign_id == campaign_id, tasks.c.status == OPEN, tasks.c.is_gold.is_(False))
        .group_by(newest.c.skipped_at)
        .order_by(newest.c.skipped_at.desc())
        .limit(1)
    )
    row = session.execute(query).one_or_none()
    return (row[0], row[1]) if row else None


def bring_back(session: Session, campaign_id: int, person_id: int, put_off_at: datetime) -> int:
    """What this person put off at that moment is as if they had not; how many products."""
    of_campaign = sa.select(tasks.c.id).where(tasks.c.campaign_id == campaign_id, tasks.c.is_gold.is_(False))
    skip = table_of(TaskSkipRow)
    mine = sa.delete(skip).where(skip.c.person_id == person_id, skip.c.skipped_at == put_off_at)
    gone = session.execute(mine.where(skip.c.task_id.in_(of_campaign)).returning(skip.c.task_id))
    return len(gone.all())


def map_first_suggestions(session: Session, campaign_id: int, product_ids: list[int]) -> dict[int, int]:
    """Product -> what the version in use suggests first, else the campaign's; products without one are left out."""
    query = (
        sa.select(PredictionRow.product_id, PredictionRow.category_id)
        .where(PredictionRow.product_id.in_(product_ids), PredictionRow.model_version_id.in_([PROMOTED, _VERSION]))
        .order_by(sa.case((PredictionRow.model_version_id == PROMOTED, 1), else_=0))  # the one in use comes last, wins
    )
    return {row.product_id: row.category_id for row in session.execute(query, {"campaign": campaign_id})}
