"""Settling: a reviewer says what a product is, and it is gold; or that nobody can tell. Both can be taken back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core.catalogue.taxonomy import unusable_category
from core.errors import N_, Conflict, InvalidInput, NotFound
from core.labeling.busy import database_in_words
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from core.webhooks import note_event
from db import decisions, gold
from db.enums import DecisionKind
from db.people import add_audit, raise_revision
from db.tables import DecisionRow

MAX_NOTE_CHARACTERS = 4_000
MAX_KEY_CHARACTERS = 64
COUNTED_UP_TO = 100_000  # more gold is shown as 'this many or more'


@dataclass(frozen=True)
class Settlement:
    """A reviewer's verdict: SETTLE with a category makes gold; CANNOT_TELL and BAD_LISTING set the product aside."""

    id: int
    product_id: int
    kind: DecisionKind
    category_id: int | None
    previous_category_id: int | None  # the product's label before
    person_id: int
    campaign_id: int | None  # whose disagreement was settled
    note: str | None
    batch_key: str | None  # settled together with others
    created_at: datetime
    is_undone: bool = False


@dataclass(frozen=True)
class GoldProduct:
    """A line of the list of gold."""

    product_id: int
    title: str
    category_id: int
    decision_id: int | None  # none: the label came with an import of gold
    person: str | None
    note: str | None
    settled_at: datetime


def settle(
    runtime: Runtime,
    actor: Actor,
    product_id: int,
    category_id: int,
    idempotency_key: str,
    note: str | None = None,
    campaign_id: int | None = None,
) -> Settlement:
    """Make the product gold with this category. A product that is gold already gets the new category.

    The same call with the same key again returns the settlement that stands, with no new row.
    Raises Forbidden, NotFound, UnknownCategory (not a leaf in use), InvalidInput, Conflict (key used otherwise).
    """
    authorize(actor, Action.REVIEW)
    said = {"note": checked_note(note), "campaign_id": campaign_id}
    return _write(runtime, _values(actor, product_id, DecisionKind.SETTLE, category_id, idempotency_key) | said)


def set_aside(
    runtime: Runtime,
    actor: Actor,
    product_id: int,
    kind: DecisionKind,
    idempotency_key: str,
    note: str | None = None,
    campaign_id: int | None = None,
) -> Settlement:
    """Settle that nobody can tell (CANNOT_TELL) or that the listing is bad (BAD_LISTING): no gold, no training.

    Such a product leaves the list of disagreements and is trained on only when somebody decides it anew.
    Raises as `settle`, and Conflict for a gold product: that has to be taken back first.
    """
    authorize(actor, Action.REVIEW)
    if kind not in (DecisionKind.CANNOT_TELL, DecisionKind.BAD_LISTING):
        raise InvalidInput(N_("A product is set aside as 'cannot tell' or 'bad listing'."))
    said = {"note": checked_note(note), "campaign_id": campaign_id}
    return _write(runtime, _values(actor, product_id, kind, None, idempotency_key) | said)


def _values(
    actor: Actor, product_id: int, kind: DecisionKind, category_id: int | None, idempotency_key: str
) -> dict[str, Any]:
    return {
        "idempotency_key": checked_key(idempotency_key),
        "kind": kind,
        "product_id": product_id,
        "person_id": actor.person_id,
        "category_id": category_id,
        "created_at": utc_now(),
    }


def _write(runtime: Runtime, values: dict[str, Any]) -> Settlement:
    with database_in_words(), runtime.sessions.write() as session:
        decision_id = write_settlement(session, values)
        if decision_id is not None:
            raise_revision(session, "gold")
            return _settlement(decisions.find_decision(session, decision_id))
    with runtime.sessions.read() as session:
        row = decisions.find_decision_by_key(session, values["idempotency_key"])
        same = row is not None and all(
            getattr(row, name) == values[name] for name in ("kind", "product_id", "person_id", "category_id")
        )
        if not same:
            raise Conflict(N_("This idempotency key was used for something else."))
        assert row is not None
        return _settlement(row, decisions.is_undone(session, row.id))


_TOLD = ("kind", "campaign_id", "product_id", "person_id", "category_id", "created_at")


