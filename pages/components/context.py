"""What every page stands on: the runtime, the person, and caches keyed by revision. Caches live here only."""

import json
from pathlib import Path

import streamlit as st

from core import revisions
from core.catalogue.import_options import options_from
from core.catalogue.import_plan import Plan, plan_import
from core.database_away import is_database_away
from core.errors import Forbidden, NotSignedIn
from core.people import sign_in_local
from core.runtime import Runtime, open_runtime
from core.settings import read_settings
from core.sign_in import check_age, still_welcome
from core.types import Actor

ACTOR_KEY = "app.actor"
SIGNED_IN_KEY = "app.signed_in_at"  # team mode: claim 'iat' of the sign-in
PEOPLE_KEY = "app.people_revision"  # of when the actor was last looked up


@st.cache_resource
def runtime() -> Runtime:
    """One for the whole app process."""
    return open_runtime(read_settings())


def is_team() -> bool:
    """Whether people sign in at a provider; else a name is enough, on this machine."""
    return runtime().settings.sign_in == "oidc"


def actor() -> Actor:
    """Who is at the keyboard, as of now; app.py has asked who they are before any page runs.

    A fragment or a callback runs without app.py, so whoever was switched off meanwhile is found out here: Forbidden.
    A page run on its own (in a test) acts for the person of the settings; never in team mode: NotSignedIn.
    """
    if ACTOR_KEY not in st.session_state:
        if is_team():
            raise NotSignedIn()
        st.session_state[ACTOR_KEY] = sign_in_local(runtime(), runtime().settings.person)
    return refresh_actor()


def refresh_actor() -> Actor:
    """The actor with the role they have now. One counter is read; the person only when it moved. Who was switched off
    is nobody from here on: Forbidden; whose sign-in has ended, too: NotSignedIn. While the database is away it is who
    they were: nothing can be changed then."""
    who: Actor = st.session_state[ACTOR_KEY]
    if is_team():
        try:
            check_age(runtime().settings, st.session_state.get(SIGNED_IN_KEY))
        except NotSignedIn:
            del st.session_state[ACTOR_KEY]
            raise
    try:
        moved = revision("people")
    except Exception as error:
        if not is_database_away(error):
            raise
        return who
    if st.session_state.get(PEOPLE_KEY) != (moved, who.person_id):
        try:
            st.session_state[ACTOR_KEY] = who = still_welcome(runtime(), who)
        except Forbidden:
            del st.session_state[ACTOR_KEY]
            raise
        st.session_state[PEOPLE_KEY] = (moved, who.person_id)
    return who


def revision(*names: str) -> tuple[int, ...]:
    """Counters that change with each write to `names`: the key of every cached view."""
    return revisions.revision(runtime(), *names)


@st.cache_data(max_entries=12, show_spinner=False)
def import_plan(path: str, modified_ns: int, options: str, remembered: str | None) -> Plan:
    """A look at a file to be imported; its options and those remembered as JSON. A changed file has another time."""
    kept = options_from(json.loads(remembered)) if remembered else None
    return plan_import(Path(path), options_from(json.loads(options)), kept)
