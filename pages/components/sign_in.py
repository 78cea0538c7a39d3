"""Who is at the keyboard and which language they read. Local mode: a name, asked once, no password.

Team mode (SHELFWRIGHT_SIGN_IN=oidc): the sign-in provider says who it is, through Streamlit's `st.login`; Streamlit
keeps that in a signed cookie, so that a reload asks nobody.
"""

from urllib.parse import urlsplit

import streamlit as st

from core.errors import AppError, NotSignedIn
from core.i18n import LANGUAGES
from core.people import sign_in_local
from core.sign_in import sign_in_with_claims
from core.sign_in_setup import is_loopback
from pages.components.browser_memory import recall, remember, write_pending
from pages.components.context import ACTOR_KEY, SIGNED_IN_KEY, is_team, refresh_actor, runtime
from pages.components.role_words import role_text
from pages.components.words import LANGUAGE_KEY, _, error_text, escape, language

NAME_KEY = "app.name"
SWITCH_KEY = "app.language_switch"
ERROR_KEY = "app.name_error"
REFUSED_KEY = "app.refused"  # why somebody who signed in at the provider does not come in
SIGNED_OUT_KEY = "app.signed_out"
DRAWN_KEY = "app.frame_drawn_for"


def recall_visitor() -> None:
    """Take language and person from the browser's memory, before anything is drawn; look whether they may still."""
    write_pending()
    kept = recall("language")
    if LANGUAGE_KEY not in st.session_state and kept in LANGUAGES:
        st.session_state[LANGUAGE_KEY] = kept
    if ACTOR_KEY in st.session_state:
        _look_again()
    elif is_team():
        _recall_member()
    else:
        name = recall("name")
        if name and SIGNED_OUT_KEY not in st.session_state and _is_local():
            _enter(name)


def _look_again() -> None:
    """Who was switched off while they worked, or signed in too long ago, is out with the next thing they do."""
    try:
        refresh_actor()
    except NotSignedIn as error:
        st.session_state[ERROR_KEY] = error
    except AppError as error:
        st.session_state[REFUSED_KEY if is_team() else ERROR_KEY] = error
        st.session_state[SIGNED_OUT_KEY] = True


def _recall_member() -> None:
    """Team mode: who the provider says it is. Asked on every drawing until they come in, as an admin may just invite
    them."""
    st.session_state.pop(REFUSED_KEY, None)
    if not st.user.get("is_logged_in"):
        return
    try:
        claims = st.user.to_dict()
        st.session_state[ACTOR_KEY] = sign_in_with_claims(runtime(), claims)
        st.session_state[SIGNED_IN_KEY] = claims.get("iat")
    except NotSignedIn as error:
        st.session_state[ERROR_KEY] = error
    except AppError as error:
        st.session_state[REFUSED_KEY] = error


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


def menu_is_shown() -> bool:
    """A team's pages are nobody's business before they sign in."""
    return ACTOR_KEY in st.session_state or not is_team()


def signed_in() -> bool:
    """True when the person is known; else asks who they are in place of the page."""
    if ACTOR_KEY in st.session_state:
        return True
    if is_team():
        _ask_provider()
    elif not _is_local():
        st.error(
            _("Without a sign-in Shelfwright can be used on its own machine only. docs/team.md says how to set up one.")
        )
    else:
        _ask_name()
    return False


def _is_local() -> bool:
    """Whether the server listens on this machine only, and was asked for by a name of this machine.

    The second look is for a proxy that would make a password-free app everybody's.
    """
    address = st.get_option("server.address")
    asked_for = urlsplit(f"//{st.context.headers.get('Host') or 'localhost'}").hostname
    return is_loopback(address or "0.0.0.0") and is_loopback(asked_for or "")  # noqa: S104 - unset means everybody


def _ask_name() -> None:
    with st.form("app.name_form", width=420):
        st.text_input(_("Your name"), key=NAME_KEY, max_chars=80, help=_("It stands beside every label you give."))
        st.form_submit_button(_("Start"), type="primary", on_click=_sign_in)
    _show_error()


def _ask_provider() -> None:
    """A button to the provider; for who was there and may not come in, why, and what to do."""
    if refused := st.session_state.get(REFUSED_KEY):
        st.markdown("#### " + _("You cannot work here yet"))
        st.warning(escape(error_text(refused)), icon=":material/lock:")
        with st.container(horizontal=True):
            st.button(_("Try again"), key="app.try_again", type="primary")
            st.button(_("Sign in as somebody else"), key="app.sign_out", on_click=st.logout)
        return
    if "is_logged_in" not in st.user:  # started by hand, without what the launcher tells Streamlit
        st.error(_("The sign-in is not set up. Start the app with `cli.py run`."))
        return
    st.markdown("#### " + _("Welcome to Shelfwright"))
    st.text(_("Sign in with the account you use at work."))
    if st.button(_("Sign in"), key="app.sign_in", type="primary", icon=":material/login:"):
        st.login()
    _show_error()


def _show_error() -> None:
    if error := st.session_state.pop(ERROR_KEY, None):
        st.error(escape(error_text(error)))


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
        st.session_state[ERROR_KEY] = error
        return
    st.session_state.pop(SIGNED_OUT_KEY, None)
    remember("name", st.session_state[ACTOR_KEY].name)


def _sign_out() -> None:
    """Give back what the person holds, so that nobody waits for it."""
    from core.labeling.queue import release_all

    release_all(runtime(), st.session_state[ACTOR_KEY])
    del st.session_state[ACTOR_KEY]
    if is_team():
        st.logout()
        return
    st.session_state[SIGNED_OUT_KEY] = True
    remember("name", "")


def person_box() -> None:
    """In the sidebar: the name, in a team the role, and a way out."""
    if ACTOR_KEY in st.session_state:
        actor = st.session_state[ACTOR_KEY]
        st.text(f"{actor.name} · {role_text(actor.role)}" if is_team() else actor.name)
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
