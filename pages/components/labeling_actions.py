"""What a key or a press on the labeling page does: callbacks of one core call each.

The next card is claimed when the fragment draws again.
"""

import streamlit as st

from core.errors import AppError
from core.labeling.copies import record_with_copies
from core.labeling.decisions import record_decision, undo_decision
from core.labeling.queue import save_draft, skip_task
from core.types import utc_now
from db.enums import DecisionKind
from pages.components.card_view import CardView
from pages.components.context import actor, runtime
from pages.components.lease import is_on_screen
from pages.components.messages import say
from pages.components.near_duplicates import say_copied, ticked
from pages.components.suggestions import Decide
from pages.components.words import error_text


def decide(card: CardView, kind: DecisionKind, category_id: int | None, rank: int | None) -> None:
    """Write it down; the card's token makes a double key or click one decision."""
    if not is_on_screen(card.token):
        return
    near = ticked(card) if kind == DecisionKind.LABEL else []
    seconds = (utc_now() - card.claimed_at).total_seconds() if card.claimed_at else None
    note, version = st.session_state.get(note_key(card)), card.model_version_id
    try:
        if near and category_id is not None:
            over = any(one.is_decided for one in near)  # ticked on purpose
            ids = [one.product_id for one in near]
            made = record_with_copies(
                runtime(), actor(), card.task_id, category_id, ids, card.token, over, rank, seconds, note, version
            )
            say_copied(made)
        else:
            record_decision(
                runtime(), actor(), card.task_id, kind, category_id, card.token, rank, seconds, note, version
            )
    except AppError as error:
        say(error_text(error))


def pick(card: CardView, choose: Decide, category_id: int) -> None:
    """From the picker: a suggestion picked there still counts with its rank."""
    rank = next((choice.rank for choice in card.choices if choice.category_id == category_id), None)
    choose(card, DecisionKind.LABEL, category_id, rank)


def skip(card: CardView) -> None:
    """Others get it first."""
    if not is_on_screen(card.token):
        return
    try:
        skip_task(runtime(), actor(), card.task_id)
    except AppError as error:
        say(error_text(error))


def undo(decision_id: int) -> None:
    """The product of that decision is the next card."""
    try:
        undo_decision(runtime(), actor(), decision_id, idempotency_key=f"undo-{decision_id}")
    except AppError as error:
        say(error_text(error))


def keep_note(card: CardView) -> None:
    """So that a reload shows it again."""
    try:
        save_draft(runtime(), actor(), card.task_id, {"note": st.session_state[note_key(card)]})
    except AppError as error:
        say(error_text(error))


def note_key(card: CardView) -> str:
    """The widget key of the card's note."""
    return f"label.note.{card.token}"
