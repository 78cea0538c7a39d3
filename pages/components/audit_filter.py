"""The filter of the audit trail. It lives in the URL, so that what was found can be sent to a colleague."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from core.audit import AuditFilter, list_words
from core.members import list_names
from core.types import Actor
from db.enums import Role
from pages.components.audit_words import action_text, entity_text
from pages.components.context import actor, revision, runtime
from pages.components.keyset_pager import KeysetPager
from pages.components.words import _

FIELDS = ("person", "action", "entity", "id", "since", "until", "words")
pager = KeysetPager("audit")


def filter_bar() -> AuditFilter:
    """Fields for who, what, when and which words; a change goes into the URL and to the first page."""
    actions, entities = list_words(runtime(), actor())
    who = actor()
    names = _names(who.person_id, who.role.value, revision("people"))
    people = {str(person_id): name for person_id, name in names.items()}
    first = st.columns(4)
    with first[0]:
        person = _choice("person", _("Who"), list(people), people.get)
    with first[1]:
        action = _choice("action", _("Act"), actions, action_text)
    with first[2]:
        entity = _choice("entity", _("What"), entities, entity_text)
    words = first[3].text_input(_("Words"), value=_asked("words"), key="audit.words", on_change=_changed, max_chars=100)
    second = st.columns(4)
    since = second[0].date_input(_("From"), value=_day("since"), key="audit.since", on_change=_changed)
    until = second[1].date_input(_("Until"), value=_day("until"), key="audit.until", on_change=_changed)
    number = second[2].text_input(
        _("Number"),
        value=_asked("id"),
        key="audit.id",
        on_change=_changed,
        help=_("Of one thing, such as campaign 12."),
    )
    return AuditFilter(
        person_id=int(person) if person else None,
        action=action,
        entity=entity,
        entity_id=int(number) if number.strip().isdecimal() and len(number) < 18 else None,
        since=_midnight(since) if since else None,
        until=_midnight(until + timedelta(days=1)) if until else None,
        text=words,
    )


@st.cache_data(ttl=60, max_entries=8, show_spinner=False)
def _names(person_id: int, role: str, revisions: tuple[int, ...]) -> dict[int, str]:
    return list_names(runtime(), Actor(person_id, "", Role(role)))


def _choice(name: str, label: str, options: list[str], said) -> str | None:  # type: ignore[no-untyped-def]
    asked = _asked(name)
    return st.selectbox(
        label,
        options,
        index=options.index(asked) if asked in options else None,
        format_func=lambda word: said(word) or word,
        key=f"audit.{name}",
        on_change=_changed,
        placeholder=_("all"),
    )


def _asked(name: str) -> str:
    return st.query_params.get(name, "")


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(_asked(name))
    except ValueError:
        return None


def _midnight(day: date) -> datetime:
    """The beginning of that day by the clock of the browser."""
    try:
        zone = ZoneInfo(st.context.timezone or "UTC")
    except (ValueError, ZoneInfoNotFoundError):
        return datetime.combine(day, time(), UTC)
    return datetime.combine(day, time(), zone)


def _changed() -> None:
    pager.reset()
    for name in FIELDS:
        value = st.session_state.get(f"audit.{name}")
        if value:
            st.query_params[name] = str(value).strip()
        else:
            st.query_params.pop(name, None)
