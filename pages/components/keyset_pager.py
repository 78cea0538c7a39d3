"""Back and Next over a list that is read by key: the cursors of the pages before lie in the session."""

from typing import Any

import streamlit as st

from pages.components.words import _


class KeysetPager:
    """One list's place. `name` is the page's, and the prefix of the keys."""

    def __init__(self, name: str) -> None:
        self.key = f"{name}.trail"
        self.name = name

    def after(self) -> Any:
        """The cursor of the page on the screen; none for the first."""
        trail = st.session_state.get(self.key, [])
        return trail[-1] if trail else None

    def reset(self) -> None:
        """To the first page: for filters, whose change makes another list."""
        st.session_state[self.key] = []

    def buttons(self, next_cursor: Any) -> None:
        """Nothing when everything is on the screen."""
        trail = st.session_state.get(self.key, [])
        if not trail and next_cursor is None:
            return
        with st.container(horizontal=True):
            st.button(
                _("Back"),
                key=f"{self.name}.back",
                icon=":material/chevron_left:",
                disabled=not trail,
                on_click=self._go,
                args=(trail[:-1],),
            )
            st.button(
                _("Next"),
                key=f"{self.name}.next",
                icon=":material/chevron_right:",
                disabled=next_cursor is None,
                on_click=self._go,
                args=([*trail, next_cursor],),
            )

    def _go(self, trail: list[Any]) -> None:
        st.session_state[self.key] = trail
