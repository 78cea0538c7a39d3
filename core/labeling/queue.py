"""The queue: claim a task, keep it, give it back, put it off. A reload finds the same task and draft."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import N_, AppError, Forbidden, InvalidInput, LeaseLost, NotFound, NotReady
from core.labeling.busy import database_in_words
from core.labeling.gold_checks import claim_check
from core.labeling.members import require_member
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import task_claims, tasks
from db.enums import CampaignStatus

MAX_DRAFT_CHARACTERS = 20_000
CLAIM_ATTEMPTS = 5


@dataclass(frozen=True)
class Task:
    """A product in an annotator's hands. `position` 0 is handed out first; `draft` is what they had typed."""

    id: int
    campaign_id: int
    product_id: int
    slot: int
    lease_expires_at: datetime | None  # none: not leased any more
    draft: dict[str, Any]
    claimed_at: datetime | None
    position: int


def task_of(row: sa.RowMapping, person_id: int) -> Task:
    """A row of `db.tasks` as this person sees it: somebody else's draft is not theirs."""
    draft = row["draft"] or {}
    return Task(
        id=row["id"],
        campaign_id=row["campaign_id"],
        product_id=row["product_id"],
        slot=max(row["slot"], 0),
        lease_expires_at=row["lease_expires_at"],
        draft=draft.get("values", {}) if draft.get("person_id") == person_id else {},
        claimed_at=row["claimed_at"],
        position=row["position"],
    )


def lease_end(runtime: Runtime, now: datetime) -> datetime:
    return now + timedelta(minutes=runtime.settings.lease_minutes)


def claim_task(runtime: Runtime, actor: Actor, campaign_id: int) -> Task | None:
    """The task this person holds already, its lease renewed; else the best one that is free; else None.

    Leases that ran out are handed on first, what this person skipped comes last. With overlap nobody
    gets the same product twice. A paused or closed campaign hands out nothing new: it shows what this person
    holds (from before, or by an undo) until it is decided, then raises NotReady; so does one whose members they are
    not any more (Forbidden). At the campaign's rate the task is a hidden gold check, which nothing here tells.
    """
    authorize(actor, Action.LABEL)
    for attempt in range(CLAIM_ATTEMPTS):
        try:
            return _claim_once(runtime, actor, campaign_id)
        except sa.exc.IntegrityError:  # the same person, at the same moment, in another tab: find what that one got
            if attempt == CLAIM_ATTEMPTS - 1:
                raise
    return None


def _claim_once(runtime: Runtime, actor: Actor, campaign_id: int) -> Task | None:
    with database_in_words(), runtime.sessions.write(durable=False) as session:
        queue = tasks.find_queue(session, campaign_id, actor.person_id)
        now = utc_now()
        end = lease_end(runtime, now)
        reason = _why_nothing_new(session, campaign_id, queue, actor)
        row = None
        if reason is not None or (queue and queue["gold_rate"] > 0):
            row = tasks.renew_mine(session, campaign_id, actor.person_id, now, end)
        if row is None:
            if reason is not None:
                raise reason
            assert queue is not None
            row = _claim_new(session, queue, campaign_id, actor.person_id, now, end)
    return task_of(row, actor.person_id) if row else None


def _claim_new(
    session: Session, queue: sa.RowMapping, campaign_id: int, person_id: int, now: datetime, end: datetime
) -> sa.RowMapping | None:
    overlapping = is_overlapping(queue)
    if queue["gold_rate"] > 0 and queue["status"] == CampaignStatus.ACTIVE:
        check = claim_check(session, queue, campaign_id, person_id, overlapping, now, end)
        if check is not None:
            return check
    return task_claims.claim_task(session, campaign_id, person_id, overlapping, now, end)


def is_overlapping(queue: sa.RowMapping) -> bool:
    """Some products of the campaign are decided by several people."""
    return queue["overlap"] > 1 or bool(queue["strata"])


def _why_nothing_new(session: Session, campaign_id: int, queue: sa.RowMapping | None, actor: Actor) -> AppError | None:
    """The reason why the campaign hands out nothing new to this person; none: it does."""
    if queue is None:
        return NotFound(N_("There is no such campaign."))
    if (stopped := why_stopped(queue)) is not None:
        return stopped
    if queue["is_shut_out"]:
        try:
            require_member(session, campaign_id, actor)
        except Forbidden as refusal:
            return refusal
    return None


def why_stopped(queue: sa.RowMapping) -> NotReady | None:
    """That the campaign is paused or closed, and who can change it; none: it hands out its tasks."""
    if queue["status"] == CampaignStatus.PAUSED:
        return NotReady(N_("This campaign is paused. Somebody who runs campaigns can resume it."))
    if queue["status"] == CampaignStatus.CLOSED or queue["deleted_at"] is not None:
        return NotReady(N_("This campaign is closed. Choose another one."))
    return None


def renew_lease(runtime: Runtime, actor: Actor, task_id: int) -> Task:
    """Keep the task for another full lease. Raises LeaseLost when somebody else has it by now."""
    authorize(actor, Action.LABEL)
    with database_in_words(), runtime.sessions.write(durable=False) as session:
        row = tasks.renew_lease(session, task_id, actor.person_id, lease_end(runtime, utc_now()))
    if row is None:
        raise LeaseLost()
    return task_of(row, actor.person_id)


def save_draft(runtime: Runtime, actor: Actor, task_id: int, draft: dict[str, Any]) -> None:
    """Keep what was typed so far and renew the lease. Raises LeaseLost, or InvalidInput when it is too long."""
    authorize(actor, Action.LABEL)
    if len(json.dumps(draft, ensure_ascii=False)) > MAX_DRAFT_CHARACTERS:
        raise InvalidInput(N_("This note is too long."))
    kept = {"person_id": actor.person_id, "values": draft}
    with database_in_words(), runtime.sessions.write(durable=False) as session:
        if not tasks.save_draft(session, task_id, actor.person_id, kept, lease_end(runtime, utc_now())):
            raise LeaseLost()


def release_task(runtime: Runtime, actor: Actor, task_id: int) -> None:
    """Put the task back where it stood; harmless when it is no longer this person's."""
    with database_in_words(), runtime.sessions.write(durable=False) as session:
        tasks.release_task(session, task_id, actor.person_id)


def release_all(runtime: Runtime, actor: Actor) -> int:
    """Put back whatever this person holds (sign-out); how many tasks."""
    with database_in_words(), runtime.sessions.write(durable=False) as session:
        return tasks.release_all(session, actor.person_id)


def skip_task(runtime: Runtime, actor: Actor, task_id: int) -> None:
    """Leave the task to others; this person gets it again at the end. Raises LeaseLost when it is not theirs."""
    authorize(actor, Action.LABEL)
    with database_in_words(), runtime.sessions.write(durable=False) as session:
        if not tasks.put_off(session, task_id, actor.person_id, utc_now()):
            raise LeaseLost()
