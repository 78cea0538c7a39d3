"""The acts of a page of the audit trail, one line each, with what they changed; and the trail as a file."""

from collections.abc import Iterable
from datetime import date

import streamlit as st

from core.audit import AuditEntry, AuditFilter, Change, audit_csv, audit_jsonl
from core.errors import AppError
from core.labeling.campaigns import restore_campaign
from core.labeling.campaigns.campaign import is_deleted
from core.permissions import Action, may
from pages.components.audit_words import action_text, entity_text
from pages.components.context import actor, runtime
from pages.components.messages import say
from pages.components.numbers import time_text
from pages.components.words import _, error_text, escape

LONGEST = 300  # characters of a value on the screen
BREAK = "  \n"  # of a line, in Markdown
UNDONE_ON_THE_TREE = ("merge_category", "split_category", "retire_category", "move_category", "rename_category")


def entries(found: list[AuditEntry]) -> None:
    """When, who, what; below it what changed and why. All of it is text from outside."""
    for entry in found:
        with st.container(border=True):
            left, right = st.columns([2, 7], gap="medium")
            who = escape(entry.person or _("the system"))
            left.markdown(f"{escape(time_text(entry.at))}{BREAK}{who}")
            lines = [f"**{escape(action_text(entry.action))}** · {escape(_thing(entry))}"]
            lines += [_change(change) for change in entry.changes]
            if entry.reason:
                lines.append(_("Reason: {reason}").format(reason=f"*{escape(entry.reason)}*"))
            right.markdown(BREAK.join(lines))
            with right:
                _way_back(entry)


def _way_back(entry: AuditEntry) -> None:
    """What was taken away softly can be brought back."""
    if entry.action == "delete_campaign" and entry.entity_id is not None and may(actor(), Action.EDIT_CAMPAIGNS):
        if is_deleted(runtime(), entry.entity_id):
            st.button(
                _("Restore this campaign"),
                key=f"audit.restore.{entry.id}",
                icon=":material/restore:",
                on_click=_restore,
                args=(entry.entity_id,),
            )
    elif entry.action in UNDONE_ON_THE_TREE:
        st.page_link("pages/taxonomy.py", label=_("The tree's history can undo it"), icon=":material/undo:")


def _restore(campaign_id: int) -> None:
    try:
        campaign = restore_campaign(runtime(), actor(), campaign_id)
        say(_("Restored: {name}").format(name=campaign.name))
    except AppError as error:
        say(error_text(error))


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
