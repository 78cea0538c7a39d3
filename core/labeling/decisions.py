"""Decisions: recorded once whatever is pressed twice, undone by a row of their own, listed for revisiting."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from core.errors import N_, AlreadyLabeled, Conflict, LeaseLost, NotFound
from core.labeling.busy import database_in_words
from core.labeling.recording import Answer, Decision, Place, checked_answer, checked_key, decision_of, write_decision
from core.labeling.undoing import undo_decision
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import decision_lists, decisions, tasks
from db.enums import DecisionKind, TaskStatus

__all__ = ["Decision", "MyDecision", "list_my_decisions", "record_decision", "undo_decision"]


@dataclass(frozen=True)
class MyDecision:
    """A line of 'my last decisions'."""

    decision: Decision
    title: str
    is_undone: bool


@dataclass(frozen=True)
class Wanted:
    """What somebody wants to decide of a card."""

    task_id: int
    person_id: int
    answer: Answer
    key: str


class KeyUsed(Exception):
    """A signal inside this room: roll back and look at what stands."""


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
    answer = checked_answer(kind, category_id, suggestion_rank, seconds_spent, note, model_version_id)
    wanted = Wanted(task_id, actor.person_id, answer, checked_key(idempotency_key))
    try:
        with database_in_words(), runtime.sessions.write() as session:
            return record(session, wanted, utc_now())
    except KeyUsed:
        return standing(runtime, wanted)


def record(session: Session, wanted: "Wanted", now: datetime, batch_key: str | None = None) -> Decision:
    """The decision of a card, in the caller's transaction. Raises KeyUsed: roll back, and see `standing`."""
    task = tasks.finish_task(session, wanted.task_id, wanted.person_id, now)
    if task is None:
        raise KeyUsed
    facts = {name: bool(task[name]) for name in ("is_blind", "has_target")}
    place = Place(
        task["product_id"],
        task["id"],
        task["campaign_id"],
        is_gold_check=task["is_gold"],
        model_version_id=task["model_version_id"],
        **facts,
    )
    previous, is_usable = decisions.lock_product(session, place.product_id, wanted.answer.category_id)
    made = write_decision(
        session, place, wanted.answer, wanted.person_id, wanted.key, now, previous, is_usable, batch_key
    )
    if made is None:
        raise KeyUsed
    return made


def standing(runtime: Runtime, wanted: "Wanted") -> Decision:
    """What stands under this key, or the reason why nothing could be recorded."""
    with runtime.sessions.read() as session:
        row = decisions.find_decision_by_key(session, wanted.key)
        task = tasks.find_task(session, wanted.task_id)
    if row is not None:
        if row.task_id != wanted.task_id or row.person_id != wanted.person_id or row.kind == DecisionKind.UNDO:
            raise Conflict(N_("This idempotency key was used for something else."))
        if (row.kind, row.category_id) != (wanted.answer.kind, wanted.answer.category_id):
            raise AlreadyLabeled()
        return decision_of(row)
    if task is None:
        raise NotFound(N_("There is no task {task_id}."), task_id=wanted.task_id)
    if task["status"] == TaskStatus.DONE:
        raise AlreadyLabeled()
    raise LeaseLost()


def list_my_decisions(
    runtime: Runtime, actor: Actor, campaign_id: int | None = None, limit: int = 20
) -> list[MyDecision]:
    """This person's decisions, newest first, undone ones too; the undo rows themselves are left out."""
    with runtime.sessions.read() as session:
        rows = decision_lists.list_decisions_of(session, actor.person_id, campaign_id, limit)
    return [MyDecision(decision_of(row), row["title"], bool(row["is_undone"])) for row in rows]
