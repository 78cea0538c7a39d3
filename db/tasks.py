"""Queries of tasks in somebody's hands: kept, given back, put off, finished, reopened. Claims: `db.task_claims`.

A hidden gold check is a task of one person: nobody else is ever given it. Put back it is CANCELLED and keeps its
annotator; a row of `task_skips` (at PUT_BACK: at once, else at the end) brings it to that person again.
"""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.campaign_members import IS_SHUT_OUT
from db.people import insert_for
from db.tables import CampaignRow, PromotionRow, TaskRow, TaskSkipRow, table_of

# Core tables and statements built once: this is the path each keystroke of an annotator takes.
tasks = table_of(TaskRow)
skips = table_of(TaskSkipRow)

# Literals, not parameters: only so do the partial indexes match.
OPEN: sa.ColumnElement[Any] = sa.literal_column("'open'")
LEASED: sa.ColumnElement[Any] = sa.literal_column("'leased'")
DONE: sa.ColumnElement[Any] = sa.literal_column("'done'")
CANCELLED: sa.ColumnElement[Any] = sa.literal_column("'cancelled'")
PUT_BACK = datetime(1970, 1, 1, tzinfo=UTC)

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
# A hidden gold check that is given back stays its person's, lease run out; one that is put off waits, cancelled.
_ITS_OWN = sa.case((tasks.c.is_gold, tasks.c.annotator_id), else_=sa.null())
FREED = {
    "status": sa.case((tasks.c.is_gold, LEASED), else_=OPEN),
    "annotator_id": _ITS_OWN,
    "lease_expires_at": None,
    "claimed_at": sa.case((tasks.c.is_gold, sa.null()), else_=tasks.c.claimed_at),
}
PUT_OFF = {**FREED, "status": sa.case((tasks.c.is_gold, CANCELLED), else_=OPEN)}
_campaigns = table_of(CampaignRow)
_promotion = sa.select(PromotionRow.model_version_id).order_by(PromotionRow.id.desc()).limit(1).scalar_subquery()
_HAS_TARGET = sa.or_(_campaigns.c.target_decisions.is_not(None), _campaigns.c.target_error.is_not(None))
_QUEUE = sa.select(
    _campaigns.c.status,
    _campaigns.c.kind,
    _campaigns.c.overlap,
    _campaigns.c.strata,
    _campaigns.c.gold_rate,
    _campaigns.c.is_blind,
    _campaigns.c.choices,
    _campaigns.c.filter,
    _campaigns.c.deleted_at,
    _HAS_TARGET.label("has_target"),
    IS_SHUT_OUT.label("is_shut_out"),
    sa.func.coalesce(_promotion, _campaigns.c.model_version_id).label("model_version_id"),
).where(_campaigns.c.id == CAMPAIGN)


def find_queue(session: Session, campaign_id: int, person_id: int) -> sa.RowMapping | None:
    """What handing out tasks of the campaign to this person asks of it; None when there is no such campaign."""
    return session.execute(_QUEUE, {"campaign": campaign_id, "person": person_id}).mappings().one_or_none()


def _of_campaign(column: Any) -> Any:
    return sa.select(column).where(_campaigns.c.id == tasks.c.campaign_id).correlate(tasks).scalar_subquery()


