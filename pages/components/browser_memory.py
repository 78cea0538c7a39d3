"""What the browser keeps between visits (name, language): cookies written by a few lines of JavaScript."""

from urllib.parse import quote, unquote

import streamlit as st

_PREFIX = "shelfwright_"
_PENDING = "app.remember"
_SCRIPT = """
export default function ({ data }) {
  for (const [name, value] of Object.entries(data)) {
    document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=strict`;
  }
}
"""


def remember(name: str, value: str) -> None:
    """Keep `value` in this browser; written at the next `write_pending`, so callbacks may call it."""
    st.session_state.setdefault(_PENDING, {})[_PREFIX + name] = quote(value)


def recall(name: str) -> str | None:
    """What this browser kept under `name`, or none. It is text from outside: check it."""
    value = st.context.cookies.get(_PREFIX + name)
    return unquote(value) if value else None


def write_pending() -> None:
    """Put what was remembered into the page. Stays mounted with the same data, so that no rerun can lose it."""
    if values := st.session_state.get(_PENDING):
        st.components.v2.component("shelfwright.remember", js=_SCRIPT)(key="app.remember_cookies", data=dict(values))
