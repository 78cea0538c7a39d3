"""Queries of the labeling queue. A claim is one statement; the schema allows one lease a person and campaign."""

from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.people import insert_for
from db.tables import DecisionRow, TaskRow, TaskSkipRow, table_of

# Core tables and statements built once: this is the path each keystroke of an annotator takes.
tasks = table_of(TaskRow)
skips = table_of(TaskSkipRow)
decisions = table_of(DecisionRow)

# Literals, not parameters: only so do the partial indexes match.
OPEN: sa.ColumnElement[Any] = sa.literal_column("'open'")
LEASED: sa.ColumnElement[Any] = sa.literal_column("'leased'")
DONE: sa.ColumnElement[Any] = sa.literal_column("'done'")

CAMPAIGN = sa.bindparam("campaign", type_=sa.BigInteger)
PERSON = sa.bindparam("person", type_=sa.BigInteger)
TASK = sa.bindparam("task", type_=sa.BigInteger)
NOW = sa.bindparam("now", type_=tasks.c.lease_expires_at.type)
EXPIRES = sa.bindparam("expires", type_=tasks.c.lease_expires_at.type)
DRAFT = sa.bindparam("draft_value", type_=tasks.c.draft.type)

TASK_COLUMNS = (
    tasks.c.id,
    tasks.c.campaign_id,
    tasks.c.product_id,
    tasks.c.slot,
    tasks.c.lease_expires_at,
    tasks.c.draft,
    tasks.c.claimed_at,
    tasks.c.position,
    tasks.c.status,
    tasks.c.annotator_id,
)
FREED = {"status": OPEN, "annotator_id": None, "lease_expires_at": None}


def _skipped_by_me(task: Any) -> Any:
    return sa.exists().where(skips.c.task_id == task.c.id, skips.c.person_id == PERSON)


def _product_is_mine(task: Any) -> Any:
    """This person holds or has decided another slot of the product: with overlap never the same product twice."""
    other = tasks.alias("other")
    return sa.exists().where(
        other.c.campaign_id == CAMPAIGN, other.c.product_id == task.c.product_id, other.c.annotator_id == PERSON
    )


def _my_last_position() -> Any:
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
        query = query.where(task.c.position >= sa.func.coalesce(_my_last_position(), 0))
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
        ~_skipped_by_me(task),
    )
    if overlapping:
        query = query.where(~_product_is_mine(task))
    query = query.order_by(task.c.lease_expires_at).limit(1)
    return query.with_for_update(skip_locked=True).scalar_subquery()


def _skipped_longest_ago(overlapping: bool) -> Any:
    task = tasks.alias("put_off")
    free = sa.or_(task.c.status == OPEN, sa.and_(task.c.status == LEASED, task.c.lease_expires_at < NOW))
    query = (
        sa.select(task.c.id)
        .select_from(skips.join(task, task.c.id == skips.c.task_id))
        .where(skips.c.person_id == PERSON, task.c.campaign_id == CAMPAIGN, free)
    )
    if overlapping:
        query = query.where(~_product_is_mine(task))
    query = query.order_by(skips.c.skipped_at, task.c.id).limit(1)
    return query.with_for_update(skip_locked=True, of=task).scalar_subquery()


def _mine() -> Any:
    task = tasks.alias("mine")
    held = (task.c.annotator_id == PERSON, task.c.campaign_id == CAMPAIGN, task.c.status == LEASED)
    return sa.select(task.c.id).where(*held).limit(1).with_for_update().scalar_subquery()


