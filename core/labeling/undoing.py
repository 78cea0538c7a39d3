"""Undo: a row that names what it takes back. What was decided together is taken back together."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import N_, Conflict, Forbidden, InvalidInput, NotFound
from core.labeling.busy import database_in_words
from core.labeling.queue import CLAIM_ATTEMPTS, Task, lease_end, task_of
from core.labeling.recording import checked_key, note_undo
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import decisions, lots, tasks
from db.enums import DecisionKind
from db.standing_labels import hold_tree
from db.tables import DecisionRow


def undo_decision(runtime: Runtime, actor: Actor, decision_id: int, idempotency_key: str) -> Task:
    """Take back an own decision: its task is in this person's hands again, the label is what it would be without it.

    Of a lot (copies, products accepted together) everything is taken back: the named decision's task comes into
    this person's hands (of a copy that of the decision it was copied from), the others go back into the queue.
    What the person held in that campaign goes back too, its draft kept. Undoing twice changes nothing and returns
    the task as it stands. Raises NotFound, Forbidden (somebody else's), InvalidInput (an undo, a settlement).
    """
    authorize(actor, Action.LABEL)
    key = checked_key(idempotency_key)
    with runtime.sessions.read() as session:
        lot = _undoable(actor, lots.list_lot(session, decision_id), decision_id)
    named = next(row for row in lot if row.id == decision_id)
    if named.copied_from_id is not None:
        named = next(row for row in lot if row.id == named.copied_from_id)
    for attempt in range(CLAIM_ATTEMPTS):
        try:
            with database_in_words(), runtime.sessions.write() as session:
                task = _undo_with_card(session, runtime, actor, lot, named, key)
            return task_of(task, actor.person_id)
        except sa.exc.IntegrityError:  # the same person claimed at this very moment in another tab
            if attempt == CLAIM_ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def undo_lot(runtime: Runtime, actor: Actor, batch_key: str, idempotency_key: str) -> int:
    """Take back all that was decided together under this key; its products are open again. How many decisions.

    0 when it was undone already. Raises NotFound (nothing of this person's has this key), InvalidInput.
    """
    authorize(actor, Action.LABEL)
    key = checked_key(idempotency_key)
    now = utc_now()
    with database_in_words(), runtime.sessions.write() as session:
        hold_tree(session)
        lots.hold_person(session, actor.person_id)
        return take_lot_back(session, actor.person_id, batch_key, key, now)


def take_lot_back(session: Session, person_id: int, batch_key: str, key: str, now: datetime) -> int:
    """`undo_lot` in the caller's transaction, which holds the tree and the person."""
    lot = lots.list_batch(session, person_id, batch_key)
    if not lot:
        raise NotFound(N_("There is nothing of yours to take back under this key."))
    if not _take_back(session, lot, person_id, key, now):
        return 0
    for row in lot:
        if row.task_id is not None:
            lots.give_back(session, row.task_id, person_id)
    return len(lot)


def _undoable(actor: Actor, lot: list[DecisionRow], decision_id: int) -> list[DecisionRow]:
    row = next((row for row in lot if row.id == decision_id), None)
    if row is None:
        raise NotFound(N_("There is no decision {decision_id}."), decision_id=decision_id)
    if row.person_id != actor.person_id:
        raise Forbidden(N_("Only the person who decided can undo it."))
    if row.kind == DecisionKind.UNDO:
        raise InvalidInput(N_("An undo cannot be undone. Decide again instead."))
    if row.task_id is None and row.copied_from_id is None:
        raise InvalidInput(N_("What was settled is taken back on the Review page."))
    return lot


def _undo_with_card(
    session: Session, runtime: Runtime, actor: Actor, lot: list[DecisionRow], named: DecisionRow, key: str
) -> sa.RowMapping:
    """Take the lot back and lease the named decision's task to the person; the task as it is now."""
    assert named.task_id is not None, f"decision {named.id} has no task"
    assert named.campaign_id is not None, f"decision {named.id} has no campaign"
    now = utc_now()
    if not _take_back(session, lot, actor.person_id, key, now):
        task = tasks.find_task(session, named.task_id)
    else:
        for row in lot:
            if row.task_id is not None and row.id != named.id:
                lots.give_back(session, row.task_id, actor.person_id)
        expires = lease_end(runtime, now)
        task = tasks.reopen_task(session, named.task_id, named.campaign_id, actor.person_id, now, expires)
    assert task is not None, f"task {named.task_id} is gone"
    return task


def _take_back(session: Session, lot: Sequence[DecisionRow], person_id: int, key: str, now: datetime) -> bool:
    """An undo row for each decision, its label and its count; False when the lot is undone already."""
    labels = decisions.lock_products(session, [row.product_id for row in lot])
    for place, row in enumerate(lot):
        undo: dict[str, Any] = {
            "idempotency_key": key if place == 0 else _key_of_part(key, row.id),
            "kind": DecisionKind.UNDO,
            "task_id": row.task_id,
            "campaign_id": row.campaign_id,
            "product_id": row.product_id,
            "person_id": person_id,
            "previous_category_id": labels.get(row.product_id),
            "undoes_id": row.id,
            "created_at": now,
        }
        undo_id = decisions.insert_decision(session, undo)
        if undo_id is None:
            if place == 0 and decisions.is_undone(session, row.id):
                return False
            raise Conflict(N_("This idempotency key was used for something else."))
        decisions.restore_winning_label(session, row.product_id)
        if row.task_id is not None and row.campaign_id is not None:
            day = row.created_at.date()
            decisions.count_towards_day(session, row.campaign_id, person_id, day, -1, -int(row.is_gold_check))
        note_undo(session, undo, undo_id)
    return True


def _key_of_part(key: str, decision_id: int) -> str:
    return hashlib.sha256(f"{key}/{decision_id}".encode()).hexdigest()
