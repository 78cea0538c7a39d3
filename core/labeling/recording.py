"""One decision, written whole: its row, its label, the day's count. Cards, copies and lots all end here."""

import math
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.catalogue.taxonomy import unusable_category
from core.errors import N_, InvalidInput, UnknownCategory
from core.labeling.targets import close_if_reached
from core.webhooks import note_event
from db import decisions, gold_checks
from db.enums import DecisionKind
from db.tables import DecisionRow

MAX_NOTE_CHARACTERS = 4_000
MAX_KEY_CHARACTERS = 64


@dataclass(frozen=True)
class Decision:
    """One row of `decisions`. An UNDO names in `undoes_id` what it takes back."""

    id: int
    idempotency_key: str
    kind: DecisionKind
    task_id: int | None  # none: a copy to a product that is not in the queue
    campaign_id: int | None
    product_id: int
    person_id: int
    category_id: int | None
    previous_category_id: int | None  # the label that the card showed; none where it showed none
    model_version_id: int | None  # whose suggestions the person saw
    suggestion_rank: int | None  # 1 is the first; none: not taken from a suggestion
    seconds_spent: float | None
    note: str | None
    is_blind: bool  # neither a suggestion nor a label was shown
    copied_from_id: int | None  # the decision that was copied to this near-duplicate
    batch_key: str | None  # decided together, and undone together
    undoes_id: int | None
    created_at: datetime


@dataclass(frozen=True)
class Answer:
    """What a person says of a product. Made by `checked_answer`."""

    kind: DecisionKind
    category_id: int | None
    suggestion_rank: int | None = None
    seconds_spent: float | None = None
    note: str | None = None
    model_version_id: int | None = None  # none: the version in use


@dataclass(frozen=True)
class Place:
    """Where a decision belongs: a product, of which task (none: of no queue), in which campaign."""

    product_id: int
    task_id: int | None
    campaign_id: int
    is_blind: bool
    is_gold_check: bool
    model_version_id: int | None  # whose suggestions are shown there now
    has_target: bool


_FIELDS = tuple(part.name for part in fields(Decision))


def decision_of(row: DecisionRow | sa.RowMapping) -> Decision:
    """A row as the person who decided may see it: what a blind card hid stays hidden."""
    values = {name: getattr(row, name) if isinstance(row, DecisionRow) else row[name] for name in _FIELDS}
    if values["is_blind"]:
        values["previous_category_id"] = None
    return Decision(**values)


def write_decision(
    session: Session,
    place: Place,
    answer: Answer,
    person_id: int,
    key: str,
    now: datetime,
    previous_category_id: int | None,
    is_usable: bool,
    batch_key: str | None = None,
    copied_from_id: int | None = None,
) -> Decision | None:
    """The decision, in the caller's transaction, which holds the product; None when the key was used before.

    On a gold product the label is written down and changes nothing. Of a hidden check the label of now is gold and
    was not shown: kept is the one that was. Raises UnknownCategory for a label that is not a leaf in use.
    """
    if answer.kind == DecisionKind.LABEL and not is_usable:
        assert answer.category_id is not None
        raise unusable_category(session, answer.category_id)
    if place.is_gold_check:
        before = gold_checks.find_label_before(session, place.product_id)
        previous_category_id = before.category_id if before else None
    shown = answer.model_version_id if answer.model_version_id is not None else place.model_version_id
    values: dict[str, Any] = {
        "idempotency_key": key,
        "kind": answer.kind,
        "task_id": place.task_id,
        "campaign_id": place.campaign_id,
        "product_id": place.product_id,
        "person_id": person_id,
        "category_id": answer.category_id,
        "previous_category_id": previous_category_id,
        "model_version_id": None if place.is_blind else shown,
        "suggestion_rank": None if place.is_blind else answer.suggestion_rank,
        "seconds_spent": answer.seconds_spent,
        "note": answer.note,
        "is_blind": place.is_blind,
        "copied_from_id": copied_from_id,
        "batch_key": batch_key,
        "undoes_id": None,
        "created_at": now,
    }
    id_ = decisions.insert_decision(session, {**values, "is_gold_check": place.is_gold_check})
    if id_ is None:
        return None
    if answer.category_id is not None:
        decisions.add_human_label(session, place.product_id, answer.category_id, person_id, id_, now)
    if place.task_id is not None:
        n_gold = int(place.is_gold_check)
        decisions.count_towards_day(session, place.campaign_id, person_id, now.date(), 1, n_gold)
    made = {"id": id_, **values}
    note_event(session, "decision.recorded", _event(made))
    if place.has_target:
        close_if_reached(session, place.campaign_id, now)
    return Decision(**(made | {"previous_category_id": None} if place.is_blind else made))


# Not the task: numbers of tasks that are missing would tell which cards are hidden checks.
_TOLD = ("id", "kind", "campaign_id", "product_id", "person_id", "category_id", "created_at", "undoes_id")


def _event(values: dict[str, Any]) -> dict[str, Any]:
    """What other programs hear of a decision."""
    return {name: values.get(name) for name in _TOLD}


def note_undo(session: Session, undo: dict[str, Any], undo_id: int) -> None:
    """Tell other programs that a decision was taken back."""
    note_event(session, "decision.undone", _event({**undo, "id": undo_id}))


def checked_answer(
    kind: DecisionKind,
    category_id: int | None,
    suggestion_rank: int | None = None,
    seconds_spent: float | None = None,
    note: str | None = None,
    model_version_id: int | None = None,
) -> Answer:
    """Raises UnknownCategory (a label without one), InvalidInput (not an answer to a task, a note too long)."""
    if kind == DecisionKind.UNDO:
        raise InvalidInput(N_("An undo names the decision it takes back."))
    if kind == DecisionKind.SETTLE:
        raise InvalidInput(N_("Gold is settled on the Review page, not as the answer to a task."))
    if kind == DecisionKind.LABEL and category_id is None:
        raise UnknownCategory(N_("A label needs a category."))
    return Answer(
        kind,
        category_id if kind == DecisionKind.LABEL else None,
        suggestion_rank,
        seconds_spent if seconds_spent is not None and math.isfinite(seconds_spent) and seconds_spent >= 0 else None,
        _checked_note(note),
        model_version_id,
    )


def checked_key(key: str) -> str:
    if not key or len(key) > MAX_KEY_CHARACTERS:
        raise InvalidInput(N_("An idempotency key has 1 to {n} characters."), n=MAX_KEY_CHARACTERS)
    return key


def _checked_note(note: str | None) -> str | None:
    text = (note or "").strip()
    if len(text) > MAX_NOTE_CHARACTERS:
        raise InvalidInput(N_("This note is too long."))
    return text or None
