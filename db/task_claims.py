"""Handing out tasks: the claim in one statement, and what it would hand out next."""

from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.tables import DecisionRow, table_of
from db.tasks import CAMPAIGN, CANCELLED, EXPIRES, LEASED, NOW, OPEN, PERSON, PUT_BACK, TASK_COLUMNS, skips, tasks

decisions = table_of(DecisionRow)
SINCE = sa.bindparam("put_back", value=PUT_BACK, type_=skips.c.skipped_at.type)


def _skipped_by_me(task: Any) -> Any:
    return sa.exists().where(skips.c.task_id == task.c.id, skips.c.person_id == PERSON)


def _product_is_mine(task: Any) -> Any:
    """This person holds or has decided another slot of the product: with overlap never the same product twice."""
    other = tasks.alias("other")
    return sa.exists().where(
        other.c.campaign_id == CAMPAIGN, other.c.product_id == task.c.product_id, other.c.annotator_id == PERSON
    )


def my_last_position() -> Any:
    """Where this person was last. With overlap, the slots they leave to others pile up before it."""
    last = tasks.alias("last")
    return (
        sa.select(last.c.position)
        .select_from(decisions.join(last, last.c.id == decisions.c.task_id))
        .where(decisions.c.person_id == PERSON, decisions.c.campaign_id == CAMPAIGN)
        .order_by(decisions.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )


def _best_open(overlapping: bool, from_my_position: bool, lock: bool) -> Any:
    task = tasks.alias("candidate")
    query = sa.select(task.c.id).where(task.c.campaign_id == CAMPAIGN, task.c.status == OPEN, ~_skipped_by_me(task))
    if overlapping:
        query = query.where(~_product_is_mine(task))
    if from_my_position:
        query = query.where(task.c.position >= sa.func.coalesce(my_last_position(), 0))
    query = query.order_by(task.c.position, task.c.id).limit(1)
    return (query.with_for_update(skip_locked=True) if lock else query).scalar_subquery()


def _open_places(overlapping: bool, lock: bool) -> list[Any]:
    """Where to look for the best open task, one place after the other."""
    from_mine = [_best_open(overlapping, from_my_position=True, lock=lock)] if overlapping else []
    return [*from_mine, _best_open(overlapping, from_my_position=False, lock=lock)]


def _longest_expired(overlapping: bool) -> Any:
    task = tasks.alias("expired")
    query = sa.select(task.c.id).where(
        task.c.campaign_id == CAMPAIGN,
        task.c.status == LEASED,
        task.c.lease_expires_at < NOW,
        task.c.is_gold.is_(False),
        ~_skipped_by_me(task),
    )
    if overlapping:
        query = query.where(~_product_is_mine(task))
    query = query.order_by(task.c.lease_expires_at).limit(1)
    return query.with_for_update(skip_locked=True).scalar_subquery()


def _skipped_longest_ago(overlapping: bool) -> Any:
    task = tasks.alias("put_off")
    expired = sa.and_(task.c.status == LEASED, task.c.lease_expires_at < NOW, task.c.is_gold.is_(False))
    free = sa.or_(task.c.status == OPEN, expired, _is_my_check(task))
    query = (
        sa.select(task.c.id)
        .select_from(skips.join(task, task.c.id == skips.c.task_id))
        .where(skips.c.person_id == PERSON, task.c.campaign_id == CAMPAIGN, free)
    )
    if overlapping:
        query = query.where(sa.or_(task.c.is_gold, ~_product_is_mine(task)))
    query = query.order_by(skips.c.skipped_at, task.c.id).limit(1)
    return query.with_for_update(skip_locked=True, of=task).scalar_subquery()


def _is_my_check(task: Any) -> sa.ColumnElement[bool]:
    """A hidden gold check that this person put back."""
    return sa.and_(task.c.is_gold, task.c.status == CANCELLED, task.c.annotator_id == PERSON)


def _my_check_put_back() -> Any:
    """The one that an undo took out of this person's hands: it comes next."""
    task = tasks.alias("put_back")
    return (
        sa.select(task.c.id)
        .select_from(skips.join(task, task.c.id == skips.c.task_id))
        .where(skips.c.person_id == PERSON, skips.c.skipped_at == SINCE, task.c.campaign_id == CAMPAIGN)
        .where(_is_my_check(task))
        .limit(1)
        .scalar_subquery()
    )


def _mine() -> Any:
    task = tasks.alias("mine")
    held = (task.c.annotator_id == PERSON, task.c.campaign_id == CAMPAIGN, task.c.status == LEASED)
    return sa.select(task.c.id).where(*held).limit(1).with_for_update().scalar_subquery()


@cache
def _claim_statement(overlapping: bool) -> Any:
    """Mine again, else one whose lease ran out, else the best open one, else one that I put off."""
    free = [*_open_places(overlapping, lock=True), _skipped_longest_ago(overlapping)]
    places = [_mine(), _my_check_put_back(), _longest_expired(overlapping), *free]
    is_mine = sa.and_(tasks.c.status == LEASED, tasks.c.annotator_id == PERSON)
    # Said again for PostgreSQL, which looks at the row once more after it waited for its lock.
    still_free = sa.or_(
        tasks.c.status == OPEN,
        is_mine,
        sa.and_(tasks.c.status == LEASED, tasks.c.lease_expires_at < NOW, tasks.c.is_gold.is_(False)),
        _is_my_check(tasks),
    )
    return (
        sa.update(tasks)
        .where(tasks.c.id == sa.func.coalesce(*places), still_free)
        .values(
            status=LEASED,
            annotator_id=PERSON,
            lease_expires_at=EXPIRES,
            claimed_at=sa.case((is_mine, sa.func.coalesce(tasks.c.claimed_at, NOW)), else_=NOW),
        )
        .returning(*TASK_COLUMNS)
    )


def claim_task(
    session: Session, campaign_id: int, person_id: int, overlapping: bool, now: datetime, expires: datetime
) -> sa.RowMapping | None:
    """Lease the best task to the person, in one statement; the one they hold already, renewed. None: nothing left.

    IntegrityError when the same person claims twice at the same moment: try again and find the first claim.
    """
    values = {"campaign": campaign_id, "person": person_id, "now": now, "expires": expires}
    return session.execute(_claim_statement(overlapping), values).mappings().one_or_none()


@cache
def _next_statement(overlapping: bool) -> Any:
    return sa.select(*TASK_COLUMNS).where(tasks.c.id == sa.func.coalesce(*_open_places(overlapping, lock=False), 0))


def find_next_open(session: Session, campaign_id: int, person_id: int, overlapping: bool) -> sa.RowMapping | None:
    """The best open task, left where it is."""
    values = {"campaign": campaign_id, "person": person_id}
    return session.execute(_next_statement(overlapping), values).mappings().one_or_none()
