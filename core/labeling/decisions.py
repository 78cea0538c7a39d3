"""Decisions: recorded once whatever is pressed twice, undone by a row of their own, listed for revisiting."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import N_, AlreadyLabeled, Conflict, Forbidden, InvalidInput, LeaseLost, NotFound, UnknownCategory
from core.labeling.busy import database_in_words
from core.labeling.queue import CLAIM_ATTEMPTS, Task, lease_end, task_of
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import decisions, tasks
from db.enums import DecisionKind, TaskStatus
from db.tables import DecisionRow

MAX_NOTE_CHARACTERS = 4_000
MAX_KEY_CHARACTERS = 64


@dataclass(frozen=True)
class Decision:
    """One row of `decisions`. An UNDO names in `undoes_id` what it takes back."""

    id: int
    idempotency_key: str
    kind: DecisionKind
    task_id: int | None
    campaign_id: int | None
    product_id: int
    person_id: int
    category_id: int | None
    previous_category_id: int | None  # the product's label before
    model_version_id: int | None  # whose suggestions the person saw
    suggestion_rank: int | None  # 1 is the first; none: not taken from a suggestion
    seconds_spent: float | None
    note: str | None
    undoes_id: int | None
    created_at: datetime


@dataclass(frozen=True)
class MyDecision:
    """A line of 'my last decisions'."""

    decision: Decision
    title: str
    is_undone: bool


_FIELDS = tuple(part.name for part in fields(Decision))


class _KeyUsed(Exception):
    """A signal inside this file: roll back and look at what stands."""


def record_decision(
    runtime: Runtime,
    actor: Actor,
    task_id: int,
    kind: DecisionKind,
    category_id: int | None,
    idempotency_key: str,
    suggestion_rank: int | None = None,
    seconds_spent: float | None = None,
    note: str | None = None,
    model_version_id: int | None = None,
) -> Decision:
    """Write down what the person decided: decision, label, task and the day's count, together or not at all.

    The same answer under the same `idempotency_key` again returns the decision that stands, with no new row,
    also when it was undone meanwhile. A lease that ran out counts as long as nobody else took the task.
    `model_version_id` is the version whose suggestions were shown; left out, the one in use.

    Raises AlreadyLabeled (decided under another key, or otherwise under this one), LeaseLost (somebody else
    has the task), UnknownCategory (not a leaf in use), InvalidInput.
    """
    authorize(actor, Action.LABEL)
    now = utc_now()
    values: dict[str, Any] = {
        "idempotency_key": _checked_key(idempotency_key),
        "kind": kind,
        "task_id": task_id,
        "person_id": actor.person_id,
        "category_id": _checked_category(kind, category_id),
        "model_version_id": model_version_id,
        "suggestion_rank": suggestion_rank,
        "seconds_spent": _checked_seconds(seconds_spent),
        "note": _checked_note(note),
        "undoes_id": None,
        "created_at": now,
    }
    try:
        with database_in_words(), runtime.sessions.write() as session:
            return _record(session, values, now)
    except _KeyUsed:
        return _standing(runtime, values)


def _record(session: Session, values: dict[str, Any], now: datetime) -> Decision:
    task = tasks.finish_task(session, values["task_id"], values["person_id"], now)
    if task is None:
        raise _KeyUsed
    campaign_id, product_id = task["campaign_id"], task["product_id"]
    previous, is_usable = decisions.lock_product(session, product_id, values["category_id"])
    if values["kind"] == DecisionKind.LABEL and not is_usable:
        raise UnknownCategory(N_("This category cannot be given: it is not a leaf that is in use."))
    if values["model_version_id"] is None:
        values["model_version_id"] = decisions.find_model_seen(session, campaign_id)
    values |= {"campaign_id": campaign_id, "product_id": product_id, "previous_category_id": previous}
    decision_id = decisions.insert_decision(session, values)
    if decision_id is None:
        raise _KeyUsed
    if values["category_id"] is not None:
        decisions.add_human_label(session, product_id, values["category_id"], values["person_id"], decision_id, now)
    decisions.count_towards_day(session, campaign_id, values["person_id"], now.date(), 1)
    return Decision(id=decision_id, **values)


def _standing(runtime: Runtime, wanted: dict[str, Any]) -> Decision:
    """What stands under this key, or the reason why nothing could be recorded."""
    task_id = wanted["task_id"]
    with runtime.sessions.read() as session:
        row = decisions.find_decision_by_key(session, wanted["idempotency_key"])
        task = tasks.find_task(session, task_id)
    if row is not None:
        if row.task_id != task_id or row.person_id != wanted["person_id"] or row.kind == DecisionKind.UNDO:
            raise Conflict(N_("This idempotency key was used for something else."))
        if (row.kind, row.category_id) != (wanted["kind"], wanted["category_id"]):
            raise AlreadyLabeled()
        return _decision(row)
    if task is None:
        raise NotFound(N_("There is no task {task_id}."), task_id=task_id)
    if task["status"] == TaskStatus.DONE:
        raise AlreadyLabeled()
    raise LeaseLost()


def undo_decision(runtime: Runtime, actor: Actor, decision_id: int, idempotency_key: str) -> Task:
    """Take back an own decision: its task is in this person's hands again, the label is what it would be without it.

    What the person held in that campaign goes back into the queue, its draft kept. Undoing twice changes
    nothing and returns the task as it stands. Raises NotFound, Forbidden (somebody else's), InvalidInput (an undo).
    """
    authorize(actor, Action.LABEL)
    key = _checked_key(idempotency_key)
    with runtime.sessions.read() as session:
        row = decisions.find_decision(session, decision_id)
    decision = _undoable(actor, row, decision_id)
    for attempt in range(CLAIM_ATTEMPTS):
        try:
            with database_in_words(), runtime.sessions.write() as session:
                return _undo(session, runtime, actor, decision, key)
        except sa.exc.IntegrityError:  # the same person claimed at this very moment in another tab
            if attempt == CLAIM_ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def _undoable(actor: Actor, row: DecisionRow | None, decision_id: int) -> Decision:
    if row is None:
        raise NotFound(N_("There is no decision {decision_id}."), decision_id=decision_id)
    if row.person_id != actor.person_id:
        raise Forbidden(N_("Only the person who decided can undo it."))
    if row.kind == DecisionKind.UNDO:
        raise InvalidInput(N_("An undo cannot be undone. Decide again instead."))
    return _decision(row)


def _undo(session: Session, runtime: Runtime, actor: Actor, decision: Decision, key: str) -> Task:
    assert decision.task_id is not None, f"decision {decision.id} has no task"
    assert decision.campaign_id is not None, f"decision {decision.id} has no campaign"
    now = utc_now()
    previous, _ = decisions.lock_product(session, decision.product_id, None)
    undo = {
        "idempotency_key": key,
        "kind": DecisionKind.UNDO,
        "task_id": decision.task_id,
        "campaign_id": decision.campaign_id,
        "product_id": decision.product_id,
        "person_id": actor.person_id,
        "previous_category_id": previous,
        "undoes_id": decision.id,
        "created_at": now,
    }
    if decisions.insert_decision(session, undo) is None:
        if not decisions.is_undone(session, decision.id):
            raise Conflict(N_("This idempotency key was used for something else."))
        row = tasks.find_task(session, decision.task_id)
    else:
        expires = lease_end(runtime, now)
        row = tasks.reopen_task(session, decision.task_id, decision.campaign_id, actor.person_id, now, expires)
        decisions.restore_winning_label(session, decision.product_id)
        day = decision.created_at.date()
        decisions.count_towards_day(session, decision.campaign_id, actor.person_id, day, -1)
    assert row is not None, f"task {decision.task_id} is gone"
    return task_of(row, actor.person_id)


def list_my_decisions(
    runtime: Runtime, actor: Actor, campaign_id: int | None = None, limit: int = 20
) -> list[MyDecision]:
    """This person's decisions, newest first, undone ones too; the undo rows themselves are left out."""
    with runtime.sessions.read() as session:
        rows = decisions.list_decisions_of(session, actor.person_id, campaign_id, limit)
    return [
        MyDecision(Decision(**{name: row[name] for name in _FIELDS}), row["title"], bool(row["is_undone"]))
        for row in rows
    ]


def _decision(row: DecisionRow | Mapping[str, Any]) -> Decision:
    return Decision(*(getattr(row, name) for name in _FIELDS))


def _checked_key(key: str) -> str:
    if not key or len(key) > MAX_KEY_CHARACTERS:
        raise InvalidInput(N_("An idempotency key has 1 to {n} characters."), n=MAX_KEY_CHARACTERS)
    return key


def _checked_category(kind: DecisionKind, category_id: int | None) -> int | None:
    if kind == DecisionKind.UNDO:
        raise InvalidInput(N_("An undo names the decision it takes back."))
    if kind != DecisionKind.LABEL:
        return None
    if category_id is None:
        raise UnknownCategory(N_("A label needs a category."))
    return category_id


def _checked_seconds(seconds: float | None) -> float | None:
    return seconds if seconds is not None and math.isfinite(seconds) and seconds >= 0 else None


def _checked_note(note: str | None) -> str | None:
    text = (note or "").strip()
    if len(text) > MAX_NOTE_CHARACTERS:
        raise InvalidInput(N_("This note is too long."))
    return text or None
