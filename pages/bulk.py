"""Many at once: similar products of a campaign on one page, accepted or rejected together, with exceptions."""

from functools import partial

import streamlit as st

from core.catalogue.taxonomy import Category, load_categories
from core.errors import AppError
from core.labeling.bulk import BulkGroup, BulkProduct, get_window, list_alike, list_groups, list_suggested
from core.labeling.campaigns import CampaignChoice
from core.labeling.progress import get_progress
from pages.components.bulk_actions import accept, reject, undo_button
from pages.components.bulk_items import bulk_items
from pages.components.bulk_state import (
    GROUP,
    Asked,
    Sheet,
    answers,
    category_for_all,
    exceptions,
    find_sheet,
    forget_sheet,
    new_sheet,
)
from pages.components.campaign_choice import choose_campaign, list_my_choices
from pages.components.card_view import category_path
from pages.components.category_picker import category_picker
from pages.components.context import actor, runtime
from pages.components.database_notice import database_watched
from pages.components.keys import BULK, keyboard
from pages.components.labeling_states import no_campaign, not_yet, progress_line
from pages.components.messages import show_message
from pages.components.words import _, error_text, escape, ngettext

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
        on_change=_leave_alike,
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


def _leave_alike() -> None:
    st.session_state.pop(LIKE, None)


def _show_alike(product_id: int) -> None:
    st.session_state[LIKE] = product_id
    forget_sheet()


def _for_all(sheet: Sheet, category_id: int) -> None:
    st.session_state[sheet.for_all_key] = category_id


def buttons(sheet: Sheet, n: int, n_exceptions: int) -> None:
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
        if st.session_state.get(LIKE) is not None:
            label = _("Back to what the model suggests")
            st.button(label, key="bulk.groups", icon=":material/arrow_back:", on_click=_leave_alike)


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


def products(campaign: CampaignChoice) -> None:
    """The groups, and the products of the chosen one."""
    categories = load_categories(runtime())
    window = get_window(runtime(), actor(), campaign.id)
    groups = list_groups(window)
    if not any(group.category_id in categories for group in groups):
        st.subheader(_("Nothing to decide together"), anchor=False)
        st.markdown(_("No product that is left has a suggestion, or several people decide each of them."))
        undo_button(campaign.id)
        return
    category_id = choose_group(groups, categories)
    sheet = get_sheet(Asked(campaign.id, category_id, st.session_state.get(LIKE)), window)
    words = _("What is ticked becomes **{category}**. Untick what is not, or say something else of it.")
    st.markdown(words.format(category=escape(category_path(categories[category_for_all(sheet)]))))
    placeholder = _("Another category for all that is ticked")
    category_picker(f"bulk.all.{sheet.key}", placeholder, on_pick=partial(_for_all, sheet))
    buttons(sheet, len(answers(sheet, categories)), len(exceptions(sheet, categories)))
    bulk_items(sheet, categories, _show_alike)


@st.fragment
def page() -> None:
    with database_watched():
        show_message()
        campaigns = list_my_choices("bulk")
        if not campaigns:
            no_campaign()
            return
        top = st.columns([4, 7, 2], vertical_alignment="center")
        with top[0]:
            campaign = choose_campaign("bulk", campaigns)
        with top[1]:
            progress_line(get_progress(runtime(), actor(), campaign.id))
        with top[2].container(horizontal_alignment="right"):
            keyboard("bulk", BULK)
        try:
            products(campaign)
        except AppError as error:
            _leave_alike()
            not_yet(error_text(error))
            if st.button(_("Label them one by one"), key="bulk.label", icon=":material/label:"):
                st.switch_page("pages/label.py", query_params={"campaign": str(campaign.id)})


page()
