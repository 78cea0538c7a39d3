"""How to decide for a category: shown to all, edited by those who may."""

import streamlit as st

from core.catalogue.taxonomy import MAX_GUIDELINES, Category, set_guidelines
from core.errors import AppError
from core.permissions import Action, may
from pages.components.context import actor, runtime
from pages.components.words import _, error_text, escape

_SAVED = "guidelines.outcome"  # (category id, what went wrong or None, the text that was not saved)


def guidelines_editor(category: Category) -> None:
    """The guidelines of a category. What was typed is never lost, though somebody else saved first."""
    heading = _("Guidelines")
    st.markdown(f"**{heading}**")
    _show_outcome(category)
    if not may(actor(), Action.EDIT_TAXONOMY):
        st.text(category.guidelines or _("There are none yet."))
        return
    key = f"guidelines.{category.id}.{hash(category.guidelines)}"  # a new text in the database is a new field
    with st.form(f"{key}.form", border=False):
        st.text_area(
            _("What belongs here, what does not, and where that goes instead"),
            value=category.guidelines or "",
            key=key,
            height=180,
            max_chars=MAX_GUIDELINES,
        )
        st.form_submit_button(
            _("Save"), icon=":material/save:", on_click=_save, args=(category.id, key, category.guidelines)
        )


def _save(category_id: int, key: str, expected: str | None) -> None:
    text = st.session_state[key]
    try:
        set_guidelines(runtime(), actor(), category_id, text, expected)
    except AppError as error:
        st.session_state[_SAVED] = (category_id, error_text(error), text)
    else:
        st.session_state[_SAVED] = (category_id, None, "")


def _show_outcome(category: Category) -> None:
    category_id, problem, text = st.session_state.pop(_SAVED, (None, None, ""))
    if category_id != category.id:
        return
    if problem is None:
        st.success(_("Saved."), icon=":material/check:")
        return
    st.error(escape(problem), icon=":material/error:")
    st.caption(_("Your text was not saved; here it is:"))
    st.code(text, language=None, wrap_lines=True)
