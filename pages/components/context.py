"""What every page stands on: the runtime, the person, and caches keyed by revision. Caches live here only."""

import json
from pathlib import Path

import streamlit as st

from core import revisions
from core.catalogue.import_options import options_from
from core.catalogue.import_plan import Plan, plan_import
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


@st.cache_data(max_entries=12, show_spinner=False)
def import_plan(path: str, modified_ns: int, options: str, remembered: str | None) -> Plan:
    """A look at a file to be imported; its options and those remembered as JSON. A changed file has another time."""
    kept = options_from(json.loads(remembered)) if remembered else None
    return plan_import(Path(path), options_from(json.loads(options)), kept)
