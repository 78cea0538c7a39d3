"""What a key or a press on the review page does: callbacks of one core call each."""

import streamlit as st

from core.errors import AppError
from core.labeling.agreement import enqueue_agreement
from core.labeling.review_card import ReviewCard
from core.labeling.settling import find_last_settlement, set_aside, settle, undo_settlement
from core.labeling.unanimous import Unanimous, settle_unanimous, undo_batch
from db.enums import DecisionKind
from pages.components.context import actor, runtime
from pages.components.messages import say
from pages.components.numbers import count_text
from pages.components.words import _, error_text

JOB = "review.job"
PASSED = "review.passed"  # campaign, and the place in its queue behind which to go on
LAST_BATCH = "review.last_batch"


def note_key(card: ReviewCard) -> str:
    """The widget key of the card's note."""
    return f"review.note.{card.token}"


def settle_as(card: ReviewCard, category_id: int) -> None:
    """Gold; the card's token makes a double key or click one settlement."""
    note = st.session_state.get(note_key(card))
    try:
        settle(runtime(), actor(), card.product.id, category_id, card.token, note, card.campaign_id)
    except AppError as error:
        say(error_text(error))


def put_aside(card: ReviewCard, kind: DecisionKind) -> None:
    note = st.session_state.get(note_key(card))
    try:
        set_aside(runtime(), actor(), card.product.id, kind, card.token, note, card.campaign_id)
    except AppError as error:
        say(error_text(error))


def undo_last() -> None:
    """The product of my last settlement comes back."""
    try:
        last = find_last_settlement(runtime(), actor())
        if last is not None:
            undo_settlement(runtime(), actor(), last.id, f"undo-settle-{last.id}")
            st.session_state.pop(PASSED, None)
    except AppError as error:
        say(error_text(error))


def take_back(decision_id: int) -> None:
    try:
        undo_settlement(runtime(), actor(), decision_id, f"undo-settle-{decision_id}")
        say(_("Taken back: the product has the label it would have without it."))
    except AppError as error:
        say(error_text(error))


def pass_by(campaign_id: int, marker: str) -> None:
    """Look at this one later: the next one of the queue."""
    st.session_state[PASSED] = (campaign_id, marker)


def from_the_worst() -> None:
    st.session_state.pop(PASSED, None)


def measure(campaign_id: int) -> None:
    try:
        st.session_state[JOB] = enqueue_agreement(runtime(), actor(), campaign_id)
    except AppError as error:
        say(error_text(error))


def settle_all(campaign_id: int, key: str, least: int, shown: list[Unanimous]) -> None:
    """What all agree on becomes gold: what was shown, no more."""
    try:
        n = settle_unanimous(runtime(), actor(), campaign_id, key, least, shown=shown)
    except AppError as error:
        say(error_text(error))
        return
    st.session_state[LAST_BATCH] = key
    say(_("{n} products are gold now.").format(n=count_text(n)))


def undo_all(key: str) -> None:
    try:
        n = undo_batch(runtime(), actor(), key)
    except AppError as error:
        say(error_text(error))
        return
    st.session_state.pop(LAST_BATCH, None)
    say(_("{n} products are as they were before.").format(n=count_text(n)))