# What writing a decision asks of its campaign, in the statement that closes the task: no round trip of its own.
_FACTS = (
    _of_campaign(_campaigns.c.is_blind).label("is_blind"),
    sa.func.coalesce(_promotion, _of_campaign(_campaigns.c.model_version_id)).label("model_version_id"),
    _of_campaign(_HAS_TARGET).label("has_target"),
)
_HELD = (tasks.c.id == TASK, tasks.c.annotator_id == PERSON, tasks.c.status == LEASED)
_RENEW = sa.update(tasks).where(*_HELD).values(lease_expires_at=EXPIRES).returning(*TASK_COLUMNS)
_RENEW_MINE = (
    sa.update(tasks)
    .where(tasks.c.campaign_id == CAMPAIGN, tasks.c.annotator_id == PERSON, tasks.c.status == LEASED)
    .values(lease_expires_at=EXPIRES, claimed_at=sa.func.coalesce(tasks.c.claimed_at, NOW))
    .returning(*TASK_COLUMNS)
)
_SAVE_DRAFT = sa.update(tasks).where(*_HELD).values(lease_expires_at=EXPIRES, draft=DRAFT).returning(tasks.c.id)
_RELEASE = sa.update(tasks).where(*_HELD).values(FREED).returning(tasks.c.id)
_RELEASE_ALL = sa.update(tasks).where(tasks.c.annotator_id == PERSON, tasks.c.status == LEASED).values(FREED)
_PUT_OFF = sa.update(tasks).where(*_HELD).values(PUT_OFF).returning(tasks.c.id)
_PUT_BACK_OTHERS = (
    sa.update(tasks)
    .where(tasks.c.annotator_id == PERSON, tasks.c.status == LEASED)
    .where(tasks.c.campaign_id == CAMPAIGN, tasks.c.id != TASK)
    .values(PUT_OFF)
    .returning(tasks.c.id, tasks.c.is_gold)
)
_FINISH = (
    sa.update(tasks)
    .where(*_HELD)
    .values(status=DONE, decided_at=NOW, lease_expires_at=None, draft=sa.null())
    .returning(tasks.c.id, tasks.c.campaign_id, tasks.c.product_id, tasks.c.is_gold, *_FACTS)
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


def renew_mine(
    session: Session, campaign_id: int, person_id: int, now: datetime, expires: datetime
) -> sa.RowMapping | None:
    """What this person holds in the campaign, its lease's end pushed away; never a new task."""
    values = {"campaign": campaign_id, "person": person_id, "now": now, "expires": expires}
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


def put_off(session: Session, task_id: int, person_id: int, now: datetime) -> bool:
    """Leave the task to others (a hidden gold check to nobody); it comes to this person again at the end.
    False when they do not hold it."""
    is_mine = session.scalar(_PUT_OFF, {"task": task_id, "person": person_id}) is not None
    if is_mine:
        add_skip(session, task_id, person_id, now)
    return is_mine


def add_skip(session: Session, task_id: int, person_id: int, now: datetime) -> None:
    insert = insert_for(session)(TaskSkipRow).values(task_id=task_id, person_id=person_id, skipped_at=now)
    session.execute(insert.on_conflict_do_update(index_elements=["task_id", "person_id"], set_={"skipped_at": now}))


def finish_task(session: Session, task_id: int, person_id: int, now: datetime) -> sa.RowMapping | None:
    """Close the task this person holds: its id, campaign_id, product_id and is_gold, and of its campaign is_blind,
    has_target and the model_version_id whose suggestions it shows now. None: they do not hold it."""
    values = {"task": task_id, "person": person_id, "now": now}
    return session.execute(_FINISH, values).mappings().one_or_none()


def reopen_task(
    session: Session, task_id: int, campaign_id: int, person_id: int, now: datetime, expires: datetime
) -> sa.RowMapping | None:
    """Lease a task that this person has decided to them again; what they hold in its campaign goes back."""
    values = {"task": task_id, "person": person_id, "campaign": campaign_id, "now": now, "expires": expires}
    others = {"task": task_id, "person": person_id, "campaign": campaign_id}
    for other in session.execute(_PUT_BACK_OTHERS, others).all():
        if other.is_gold:
            add_skip(session, other.id, person_id, PUT_BACK)
    return session.execute(_REOPEN, values).mappings().one_or_none()


def find_task(session: Session, task_id: int) -> sa.RowMapping | None:
    return session.execute(sa.select(*TASK_COLUMNS).where(tasks.c.id == task_id)).mappings().one_or_none()
