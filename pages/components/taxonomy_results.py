"""After an edit of the tree: what was done, its undo, and a campaign for the products that want another look."""

from typing import Any

import streamlit as st

from core.catalogue.taxonomy_edits.acts import Edit, undo_edit
from core.catalogue.taxonomy_edits.words import say_edit
from core.errors import AppError
from core.labeling.campaigns.creating import create_campaign
from core.labeling.campaigns.kinds import Inputs
from core.permissions import Action, may
from db.enums import CampaignKind
from pages.components.context import actor, runtime
from pages.components.numbers import count_text
from pages.components.taxonomy_words import sentence
from pages.components.words import _, error_text, escape

RESULT, SAID = "taxonomy.result", "taxonomy.result.said"
MADE = "taxonomy.result.made"  # the edit whose campaign was made with it


def tell_result(edit: Edit) -> None:
    """For callbacks: the next drawing shows it, until something else is done."""
    st.session_state[RESULT] = edit
    st.session_state.pop(SAID, None)


def say_result(text: str, is_problem: bool = False) -> None:
    """For callbacks: a sentence in the same place."""
    st.session_state[SAID] = (escape(text), is_problem)


def show_result() -> None:
    """What the last edit did, if one was done just now."""
    if SAID in st.session_state:
        text, is_problem = st.session_state.pop(SAID)
        st.error(text, icon=":material/error:") if is_problem else st.success(text, icon=":material/check:")
    edit: Edit | None = st.session_state.get(RESULT)
    if edit is None:
        return
    template, values = say_edit(edit.kind, edit.words)
    done = _("Done: {what}.").format(what=sentence(template, values))
    if edit.n_products:
        done += " " + _("{n} products went along with their labels.").format(n=count_text(edit.n_products))
    with st.container(border=True):
        st.markdown(f":material/check_circle: {escape(done)}")
        if edit.n_to_review:
            said = _("{n} products want a person to look at them again.").format(n=count_text(edit.n_to_review))
            st.markdown(escape(said))
        with st.container(horizontal=True):
            undo_button(edit.id, f"taxonomy.result.undo.{edit.id}")
            is_made = st.session_state.get(MADE) == edit.id
            if edit.n_to_review and not is_made and may(actor(), Action.EDIT_CAMPAIGNS):
                campaign_button(edit.id, values, f"taxonomy.result.campaign.{edit.id}")
            st.button(_("Close"), key=f"taxonomy.result.close.{edit.id}", on_click=_close)


def _close() -> None:
    st.session_state.pop(RESULT, None)


def undo_button(edit_id: int, key: str) -> None:
    st.button(_("Undo"), key=key, icon=":material/undo:", on_click=_undo, args=(edit_id,))


def _undo(edit_id: int) -> None:
    try:
        edit = undo_edit(runtime(), actor(), edit_id)
    except AppError as error:
        say_result(error_text(error), is_problem=True)
        return
    _close()
    n = count_text(edit.n_products)
    say_result(_("Edit {number} is undone; {n} products have the label they had.").format(number=edit_id, n=n))


def make_campaign_of(edit: Edit) -> None:
    """For callbacks: the campaign of what an edit just done wants looked at again, where there is any."""
    if edit.n_to_review:
        _make_campaign(edit.id, _name_of(edit.id, say_edit(edit.kind, edit.words)[1]))


def _name_of(edit_id: int, words: dict[str, Any]) -> str:
    return _("After edit {number}: {category}").format(number=edit_id, category=str(words.get("path", ""))[:120])


def campaign_button(edit_id: int, words: dict[str, Any], key: str) -> None:
    name = _name_of(edit_id, words)
    st.button(
        _("Make a campaign of them"),
        key=key,
        icon=":material/playlist_add:",
        on_click=_make_campaign,
        args=(edit_id, name),
    )


def _make_campaign(edit_id: int, name: str) -> None:
    try:
        made = create_campaign(runtime(), actor(), name, CampaignKind.TAXONOMY_CHANGE, inputs=Inputs(edit_id=edit_id))
    except AppError as error:
        say_result(error_text(error), is_problem=True)
        return
    st.session_state[MADE] = edit_id
    say_result(_("The campaign '{name}' is made, with {n} tasks.").format(name=made.name, n=count_text(made.n_tasks)))
