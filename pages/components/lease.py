"""Keeps the open card's lease alive while somebody is at it, without touching what is drawn."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import streamlit as st

from core.database_away import is_database_away
from core.errors import AppError
from core.labeling.queue import Task, renew_lease
from core.types import utc_now
from pages.components.card_view import card_token
from pages.components.context import actor, runtime
from pages.components.messages import say
from pages.components.words import error_text

HELD_KEY = "label.held"
GIVE_UP_AFTER = timedelta(minutes=60)  # somebody who left for the day does not keep a product from the others


@dataclass(frozen=True)
class _Held:
    task_id: int
    token: str  # of the card
    claimed_at: datetime
    renewed_at: datetime


def hold(task: Task | None) -> None:
    """Say which card is on the screen; its claim has just renewed the lease."""
    now = utc_now()
    st.session_state[HELD_KEY] = _Held(task.id, card_token(task), task.claimed_at or now, now) if task else None


def is_on_screen(token: str) -> bool:
    """False for a key or click that was meant for the card before: it came while the next one was drawn."""
    held: _Held | None = st.session_state.get(HELD_KEY)
    return held is not None and held.token == token


def keep_lease() -> None:
    """A fragment of its own that draws nothing: renews three times a lease."""
    every = timedelta(minutes=runtime().settings.lease_minutes) / 3
    st.fragment(_renew, run_every=every)(every)


def _renew(every: timedelta) -> None:
    held: _Held | None = st.session_state.get(HELD_KEY)
    now = utc_now()
    if held is None or now - held.renewed_at < every / 2 or now - held.claimed_at > GIVE_UP_AFTER:
        return
    try:
        renew_lease(runtime(), actor(), held.task_id)
    except AppError as error:
        say(error_text(error))
        st.session_state[HELD_KEY] = None
        st.rerun()
    except Exception as error:
        if not is_database_away(error):
            raise
        return  # the next try comes soon, and a lease that ran out is kept while nobody takes the task
    st.session_state[HELD_KEY] = replace(held, renewed_at=now)