@cache
def _claim_statement(overlapping: bool) -> Any:
    """Mine again, else one whose lease ran out, else the best open one, else one that I put off."""
    free = [*_open_places(overlapping, lock=True), _skipped_longest_ago(overlapping)]
    places = [_mine(), _longest_expired(overlapping), *free]
    is_mine = sa.and_(tasks.c.status == LEASED, tasks.c.annotator_id == PERSON)
    # Said again for PostgreSQL, which looks at the row once more after it waited for its lock.
    still_free = sa.or_(
        tasks.c.status == OPEN,
        is_mine,
        sa.and_(tasks.c.status == LEASED, tasks.c.lease_expires_at < NOW),
    )
    return (
        sa.update(tasks)
        .where(tasks.c.id == sa.func.coalesce(*places), still_free)
        .values(
            status=LEASED,
            annotator_id=PERSON,
            lease_expires_at=EXPIRES,
            claimed_at=sa.case((is_mine, tasks.c.claimed_at), else_=NOW),
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


_HELD = (tasks.c.id == TASK, tasks.c.annotator_id == PERSON, tasks.c.status == LEASED)
_RENEW = sa.update(tasks).where(*_HELD).values(lease_expires_at=EXPIRES).returning(*TASK_COLUMNS)
_RENEW_MINE = (
    sa.update(tasks)
    .where(tasks.c.campaign_id == CAMPAIGN, tasks.c.annotator_id == PERSON, tasks.c.status == LEASED)
    .values(lease_expires_at=EXPIRES)
    .returning(*TASK_COLUMNS)
)
_SAVE_DRAFT = sa.update(tasks).where(*_HELD).values(lease_expires_at=EXPIRES, draft=DRAFT).returning(tasks.c.id)
_RELEASE = sa.update(tasks).where(*_HELD).values(FREED).returning(tasks.c.id)
_RELEASE_ALL = sa.update(tasks).where(tasks.c.annotator_id == PERSON, tasks.c.status == LEASED).values(FREED)
_RELEASE_IN_CAMPAIGN = _RELEASE_ALL.where(tasks.c.campaign_id == CAMPAIGN, tasks.c.id != TASK)
_FINISH = (
    sa.update(tasks)
    .where(*_HELD)
    .values(status=DONE, decided_at=NOW, lease_expires_at=None, draft=sa.null())
    .returning(tasks.c.campaign_id, tasks.c.product_id, tasks.c.claimed_at)
)
_REOPEN = (
    sa.update(tasks)
    .where(tasks.c.id == TASK, tasks.c.annotator_id == PERSON, tasks.c.status == DONE)
    .values(status=LEASED, lease_expires_at=EXPIRES, decided_at=None, claimed_at=NOW)
    .returning(*TASK_COLUMNS)
)


def renew_lease(session: Session, task_id: int, person_id: int, expires: datetime) -> sa.RowMapping | None:
    """Push the lease's end away, also one that ran out while nobody took the task. None: no longer this person's."""
    values = {"task": task_id, "person": person_id, "expires": expires}
    return session.execute(_RENEW, values).mappings().one_or_none()


def renew_mine(session: Session, campaign_id: int, person_id: int, expires: datetime) -> sa.RowMapping | None:
    """What this person holds in the campaign, its lease's end pushed away; never a new task."""
    values = {"campaign": campaign_id, "person": person_id, "expires": expires}
    return session.execute(_RENEW_MINE, values).mappings().one_or_none()


def save_draft(session: Session, task_id: int, person_id: int, draft: dict[str, Any], expires: datetime) -> bool:
    values = {"task": task_id, "person": person_id, "draft_value": draft, "expires": expires}
    return session.scalar(_SAVE_DRAFT, values) is not None


def release_task(session: Session, task_id: int, person_id: int) -> bool:
    """Put the task back where it stood. False when this person does not hold it."""
    return session.scalar(_RELEASE, {"task": task_id, "person": person_id}) is not None


def release_all(session: Session, person_id: int) -> int:
    """Put back all this person holds, in every campaign; how many."""
    return session.execute(_RELEASE_ALL, {"person": person_id}).rowcount  # type: ignore[attr-defined]


def add_skip(session: Session, task_id: int, person_id: int, now: datetime) -> None:
    insert = insert_for(session)(TaskSkipRow).values(task_id=task_id, person_id=person_id, skipped_at=now)
    session.execute(insert.on_conflict_do_update(index_elements=["task_id", "person_id"], set_={"skipped_at": now}))


def finish_task(session: Session, task_id: int, person_id: int, now: datetime) -> sa.RowMapping | None:
    """Close the task this person holds: its campaign_id, product_id, claimed_at. None: they do not hold it."""
    values = {"task": task_id, "person": person_id, "now": now}
    return session.execute(_FINISH, values).mappings().one_or_none()


def reopen_task(
    session: Session, task_id: int, campaign_id: int, person_id: int, now: datetime, expires: datetime
) -> sa.RowMapping | None:
    """Lease a task that this person has decided to them again; what they hold in its campaign goes back."""
    values = {"task": task_id, "person": person_id, "campaign": campaign_id, "now": now, "expires": expires}
    session.execute(_RELEASE_IN_CAMPAIGN, {"task": task_id, "person": person_id, "campaign": campaign_id})
    return session.execute(_REOPEN, values).mappings().one_or_none()


def find_task(session: Session, task_id: int) -> sa.RowMapping | None:
    return session.execute(sa.select(*TASK_COLUMNS).where(tasks.c.id == task_id)).mappings().one_or_none()


@cache
def _next_statement(overlapping: bool) -> Any:
    return sa.select(*TASK_COLUMNS).where(tasks.c.id == sa.func.coalesce(*_open_places(overlapping, lock=False), 0))


def find_next_open(session: Session, campaign_id: int, person_id: int, overlapping: bool) -> sa.RowMapping | None:
    """The best open task, left where it is."""
    values = {"campaign": campaign_id, "person": person_id}
    return session.execute(_next_statement(overlapping), values).mappings().one_or_none()
