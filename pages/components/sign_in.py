"""Who is at the keyboard and which language they read. Local mode: a name, asked once, no password."""

import streamlit as st

from core.errors import AppError
from core.i18n import LANGUAGES
from core.people import sign_in_local
from pages.components.browser_memory import recall, remember, write_pending
from pages.components.context import ACTOR_KEY, runtime
from pages.components.words import LANGUAGE_KEY, _, error_text, language

NAME_KEY = "app.name"
SWITCH_KEY = "app.language_switch"
ERROR_KEY = "app.name_error"
SIGNED_OUT_KEY = "app.signed_out"
DRAWN_KEY = "app.frame_drawn_for"


def recall_visitor() -> None:
    """Take name and language from the browser's memory, before anything is drawn."""
    write_pending()
    kept = recall("language")
    if LANGUAGE_KEY not in st.session_state and kept in LANGUAGES:
        st.session_state[LANGUAGE_KEY] = kept
    name = recall("name")
    if name and ACTOR_KEY not in st.session_state and SIGNED_OUT_KEY not in st.session_state:
        _enter(name)


def frame_is_drawn() -> None:
    """Remember for whom, and in which language, the navigation on the screen speaks."""
    st.session_state[DRAWN_KEY] = _reader()


def keep_in_step() -> None:
    """First line of a fragment with a text field: draw everything again when the frame has become somebody else's.

    A click in the sidebar that leaves such a field changes its value, too; Streamlit then draws the fragment only.
    """
    if st.session_state.get(DRAWN_KEY, _reader()) != _reader():
        del st.session_state[DRAWN_KEY]  # the frame writes it again; without a frame, once is enough
        st.rerun()


def _reader() -> tuple[str, int | None]:
    actor = st.session_state.get(ACTOR_KEY)
    return language(), actor.person_id if actor else None


def signed_in() -> bool:
    """True when the person is known; else asks for the name in place of the page."""
    if ACTOR_KEY in st.session_state:
        return True
    with st.form("app.name_form", width=420):
        st.text_input(_("Your name"), key=NAME_KEY, max_chars=80, help=_("It stands beside every label you give."))
        st.form_submit_button(_("Start"), type="primary", on_click=_sign_in)
    if error := st.session_state.pop(ERROR_KEY, None):
        st.error(error)
    return False


def _enter(name: str) -> AppError | None:
    """Become the person of this name; an error when it cannot be a name."""
    try:
        st.session_state[ACTOR_KEY] = sign_in_local(runtime(), name)
    except AppError as error:
        return error
    return None


def _sign_in() -> None:
    name = st.session_state[NAME_KEY]
    if error := _enter(name):
        st.session_state[ERROR_KEY] = error_text(error)
        return
    st.session_state.pop(SIGNED_OUT_KEY, None)
    remember("name", st.session_state[ACTOR_KEY].name)


def _sign_out() -> None:
    """Give back what the person holds, so that nobody waits for it."""
    from core.labeling.queue import release_all

    release_all(runtime(), st.session_state[ACTOR_KEY])
    del st.session_state[ACTOR_KEY]
    st.session_state[SIGNED_OUT_KEY] = True
    remember("name", "")


def person_box() -> None:
    """In the sidebar: the name, and a way to be somebody else."""
    if ACTOR_KEY in st.session_state:
        st.text(st.session_state[ACTOR_KEY].name)
        st.button(_("Sign out"), key="app.sign_out", on_click=_sign_out, type="tertiary")


def language_switch() -> None:
    """In the sidebar: English or Korean. The browser's language counts until somebody switches."""
    st.segmented_control(
        "Language / 언어",
        options=list(LANGUAGES),
        format_func=LANGUAGES.__getitem__,
        default=language(),
        key=SWITCH_KEY,
        on_change=_switch_language,
        label_visibility="collapsed",
        required=True,
    )


def _switch_language() -> None:
    st.session_state[LANGUAGE_KEY] = st.session_state[SWITCH_KEY]
    remember("language", st.session_state[LANGUAGE_KEY])
