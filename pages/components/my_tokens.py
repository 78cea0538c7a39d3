"""One's own API tokens: those there are, a new one, shown once, and revoking."""

import streamlit as st

from core.api_tokens import ApiToken, Scope, create_token, list_tokens, revoke_token
from core.errors import AppError
from pages.components.context import actor, runtime
from pages.components.numbers import time_text
from pages.components.words import N_, _, error_text, escape

NEW, ERROR = "people.new_token", "people.token_error"
NAME, SCOPES, DAYS, CHOSEN = "people.token_name", "people.token_scopes", "people.token_days", "people.token_chosen"
SCOPE_WORDS = {
    Scope.READ: N_("read"),
    Scope.LABEL: N_("label"),
    Scope.MANAGE: N_("manage"),
    Scope.EXPORT: N_("export"),
}
LIFETIMES = {30: N_("30 days"), 90: N_("90 days"), 365: N_("one year"), 0: N_("no end")}  # days; 0: no end


def my_tokens() -> None:
    """Folded, unless a new one waits to be copied."""
    tokens = list_tokens(runtime(), actor())
    usable = [token for token in tokens if token.is_usable]
    is_open = NEW in st.session_state or ERROR in st.session_state
    title = _("My API tokens: {n}").format(n=len(usable))
    with st.expander(title, icon=":material/key:", expanded=is_open):
        st.caption(_("A program that has a token of yours works under your name, within the scopes you give it."))
        _new_token()
        if tokens:
            _table(tokens)
        if usable:
            _revoking(usable)
        _form()
        if error := st.session_state.pop(ERROR, None):
            st.error(escape(error_text(error)))


def _new_token() -> None:
    if token := st.session_state.get(NEW):
        st.success(_("Copy the new token now: it is shown only here and only once."))
        st.code(token, language=None)
        st.button(_("I have copied it"), key="people.token_copied", on_click=st.session_state.pop, args=(NEW, None))


def _table(tokens: list[ApiToken]) -> None:
    st.dataframe(
        [
            {
                _("Name"): token.name,
                _("Begins with"): token.prefix,
                _("Scopes"): ", ".join(_(SCOPE_WORDS[scope]) for scope in Scope if scope in token.scopes),
                _("State"): _state(token),
                _("Ends"): time_text(token.expires_at) if token.expires_at else _("no end"),
                _("Last used"): time_text(token.last_used_at) if token.last_used_at else _("never"),
            }
            for token in tokens
        ],
        hide_index=True,
        height=min(len(tokens) + 1, 8) * 35 + 3,
    )


def _state(token: ApiToken) -> str:
    if token.revoked_at:
        return _("revoked")
    return _("works") if token.is_usable else _("expired")


def _revoking(tokens: list[ApiToken]) -> None:
    names = {token.id: f"{token.name} · {token.prefix}…" for token in tokens}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(_("Token"), list(names), format_func=names.__getitem__, key=CHOSEN, width=360)
        st.button(_("Revoke"), key="people.token_revoke", icon=":material/block:", on_click=_revoke, args=(chosen,))


def _revoke(token_id: int) -> None:
    try:
        revoke_token(runtime(), actor(), token_id)
    except AppError as error:
        st.session_state[ERROR] = error


def _form() -> None:
    with st.form("people.token_form", border=False):
        left, middle, right = st.columns([3, 4, 2])
        left.text_input(_("Name of the new token"), key=NAME, max_chars=80, placeholder=_("what it is for"))
        middle.pills(
            _("Scopes"),
            [scope.value for scope in Scope],
            format_func=lambda word: _(SCOPE_WORDS[Scope(word)]),
            selection_mode="multi",
            default=[Scope.READ.value],
            key=SCOPES,
        )
        right.selectbox(_("Valid for"), list(LIFETIMES), index=1, format_func=lambda n: _(LIFETIMES[n]), key=DAYS)
        st.form_submit_button(_("Make a token"), on_click=_create)


def _create() -> None:
    scopes = [Scope(word) for word in st.session_state[SCOPES]]
    try:
        token, _shown = create_token(runtime(), actor(), st.session_state[NAME], scopes, st.session_state[DAYS] or None)
    except AppError as error:
        st.session_state[ERROR] = error
        return
    st.session_state[NEW] = token
    st.session_state[NAME] = ""
