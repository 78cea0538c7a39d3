"""A sentence in place of the page while the database is away, and the page again as soon as it is back."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.database_away import is_database_away, is_database_there
from pages.components.context import runtime
from pages.components.words import _

ASK_AGAIN_SECONDS = 2.0


@contextmanager
def database_watched() -> Iterator[None]:
    """Draw what is inside; say so, and wait, where the database does not answer."""
    try:
        yield
    except Exception as error:
        if not is_database_away(error):
            raise
        st.warning(
            _(
                "The database cannot be reached just now. What was confirmed is safe. This page goes on by itself as "
                "soon as the database answers."
            ),
            icon=":material/cloud_off:",
        )
        _wait()


@st.fragment(run_every=ASK_AGAIN_SECONDS)
def _wait() -> None:
    if is_database_there(runtime()):
        st.rerun()
