"""The history of edits of the tree: who, what, when, why; each can be undone."""

import streamlit as st

from core.catalogue.taxonomy_edits.history import PastEdit, list_edits
from core.catalogue.taxonomy_edits.words import KINDS, say_edit
from core.permissions import Action, may
from pages.components.context import actor, runtime
from pages.components.numbers import count_text, time_text
from pages.components.taxonomy_results import campaign_button, undo_button
from pages.components.taxonomy_words import sentence
from pages.components.words import _, escape

PAGE = 20
BEFORE = "taxonomy.history.before"


def taxonomy_history() -> None:
    """The newest edits; older ones page by page."""
    with st.expander(_("History of edits"), icon=":material/history:", expanded=BEFORE in st.session_state):
        before = st.session_state.get(BEFORE)
        edits = list_edits(runtime(), PAGE + 1, before)
        if not edits:
            st.text(_("Nobody has edited the tree yet."))
        for edit in edits[:PAGE]:
            _line(edit)
        with st.container(horizontal=True):
            if before is not None:
                st.button(_("Newest"), key="taxonomy.history.newest", on_click=_go, args=(None,))
            if len(edits) > PAGE:
                st.button(_("Older"), key="taxonomy.history.older", on_click=_go, args=(edits[PAGE - 1].id,))


def _go(before: int | None) -> None:
    st.session_state[BEFORE] = before
    if before is None:
        st.session_state.pop(BEFORE)


def _line(edit: PastEdit) -> None:
    template, values = say_edit(edit.kind, edit.words)
    what = f"**{edit.id} · {_(KINDS[edit.kind])}** {escape(sentence(template, values))}"
    facts = [f"{escape(edit.person)}, {time_text(edit.created_at)}"]
    if edit.n_products:
        facts.append(_("{n} products").format(n=count_text(edit.n_products)))
    if edit.reason:
        facts.append(escape(edit.reason))
    if edit.undone_at:
        facts.append(
            _("undone by {person}, {time}").format(person=escape(edit.undone_by or ""), time=time_text(edit.undone_at))
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container():
            st.markdown(f"~~{what}~~" if edit.undone_at else what)
            st.caption(" · ".join(facts))
        if edit.undone_at is None and may(actor(), Action.EDIT_TAXONOMY):
            if edit.n_to_review:
                campaign_button(edit.id, values, f"taxonomy.history.campaign.{edit.id}")
            undo_button(edit.id, f"taxonomy.history.undo.{edit.id}")
