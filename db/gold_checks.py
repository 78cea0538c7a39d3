"""Queries of hidden gold checks: which gold product a person may be asked about, its task, what its card shows."""

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from db.enums import DecisionKind, LabelSource, NoiseVerdict, TaskStatus
from db.label_issues import SUSPECT
from db.products import Conditions, select_products
from db.tables import (
    CategoryRow,
    DecisionRow,
    LabelIssueRow,
    LabelRow,
    ProductRow,
    TaskRow,
    TaskSkipRow,
    TaxonomyEditRow,
)
from db.task_claims import my_last_position
from db.tasks import TASK_COLUMNS, tasks

_PERSON = sa.bindparam("person", type_=sa.BigInteger)
_CAMPAIGN = sa.bindparam("campaign", type_=sa.BigInteger)
_RECENT = (
    sa.select(DecisionRow.is_gold_check)
    .where(DecisionRow.person_id == _PERSON, DecisionRow.campaign_id == _CAMPAIGN)
    .where(DecisionRow.kind != DecisionKind.UNDO, DecisionRow.task_id.is_not(None))
    .order_by(DecisionRow.id.desc())
)
_LAST_SKIP = (
    sa.select(TaskRow.is_gold)
    .select_from(TaskSkipRow)
    .join(TaskRow, TaskRow.id == TaskSkipRow.task_id)
    .where(TaskSkipRow.person_id == _PERSON)
    .order_by(TaskSkipRow.skipped_at.desc())
    .limit(1)
)


class LabelBefore(NamedTuple):
    """What the label of a gold product was before it was settled."""

    category_id: int
    created_at: datetime


def list_recent(session: Session, campaign_id: int, person_id: int, limit: int) -> list[bool]:
    """Of this person's last decisions in the campaign, newest first, whether it was of a check."""
    return list(session.scalars(_RECENT.limit(limit), {"person": person_id, "campaign": campaign_id}))


def was_check_skipped_last(session: Session, person_id: int) -> bool:
    return bool(session.scalar(_LAST_SKIP, {"person": person_id}))


def imported_label(product_id: Any) -> sa.Select[Any]:
    """The newest imported label of a product that stands, as a part of a query or alone."""
    edit = aliased(TaxonomyEditRow)
    is_void = sa.exists().where(edit.id == LabelRow.edit_id, edit.undone_at.is_not(None))
    return (
        sa.select(LabelRow.category_id)
        .where(LabelRow.product_id == product_id, LabelRow.source == LabelSource.IMPORT, ~is_void)
        .order_by(sa.func.coalesce(LabelRow.carried_from_id, LabelRow.id).desc(), LabelRow.id.desc())
        .limit(1)
    )


_BEFORE = imported_label(sa.bindparam("product", type_=sa.BigInteger)).add_columns(LabelRow.created_at)


def find_label_before(session: Session, product_id: int) -> LabelBefore | None:
    """The label that its file gave the product; none: it came without one."""
    row = session.execute(_BEFORE, {"product": product_id}).one_or_none()
    return LabelBefore(*row) if row else None


def find_issue(session: Session, product_id: int, given_category_id: int) -> LabelIssueRow | None:
    """What was said against the label that the product had before it was settled."""
    query = select_issue(product_id).where(LabelIssueRow.given_category_id == given_category_id)
    return session.scalar(query.order_by(LabelIssueRow.label_quality_score).limit(1))


def select_issue(product_id: Any) -> sa.Select[Any]:
    return sa.select(LabelIssueRow).where(LabelIssueRow.product_id == product_id, SUSPECT)


def find_product(
    session: Session,
    campaign_id: int,
    person_id: int,
    place: Conditions,
    categories: list[int] | None,
    is_suspected: bool,
    start: float,
) -> int | None:
    """A gold product that this person was never asked about in the campaign and that nobody decides in it otherwise.

    Its category is a leaf in use (one of `categories`, if given), and they did not settle it themselves. `place`
    holds what the campaign's filter says of products. With `is_suspected` its imported label looked wrong.
    `start` 0..1 is where among all gold products to begin to look, so that not all get the same ones.
    """
    task, decision, label = aliased(TaskRow), aliased(DecisionRow), aliased(LabelRow)
    own_gold = (label.product_id == ProductRow.id, label.source == LabelSource.GOLD, label.person_id == person_id)
    asked = (task.campaign_id == campaign_id, task.product_id == ProductRow.id)
    decided = (decision.campaign_id == campaign_id, decision.product_id == ProductRow.id)
    query = (
        select_products(place, None, ProductRow.id)
        .join(CategoryRow, CategoryRow.id == ProductRow.category_id)
        .where(ProductRow.label_source == LabelSource.GOLD, CategoryRow.is_leaf, CategoryRow.retired_at.is_(None))
        .where(~sa.exists().where(*asked, sa.or_(task.annotator_id == person_id, task.is_gold.is_(False))))
        .where(~sa.exists().where(*decided, decision.person_id == person_id))
        .where(~sa.exists().where(*own_gold))
        .order_by(ProductRow.id)
        .limit(1)
    )
    if categories is not None:
        query = query.where(ProductRow.category_id.in_(categories))
    if is_suspected:
        given = imported_label(ProductRow.id).scalar_subquery()
        doubted = (LabelIssueRow.product_id == ProductRow.id, LabelIssueRow.verdict != NoiseVerdict.CLEAN)
        query = query.where(sa.exists().where(*doubted, LabelIssueRow.given_category_id == given))
    first, last = session.execute(_BOUNDS).one()
    if first is None:
        return None
    pivot = first + int(start * (last - first + 1))
    return session.scalar(query.where(ProductRow.id >= pivot)) or session.scalar(query.where(ProductRow.id < pivot))


_IS_GOLD = ProductRow.label_source == LabelSource.GOLD
_BOUNDS = sa.select(
    sa.select(sa.func.min(ProductRow.id)).where(_IS_GOLD).scalar_subquery(),
    sa.select(sa.func.max(ProductRow.id)).where(_IS_GOLD).scalar_subquery(),
)

_INSERT = (
    sa.insert(tasks)
    .values(
        campaign_id=_CAMPAIGN,
        product_id=sa.bindparam("product"),
        slot=sa.bindparam("free_slot"),
        position=sa.func.coalesce(my_last_position(), 0),
        status=TaskStatus.LEASED,
        is_gold=True,
        annotator_id=_PERSON,
        claimed_at=sa.bindparam("now", type_=tasks.c.claimed_at.type),
        lease_expires_at=sa.bindparam("expires", type_=tasks.c.claimed_at.type),
    )
    .returning(*TASK_COLUMNS)
)


def insert_check(
    session: Session, campaign_id: int, product_id: int, person_id: int, slot: int, now: datetime, expires: datetime
) -> sa.RowMapping:
    """A check's task, leased to the person, at the place in the queue where they are.

    `slot` is below 0, where no other task has its own. IntegrityError when the slot is taken, or the person holds
    another task by now: try again.
    """
    values = {"campaign": campaign_id, "product": product_id, "free_slot": slot, "person": person_id}
    return session.execute(_INSERT, {**values, "now": now, "expires": expires}).mappings().one()


_IS_CHECK = sa.select(tasks.c.is_gold).where(tasks.c.id == sa.bindparam("task", type_=sa.BigInteger))


def is_check(session: Session, task_id: int) -> bool:
    return bool(session.scalar(_IS_CHECK, {"task": task_id}))
