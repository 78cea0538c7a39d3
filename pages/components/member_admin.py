"""For admins: invite somebody, give a role, another address, switch off and on. Each act is one core call."""

from collections.abc import Callable

import streamlit as st

from core.errors import AppError
from core.members import Member
from core.people import Person, activate, change_email, change_role, deactivate, invite
from db.enums import Role
from pages.components.context import actor, is_team, runtime
from pages.components.member_table import state_text
from pages.components.messages import say
from pages.components.role_words import role_text, role_with_purpose
from pages.components.words import _, error_text, escape

ERROR, INVITE_ERROR = "people.error", "people.invite_error"
CHOSEN, ROLE, REASON, EMAIL = "people.chosen", "people.role", "people.reason", "people.email"
INVITED_EMAIL, INVITED_NAME, INVITED_ROLE = "people.invited_email", "people.invited_name", "people.invited_role"


def one_person(members: list[Member]) -> None:
    """Somebody of the table above, and what can be done with them."""
    if not members:
        return
    by_id = {member.id: member for member in members}
    with st.container(border=True):
        chosen = st.selectbox(
            _("Change somebody"),
            list(by_id),
            format_func=lambda id_: _title(by_id[id_]),
            key=CHOSEN,
            index=None,
            placeholder=_("Choose a person of the list above"),
        )
        if chosen is not None:
            _acts(by_id[chosen])
        show_error(ERROR)


def _title(member: Member) -> str:
    return f"{member.name} · {role_text(member.role)} · {state_text(member)}"


def _acts(member: Member) -> None:
    """What was typed is read when the act is done: a press right after typing comes with the last key."""
    st.text_input(_("Reason"), key=_key(REASON, member), max_chars=500, help=_("It is kept in the audit trail."))
    left, middle, right = st.columns(3, gap="large")
    with left:
        role_key = f"{_key(ROLE, member)}.{member.role}"
        role = _role_choice(role_key, member.role)
        st.button(
            _("Give this role"),
            key="people.give_role",
            disabled=role == member.role,
            on_click=lambda: _do(
                lambda: change_role(runtime(), actor(), member.id, Role(_typed(role_key)), _reason(member))
            ),
        )
    with middle:
        st.text_input(_("E-mail"), value=member.email or "", key=_key(EMAIL, member), max_chars=254)
        st.button(
            _("Change the address"),
            key="people.change_email",
            help=_("They sign in with it from then on; a sign-in from before is forgotten."),
            on_click=lambda: _do(lambda: change_email(runtime(), actor(), member.id, _typed(_key(EMAIL, member)))),
        )
    with right:
        _switch(member)


def _switch(member: Member) -> None:
    st.caption(_("Switched off, nobody can come in as them; what they hold goes back, and all they did stays."))
    if member.is_active:
        st.button(
            _("Switch off"),
            key="people.deactivate",
            icon=":material/person_off:",
            on_click=lambda: _do(lambda: deactivate(runtime(), actor(), member.id, _reason(member))),
        )
    else:
        st.button(
            _("Switch on again"),
            key="people.activate",
            icon=":material/person:",
            on_click=lambda: _do(lambda: activate(runtime(), actor(), member.id, _reason(member))),
        )


def _key(name: str, member: Member) -> str:
    return f"{name}.{member.id}"


def _typed(key: str) -> str:
    return str(st.session_state[key])


def _reason(member: Member) -> str:
    return _typed(_key(REASON, member))


def _role_choice(key: str, now: Role) -> Role:
    """The words, not the members of Role, are the options: Streamlit compares by identity."""
    words = [role.value for role in Role]
    chosen = st.selectbox(
        _("Role"),
        words,
        index=words.index(now.value),
        format_func=lambda word: role_with_purpose(Role(word)),
        key=key,
    )
    return Role(chosen)


def invitation() -> None:
    """By e-mail address: whoever the provider vouches for under it comes in as this."""
    with st.expander(_("Invite somebody"), icon=":material/person_add:", expanded=INVITE_ERROR in st.session_state):
        if not is_team():
            st.caption(
                _("Here people work by name. Invitations count once a sign-in is set up: docs/team.md says how.")
            )
        with st.form("people.invite", border=False):
            left, middle, right = st.columns([3, 3, 4])
            left.text_input(_("E-mail"), key=INVITED_EMAIL, max_chars=254)
            middle.text_input(
                _("Name"), key=INVITED_NAME, max_chars=80, help=_("A name of before is taken over with all they did.")
            )
            with right:
                _role_choice(INVITED_ROLE, Role.ANNOTATOR)
            st.form_submit_button(_("Invite"), type="primary", on_click=_invite)
        show_error(INVITE_ERROR)


def _invite() -> None:
    email, name = st.session_state[INVITED_EMAIL], st.session_state[INVITED_NAME]
    role = Role(st.session_state[INVITED_ROLE])
    _do(lambda: invite(runtime(), actor(), email, role, name), INVITE_ERROR)
    if INVITE_ERROR not in st.session_state:
        st.session_state[INVITED_EMAIL] = st.session_state[INVITED_NAME] = ""


def _do(act: Callable[[], Person], error_key: str = ERROR) -> None:
    """Do it and say so, or keep why not."""
    try:
        person = act()
    except AppError as error:
        st.session_state[error_key] = error
        return
    words = role_text(person.role) if person.is_active else _("switched off")
    say(_("Done: {name} · {state}").format(name=person.name, state=words))


def show_error(error_key: str) -> None:
    """What the last act was refused for, if it was; beside the button that was pressed."""
    if error := st.session_state.pop(error_key, None):
        st.error(escape(error_text(error)))
