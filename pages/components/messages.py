"""A calm word after an action: kept until the next drawing, shown without moving anything."""

import streamlit as st

from pages.components.words import escape

_KEY = "app.message"


def say(text: str) -> None:
    """For callbacks: the next drawing shows it."""
    st.session_state[_KEY] = text


def show_message() -> None:
    if text := st.session_state.pop(_KEY, None):
        st.toast(escape(text), icon=":material/info:", duration="long")