def write_settlement(session: Session, values: dict[str, Any]) -> int | None:
    """The settlement's row, its gold label and its audit row; None when its key was used before."""
    product_id, category_id, kind = values["product_id"], values["category_id"], values["kind"]
    before = gold.find_label(session, product_id)
    if before is None:
        raise NotFound(N_("There is no product {product_id}."), product_id=product_id)
    previous, is_usable = decisions.lock_product(session, product_id, category_id)
    decision_id = decisions.insert_decision(session, values | {"previous_category_id": previous})
    if decision_id is None:
        return None
    if kind == DecisionKind.SETTLE:
        if not is_usable:
            raise unusable_category(session, category_id)
        gold.add_gold_label(session, product_id, category_id, values["person_id"], decision_id, values["created_at"])
    elif gold.is_gold(session, product_id):
        raise Conflict(N_("This product is gold. Take that back first."))
    add_audit(
        session,
        values["created_at"],
        values["person_id"],
        "settle",
        "product",
        product_id,
        {"category_id": previous, "label_source": before.source},
        {"category_id": category_id, "kind": kind.value, "decision_id": decision_id},
        values.get("note"),
    )
    note_event(session, "decision.settled", {"id": decision_id} | {name: values.get(name) for name in _TOLD})
    return decision_id


def undo_settlement(
    runtime: Runtime, actor: Actor, decision_id: int, idempotency_key: str, note: str | None = None
) -> Settlement:
    """Take a settlement back, whoever made it: the product has the label that it would have without it.

    Undoing twice changes nothing. Raises Forbidden, NotFound, InvalidInput (not a settlement), Conflict.
    """
    authorize(actor, Action.REVIEW)
    key, note = checked_key(idempotency_key), checked_note(note)
    with database_in_words(), runtime.sessions.write() as session:
        row = decisions.find_decision(session, decision_id)
        if row is None:
            raise NotFound(N_("There is no decision {decision_id}."), decision_id=decision_id)
        if not gold.is_settlement(row):
            raise InvalidInput(N_("Only what a reviewer settled can be taken back here."))
        if undo_in(session, actor, row, key, note):
            raise_revision(session, "gold")
        return _settlement(row, is_undone=True)


def undo_in(session: Session, actor: Actor, row: DecisionRow, key: str, note: str | None) -> bool:
    """Undo one settlement within a transaction; False, and nothing happens, when it is undone already.

    The caller raises the revision of gold when all is done: who holds its row waits for no product any more.
    """
    now = utc_now()
    decisions.lock_product(session, row.product_id, None)
    before = gold.find_label(session, row.product_id)
    undo_id = gold.add_undo(session, row, actor.person_id, key, note, now)
    if undo_id is None:
        if not decisions.is_undone(session, row.id):
            raise Conflict(N_("This idempotency key was used for something else."))
        return False
    decisions.restore_winning_label(session, row.product_id)
    after = gold.find_label(session, row.product_id)
    add_audit(
        session,
        now,
        actor.person_id,
        "undo_settlement",
        "product",
        row.product_id,
        before._asdict() if before else None,
        (after._asdict() if after else {}) | {"decision_id": row.id},
        note,
    )
    told = {"kind": DecisionKind.UNDO, "product_id": row.product_id, "person_id": actor.person_id, "created_at": now}
    note_event(session, "decision.undone", {"id": undo_id, "undoes_id": row.id, **told})
    return True


def find_last_settlement(runtime: Runtime, actor: Actor) -> Settlement | None:
    """What this reviewer settled last and what stands: the one that 'undo' takes back."""
    authorize(actor, Action.REVIEW)
    with runtime.sessions.read() as session:
        row = gold.find_last_of(session, actor.person_id)
        return _settlement(row) if row else None


def count_gold(runtime: Runtime) -> int:
    """Gold products, counted up to COUNTED_UP_TO."""
    with runtime.sessions.read() as session:
        return gold.count_gold(session, COUNTED_UP_TO)


def list_gold(runtime: Runtime, actor: Actor, before_id: int | None = None, limit: int = 50) -> list[GoldProduct]:
    """Gold products by falling id, those below `before_id` when given; each with who settled it.

    Raises Forbidden: who is checked by gold does not get to know it.
    """
    authorize(actor, Action.REVIEW)
    with runtime.sessions.read() as session:
        return [GoldProduct(*line) for line in gold.list_gold(session, before_id, limit)]


def _settlement(row: DecisionRow | None, is_undone: bool = False) -> Settlement:
    assert row is not None, "a settlement that was written is there"
    return Settlement(
        row.id,
        row.product_id,
        row.kind,
        row.category_id,
        row.previous_category_id,
        row.person_id,
        row.campaign_id,
        row.note,
        row.batch_key,
        row.created_at,
        is_undone,
    )


def checked_key(key: str) -> str:
    """Raises InvalidInput for an empty or overlong idempotency key."""
    if not key or len(key) > MAX_KEY_CHARACTERS:
        raise InvalidInput(N_("An idempotency key has 1 to {n} characters."), n=MAX_KEY_CHARACTERS)
    return key


def checked_note(note: str | None) -> str | None:
    """The note without blanks around it; raises InvalidInput for an overlong one."""
    text = (note or "").strip()
    if len(text) > MAX_NOTE_CHARACTERS:
        raise InvalidInput(N_("This note is too long."))
    return text or None
