"""The members as a table, and one's own figures. What a reader may not see is not in the rows that core gives."""

from typing import Any

import streamlit as st

from core.labeling.agreement import list_agreement_of_people
from core.labeling.annotator_quality import PersonQuality, list_quality
from core.members import Member, get_member
from core.permissions import Action, may
from core.training.intervals import Rate
from core.types import Actor
from db.enums import Role
from pages.components.context import actor, is_team, runtime
from pages.components.keyset_pager import KeysetPager
from pages.components.numbers import count_text, rate_text, time_text
from pages.components.role_words import role_text
from pages.components.words import _

WORDS = "people.words"
pager = KeysetPager("people")


def my_figures() -> None:
    """One's own counts and pace, in a line."""
    me = get_member(runtime(), actor())
    if me.scores is None:
        return
    boxes = st.columns(4)
    boxes[0].metric(_("My decisions today"), count_text(me.scores.n_today), border=True)
    boxes[1].metric(_("My decisions in all"), count_text(me.scores.n_total), border=True)
    pace = _("too few yet") if me.scores.per_hour is None else count_text(round(me.scores.per_hour))
    boxes[2].metric(_("My decisions per hour"), pace, border=True, help=_("Over the last two weeks, without breaks."))
    boxes[3].metric(_("My role"), role_text(me.role), border=True)


def search_field() -> str:
    return st.text_input(
        _("Find people"),
        key=WORDS,
        placeholder=_("Name or e-mail"),
        icon=":material/search:",
        on_change=pager.reset,
        label_visibility="collapsed",
        width=320,
    )


@st.cache_data(ttl=30, max_entries=8, show_spinner=False)
def _quality(person_id: int, role: str) -> dict[int, PersonQuality]:
    """Person -> how they do on hidden gold checks, at most half a minute old."""
    return {found.person_id: found for found in list_quality(runtime(), Actor(person_id, "", Role(role)))}


@st.cache_data(ttl=30, max_entries=8, show_spinner=False)
def _same(person_id: int, role: str) -> dict[int, Rate]:
    """Person -> how often others say the same, at most half a minute old."""
    return list_agreement_of_people(runtime(), Actor(person_id, "", Role(role)))


def table(members: list[Member]) -> None:
    """Names are drawn on a canvas: nothing in them can become a page."""
    if not members:
        st.text(_("Nobody is called that."))
        return
    who = actor()
    sees = may(who, Action.SEE_PEOPLE)
    quality = _quality(who.person_id, who.role.value) if sees else None
    same = _same(who.person_id, who.role.value) if sees else {}
    st.dataframe(
        [_row(member, quality, same) for member in members],
        hide_index=True,
        placeholder="–",
        height=min(len(members) + 1, 14) * 35 + 3,
        column_config={
            _("Today"): st.column_config.NumberColumn(format="localized"),
            _("Decisions"): st.column_config.NumberColumn(format="localized"),
            _("Decisions per hour"): st.column_config.NumberColumn(format="%.0f"),
            _("Right on gold"): st.column_config.TextColumn(width=200),
            _("Same as the others"): st.column_config.TextColumn(
                width=200,
                help=_("On products that several people decided, as the campaigns were last measured on Review."),
            ),
            _("E-mail"): st.column_config.TextColumn(width=190),
        },
    )


def _row(member: Member, quality: dict[int, PersonQuality] | None, same: dict[int, Rate]) -> dict[str, Any]:
    row: dict[str, Any] = {
        _("Person"): member.name,
        _("Role"): role_text(member.role),
        _("State"): state_text(member),
    }
    if quality is not None:
        scores, judged = member.scores, quality.get(member.id)
        row |= {
            _("Today"): scores.n_today if scores else None,
            _("Decisions"): scores.n_total if scores else None,
            _("Decisions per hour"): scores.per_hour if scores else None,
            _("Right on gold"): rate_text(judged.right) if judged else _("not checked yet"),
            _("Same as the others"): rate_text(same[member.id]) if member.id in same else None,
        }
    if may(actor(), Action.MANAGE_PEOPLE):
        row |= {
            _("E-mail"): member.email,
            _("Last sign-in"): time_text(member.last_seen_at) if member.last_seen_at else None,
        }
    return row


def state_text(member: Member) -> str:
    """In words: whether they may come in, and have."""
    if not member.is_active:
        return _("switched off")
    if is_team() and not member.has_joined:
        return _("invited") if member.email else _("cannot sign in: no e-mail address")
    return _("active")
