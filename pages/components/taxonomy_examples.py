"""Example products of a category, beside its guidelines: what belongs there, what only looks so."""

import streamlit as st

from core.catalogue.taxonomy import Category
from core.catalogue.taxonomy_edits.examples import MAX_NOTE, Example, add_example, list_examples, remove_example
from core.errors import AppError
from core.permissions import Action, may
from pages.components.context import actor, runtime
from pages.components.words import _, error_text, escape

PROBLEM = "taxonomy.example.problem"
CHOICES = (False, True)


def taxonomy_examples(category: Category) -> None:
    """Examples and counterexamples; those who may edit the tree add and remove them."""
    may_edit = may(actor(), Action.EDIT_TAXONOMY) and category.retired_at is None
    found = list_examples(runtime(), category.id)
    if not found and not may_edit:
        return
    heading = _("Example products")
    st.markdown(f"**{heading}**")
    for example in found:
        _line(example, may_edit)
    if problem := st.session_state.pop(PROBLEM, None):
        st.error(problem, icon=":material/error:")
    if may_edit:
        _form(category)


def _line(example: Example, may_edit: bool) -> None:
    word = _("Does not belong here") if example.is_counterexample else _("Belongs here")
    icon = ":material/close:" if example.is_counterexample else ":material/check:"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container():
            st.markdown(f"{icon} {word}: {escape(example.title)}")
            if example.note:
                st.caption(escape(example.note))
        if may_edit:
            st.button(
                _("Remove"),
                key=f"taxonomy.example.remove.{example.category_id}.{example.product_id}",
                type="tertiary",
                icon=":material/delete:",
                on_click=_remove,
                args=(example,),
            )


def _form(category: Category) -> None:
    key = f"taxonomy.example.{category.id}"
    with st.popover(_("Add an example"), icon=":material/add:"):
        st.text_input(_("Number of the product, or its key in its file"), key=f"{key}.product", max_chars=200)
        st.segmented_control(
            _("It shows"),
            CHOICES,
            format_func=lambda is_counter: _("what does not belong here") if is_counter else _("what belongs here"),
            default=False,
            required=True,
            key=f"{key}.counter",
        )
        st.text_input(_("Why (for those who label)"), key=f"{key}.note", max_chars=MAX_NOTE)
        st.button(_("Add"), key=f"{key}.add", on_click=_add, args=(category.id, key))


def _add(category_id: int, key: str) -> None:
    product, note = st.session_state[f"{key}.product"], st.session_state[f"{key}.note"]
    try:
        add_example(runtime(), actor(), category_id, product, bool(st.session_state[f"{key}.counter"]), note)
    except AppError as error:
        st.session_state[PROBLEM] = escape(error_text(error))
    else:
        st.session_state[f"{key}.product"] = st.session_state[f"{key}.note"] = ""


def _remove(example: Example) -> None:
    try:
        remove_example(runtime(), actor(), example.category_id, example.product_id)
    except AppError as error:
        st.session_state[PROBLEM] = escape(error_text(error))
