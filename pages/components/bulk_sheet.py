"""The sheet of 'Many at once': which products are on it, and its buttons."""

import streamlit as st

from core.catalogue.taxonomy import Category
from core.labeling.bulk import BulkGroup, BulkProduct, list_alike, list_suggested
from pages.components.bulk_actions import accept, reject, undo_button
from pages.components.bulk_state import GROUP, Asked, Sheet, find_sheet, forget_sheet, new_sheet
from pages.components.card_view import category_path
from pages.components.words import _, ngettext

LIKE = "bulk.like"
N_GROUPS = 30


def choose_group(groups: list[BulkGroup], categories: dict[int, Category]) -> int:
    """The category whose products are shown; the largest group first."""
    sizes = {group.category_id: group.n for group in groups if group.category_id in categories}
    if st.session_state.get(GROUP) not in sizes:
        st.session_state[GROUP] = next(iter(sizes))
    return st.selectbox(
        _("The model suggests"),
        list(sizes)[:N_GROUPS],
        format_func=lambda id_: f"{category_path(categories[id_])} ({sizes[id_]})",
        key=GROUP,
        on_change=leave_alike,
    )


def get_sheet(asked: Asked, window: list[BulkProduct]) -> Sheet:
    """What is on the screen already, else the products as they are now."""
    sheet = find_sheet(asked)
    if sheet is not None:
        return sheet
    if asked.like_id is not None:
        found = list_alike(window, asked.like_id)
    else:
        found = list_suggested(window, asked.category_id)
    return new_sheet(asked, found)


def liked_product() -> int | None:
    """The product that others are to be like, instead of a group."""
    return st.session_state.get(LIKE)


def leave_alike() -> None:
    """Back to the groups of what the model suggests."""
    st.session_state.pop(LIKE, None)


def show_alike(product_id: int) -> None:
    """The products most like this one."""
    st.session_state[LIKE] = product_id
    forget_sheet()


def take_for_all(sheet: Sheet, category_id: int) -> None:
    """Another category for all that is ticked."""
    st.session_state[sheet.for_all_key] = category_id


def sheet_buttons(sheet: Sheet, n: int, n_exceptions: int) -> None:
    """Accept, reject, undo, and back from alike products."""
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.button(
            _("Accept {n}").format(n=n),
            key=f"bulk.accept.{sheet.key}",
            type="primary",
            shortcut="Ctrl+Enter",  # heard also while a box has the focus
            on_click=accept,
            args=(sheet,),
        )
        st.button(
            _("Reject all"),
            key=f"bulk.reject.{sheet.key}",
            shortcut="X",
            help=_reject_words(n_exceptions, len(sheet.products) - n_exceptions),
            on_click=reject,
            args=(sheet,),
        )
        undo_button(sheet.asked.campaign_id)
        if liked_product() is not None:
            label = _("Back to what the model suggests")
            st.button(label, key="bulk.groups", icon=":material/arrow_back:", on_click=leave_alike)


def _reject_words(n_exceptions: int, n_put_off: int) -> str:
    later = ngettext(
        "Nothing is decided of {n} product: it comes to you at the end.",
        "Nothing is decided of {n} products: they come to you one by one, at the end.",
        n_put_off,
    ).format(n=n_put_off)
    if not n_exceptions:
        return later
    decided = ngettext(
        "{n} product of which you say something else is decided as you say.",
        "{n} products of which you say something else are decided as you say.",
        n_exceptions,
    ).format(n=n_exceptions)
    return f"{decided} {later}"
