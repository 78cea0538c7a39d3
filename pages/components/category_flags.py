"""What a category is besides its name: a catch-all or not, suggested or not; and catch-alls found by name."""

import streamlit as st

from core.catalogue.catch_alls import propose_catch_alls
from core.catalogue.taxonomy import Category, set_flags
from core.errors import AppError
from core.permissions import Action, may
from pages.components.context import actor, runtime
from pages.components.numbers import count_text
from pages.components.words import _, error_text, escape, language

ERROR_KEY = "taxonomy.flags.error"
SHOWN = 200  # proposals in the preview


def _set(ids: tuple[int, ...], **flags: bool) -> None:
    try:
        set_flags(runtime(), actor(), ids, **flags)
    except AppError as error:
        st.session_state[ERROR_KEY] = escape(error_text(error))


def category_flags(category: Category) -> None:
    """Two switches for a leaf; who may not change them sees them as they are."""
    if not category.is_leaf:
        return
    locked = not may(actor(), Action.EDIT_TAXONOMY)
    for name, label, words in (
        ("is_recommended", _("Suggest this category"), _("Off: the model learns it and never suggests it.")),
        ("is_catch_all", _("Catch-all"), _("Such as 'other': a training may leave all of these out of suggestions.")),
    ):
        key = f"taxonomy.{name}.{category.id}"
        st.session_state[key] = getattr(category, name)
        st.toggle(label, key=key, help=words, disabled=locked, on_change=_flip, args=(category, name))
    if ERROR_KEY in st.session_state:
        st.error(st.session_state.pop(ERROR_KEY))


def _flip(category: Category, name: str) -> None:
    _set((category.id,), **{name: not getattr(category, name)})


def catch_all_finder() -> None:
    """A preview of leaves named like catch-alls; one button marks them all, none is marked before."""
    if not may(actor(), Action.EDIT_TAXONOMY):
        return
    with st.expander(_("Find catch-alls"), icon=":material/filter_none:"):
        st.caption(
            _(
                "Leaves named 'other', '기타' and the like, where people put what they were unsure of. Marked as "
                "catch-alls, a training can learn them and leave them out of suggestions."
            )
        )
        found = propose_catch_alls(runtime())
        if not found:
            st.text(_("No leaf is named like a catch-all, or all of them are marked."))
            return
        st.caption(_("Choose rows to mark only these."))
        table = st.dataframe(
            [{_("Category"): _path(category)} for category in found[:SHOWN]],
            key="taxonomy.catch_alls",
            hide_index=True,
            on_select="rerun",
            selection_mode="multi-row",
        )
        chosen = [found[row] for row in table.selection.rows if row < len(found)] or found
        st.button(
            _("Mark {n} as catch-alls").format(n=count_text(len(chosen))),
            key="taxonomy.mark_catch_alls",
            on_click=_set,
            args=(tuple(category.id for category in chosen),),
            kwargs={"is_catch_all": True},
        )


def _path(category: Category) -> str:
    return category.path_en if language() == "en" and category.path_en else category.path
