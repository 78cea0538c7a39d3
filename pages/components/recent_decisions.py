"""My last decisions, newest first, each taken back by a press."""

from collections.abc import Callable

import streamlit as st

from core.catalogue.taxonomy import Category
from core.labeling.decisions import MyDecision
from db.enums import DecisionKind
from pages.components.card_view import category_path
from pages.components.words import _, escape

N_RECENT = 20


def recent_decisions(mine: list[MyDecision], categories: dict[int, Category], undo: Callable[[int], None]) -> None:
    """One button a decision that can be undone. Z takes back the newest that stands."""
    newest = next((line.decision.id for line in mine if not line.is_undone), None)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", wrap=False):
        heading = _("My last {n}").format(n=N_RECENT)
        st.markdown(f"**{heading}**")
        st.button(
            _("Undo"),
            key=f"label.undo_last.{newest}",
            shortcut="Z",
            icon=":material/undo:",
            disabled=newest is None,
            on_click=undo,
            args=(newest,),
        )
    with st.container(key="label.recent", gap=None):
        for line in mine:
            st.button(
                _line_text(line, categories),
                key=f"label.undo.{line.decision.id}",
                type="tertiary",
                wrap=False,
                width="stretch",
                disabled=line.is_undone,
                on_click=undo,
                args=(line.decision.id,),
            )


def _line_text(line: MyDecision, categories: dict[int, Category]) -> str:
    text = f"**{escape(_answer(line, categories))}** {escape(line.title[:80])}"
    if line.is_undone:
        return f"~~{text}~~"
    together = " :material/content_copy:" if line.decision.batch_key else ""  # taken back with others
    return f":material/undo:{together} {text}"


def _answer(line: MyDecision, categories: dict[int, Category]) -> str:
    if line.decision.kind == DecisionKind.CANNOT_TELL:
        return _("Cannot tell")
    if line.decision.kind == DecisionKind.BAD_LISTING:
        return _("Bad listing")
    category = categories.get(line.decision.category_id) if line.decision.category_id is not None else None
    return category_path(category).rpartition(" > ")[2] if category else "?"
