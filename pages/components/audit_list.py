"""The acts of a page of the audit trail, one line each, with what they changed; and the trail as a file."""

from collections.abc import Iterable
from datetime import date

import streamlit as st

from core.audit import AuditEntry, AuditFilter, Change, audit_csv, audit_jsonl
from pages.components.audit_filter import action_text, entity_text
from pages.components.context import actor, runtime
from pages.components.numbers import time_text
from pages.components.words import _, escape

LONGEST = 300  # characters of a value on the screen


def entries(found: list[AuditEntry]) -> None:
    """When, who, what; below it what changed and why. All of it is text from outside."""
    for entry in found:
        with st.container(border=True):
            left, right = st.columns([2, 7], gap="medium")
            left.text(time_text(entry.at))
            left.caption(escape(entry.person or _("the system")))
            right.markdown(f"**{escape(action_text(entry.action))}** · {escape(_thing(entry))}")
            for change in entry.changes:
                right.markdown(_change(change))
            if entry.reason:
                right.caption(_("Reason: {reason}").format(reason=escape(entry.reason)))


def _thing(entry: AuditEntry) -> str:
    number = f" {entry.entity_id}" if entry.entity_id is not None else ""
    return f"{entity_text(entry.entity)}{number}" + (f" · {entry.subject}" if entry.subject else "")


def _change(change: Change) -> str:
    """'role: annotator → reviewer', '+ name: x' for what is new, '− name: x' for what is gone."""
    name, before, after = escape(change.field.replace("_", " ")), _short(change.before), _short(change.after)
    if change.before is None:
        return f"{name}: :green-background[{after}]"
    if change.after is None:
        return f"{name}: ~~{before}~~"
    return f"{name}: {before} → :green-background[{after}]"


def _short(value: str | None) -> str:
    text = value or "–"
    return escape(text if len(text) <= LONGEST else text[:LONGEST] + "…")


def downloads(wanted: AuditFilter) -> None:
    """Everything that the filter finds, not only this page; made when the button is pressed."""
    who, opened = actor(), runtime()
    name = f"audit-{date.today().isoformat()}"
    with st.container(horizontal=True):
        st.download_button(
            "CSV",
            data=lambda: _joined(audit_csv(opened, who, wanted), "\ufeff"),
            file_name=f"{name}.csv",
            mime="text/csv",
            icon=":material/download:",
            key="audit.csv",
        )
        st.download_button(
            "JSONL",
            data=lambda: _joined(audit_jsonl(opened, who, wanted)),
            file_name=f"{name}.jsonl",
            mime="application/x-ndjson",
            icon=":material/download:",
            key="audit.jsonl",
        )


def _joined(lines: Iterable[str], start: str = "") -> bytes:
    """`start` is the mark by which spreadsheets know Korean."""
    return (start + "".join(lines)).encode()
