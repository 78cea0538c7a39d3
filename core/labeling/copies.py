"""A decision copied to near-duplicates of its product: rows of their own, marked as copied, one undo for all."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from core.errors import N_, InvalidInput
from core.labeling.busy import database_in_words
from core.labeling.card import MAX_NEIGHBOURS
from core.labeling.decisions import KeyUsed, Wanted, record, standing
from core.labeling.lots import LeftOut, LeftOutBecause, Lot, decide_one
from core.labeling.recording import Answer, Decision, checked_answer, checked_key, decision_of
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import lots, tasks
from db.enums import DecisionKind
from db.standing_labels import hold_tree


@dataclass(frozen=True)
class Copied:
    """A decision and what became of copying it."""

    decision: Decision
    copies: tuple[Decision, ...]
    left_out: tuple[LeftOut, ...]


def record_with_copies(
    runtime: Runtime,
    actor: Actor,
    task_id: int,
    category_id: int,
    copy_to: Sequence[int],
    idempotency_key: str,
    over_people: bool = False,
    suggestion_rank: int | None = None,
    seconds_spent: float | None = None,
    note: str | None = None,
    model_version_id: int | None = None,
) -> Copied:
    """`record_decision` of a label, and the same label for near-duplicates of the product, all in one transaction.

    Each copy is a decision that names its original; an open task of the product in this campaign is closed with it.
    Left out, with the reason, is what somebody else is at, gold, what a person decided before (unless
    `over_people`), and what several people decide. The same call with the same key again returns what stands.
    Raises InvalidInput (a blind campaign, no near-duplicate, more than 12), and what `record_decision` raises.
    """
    authorize(actor, Action.LABEL)
    answer = checked_answer(DecisionKind.LABEL, category_id, suggestion_rank, seconds_spent, note, model_version_id)
    wanted = Wanted(task_id, actor.person_id, answer, checked_key(idempotency_key))
    targets = sorted(set(copy_to))
    if len(targets) > MAX_NEIGHBOURS:
        raise InvalidInput(N_("A decision is copied to {n} products at most."), n=MAX_NEIGHBOURS)
    try:
        with database_in_words(), runtime.sessions.write() as session:
            return _record(session, wanted, targets, over_people)
    except KeyUsed:
        decision = standing(runtime, wanted)
    with runtime.sessions.read() as session:
        lot = lots.list_batch(session, actor.person_id, wanted.key)
    return Copied(decision, tuple(decision_of(row) for row in lot if row.copied_from_id == decision.id), ())


def _record(session: Session, wanted: Wanted, targets: list[int], over_people: bool) -> Copied:
    now = utc_now()
    hold_tree(session)
    decision = record(session, wanted, now, batch_key=wanted.key)
    if decision.is_blind:
        raise InvalidInput(N_("In a blind campaign each product is looked at: nothing is copied."))
    assert decision.campaign_id is not None
    near = {row["id"] for row in lots.list_neighbours(session, decision.product_id, MAX_NEIGHBOURS)}
    if not near.issuperset(targets):
        raise InvalidInput(N_("A decision is copied to near-duplicates only."))
    queue = tasks.find_queue(session, decision.campaign_id, wanted.person_id)
    lot = Lot(
        decision.campaign_id,
        wanted.person_id,
        wanted.key,
        decision.model_version_id,
        has_target=bool(queue and queue["has_target"]),
        must_be_queued=False,
        copied_from_id=decision.id,
    )
    answer = Answer(DecisionKind.LABEL, decision.category_id, note=decision.note)
    made = [decide_one(session, lot, target, answer, now, over_people) for target in targets]
    copies = tuple(one for one in made if isinstance(one, Decision))
    return Copied(decision, copies, tuple(one for one in made if isinstance(one, LeftOut)))


__all__ = ["Copied", "LeftOut", "LeftOutBecause", "record_with_copies"]
