"""Many at once: similar products of a campaign on one page, accepted or rejected together, with exceptions."""

from functools import partial

import streamlit as st

from core.catalogue.taxonomy import load_categories
from core.errors import AppError
from core.labeling.bulk import get_window, list_groups
from core.labeling.campaigns import CampaignChoice
from core.labeling.progress import get_progress
from pages.components.bulk_actions import undo_button
from pages.components.bulk_items import bulk_items
from pages.components.bulk_sheet import (
    choose_group,
    get_sheet,
    leave_alike,
    liked_product,
    sheet_buttons,
    show_alike,
    take_for_all,
)
from pages.components.bulk_state import Asked, answers, category_for_all, exceptions
from pages.components.campaign_choice import choose_campaign, list_my_choices
from pages.components.card_view import category_path
from pages.components.category_picker import category_picker
from pages.components.context import actor, runtime
from pages.components.database_notice import database_watched
from pages.components.keys import BULK, keyboard
from pages.components.labeling_states import no_campaign, not_yet, progress_line
from pages.components.messages import show_message
from pages.components.words import _, error_text, escape


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
    sheet = get_sheet(Asked(campaign.id, category_id, liked_product()), window)
    words = _("What is ticked becomes **{category}**. Untick what is not, or say something else of it.")
    st.markdown(words.format(category=escape(category_path(categories[category_for_all(sheet)]))))
    placeholder = _("Another category for all that is ticked")
    category_picker(f"bulk.all.{sheet.key}", placeholder, on_pick=partial(take_for_all, sheet))
    sheet_buttons(sheet, len(answers(sheet, categories)), len(exceptions(sheet, categories)))
    bulk_items(sheet, categories, show_alike)


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
            leave_alike()
            not_yet(error_text(error))
            if st.button(_("Label them one by one"), key="bulk.label", icon=":material/label:"):
                st.switch_page("pages/label.py", query_params={"campaign": str(campaign.id)})


page()
