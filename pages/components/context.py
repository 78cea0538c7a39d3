"""What every page stands on: the runtime, the person, and caches keyed by revision. Caches live here only."""

import streamlit as st

from core import revisions
from core.people import sign_in_local
from core.runtime import Runtime, open_runtime
from core.settings import read_settings
from core.types import Actor

ACTOR_KEY = "app.actor"


@st.cache_resource
def runtime() -> Runtime:
    """One for the whole app process."""
    return open_runtime(read_settings())


def actor() -> Actor:
    """Who is at the keyboard; app.py has asked for the name before any page runs.

    A page run on its own (in a test) acts for the person of the settings.
    """
    if ACTOR_KEY not in st.session_state:
        st.session_state[ACTOR_KEY] = sign_in_local(runtime(), runtime().settings.person)
    return st.session_state[ACTOR_KEY]  # type: ignore[no-any-return]


def revision(*names: str) -> tuple[int, ...]:
    """Counters that change with each write to `names`: the key of every cached view."""
    return revisions.revision(runtime(), *names)
