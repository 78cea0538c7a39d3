"""Label: one product after another, by keyboard. Where people spend their day."""

from functools import partial
from pathlib import Path

import streamlit as st

from core.catalogue.taxonomy import load_categories
from core.errors import AppError
from core.labeling.campaigns import CampaignChoice
from core.labeling.card import get_card, peek_next
from core.labeling.decisions import list_my_decisions
from core.labeling.progress import get_progress
from core.labeling.queue import claim_task
from db.enums import CampaignStatus
from pages.components.also_fits import also_fits, or_also_fits
from pages.components.asked_choices import asked_choices, blind_notice
from pages.components.bulk_link import bulk_link
from pages.components.campaign_choice import choose_campaign, list_my_choices
from pages.components.card_view import CardView, make_view
from pages.components.category_picker import category_picker
from pages.components.context import actor, runtime
from pages.components.database_notice import database_watched
from pages.components.keys import LABEL, keyboard
from pages.components.labeling_actions import decide, keep_note, note_key, pick, skip, undo
from pages.components.labeling_states import all_done, guidelines, no_campaign, not_yet, progress_line, still_building
from pages.components.lease import hold, keep_lease
from pages.components.messages import show_message
from pages.components.near_duplicates import near_duplicates
from pages.components.product_card import prefetch_image, product_facts, product_image, product_title
from pages.components.recent_decisions import N_RECENT, recent_decisions
from pages.components.sign_in import keep_in_step
from pages.components.suggestions import choice_buttons, other_buttons
from pages.components.words import _, error_text, escape


@st.fragment
def labeling() -> None:
    """The whole card: a key redraws this and nothing else."""
    with database_watched():
        draw_labeling()


def draw_labeling() -> None:
    keep_in_step()
    show_message()
    campaigns = list_my_choices("label")
    if not campaigns:
        no_campaign()
        return
    top = st.columns([4, 7, 2], vertical_alignment="center")
    with top[0]:
        campaign = choose_campaign("label", campaigns)
    with top[1]:
        progress = get_progress(runtime(), actor(), campaign.id)
        progress_line(progress)
    with top[2].container(horizontal_alignment="right"):
        keyboard("label", LABEL)
    side, main = st.columns([4, 9], gap="medium")
    with main:
        card = draw_card(campaign, progress.n_left)
    if card:
        with side:
            product_image(card.image)
            product_facts(card.facts)
            near_duplicates(card)
    with main:
        mine = list_my_decisions(runtime(), actor(), campaign.id, N_RECENT)
        recent_decisions(mine, load_categories(runtime()), undo)
    if card and (coming := peek_next(runtime(), actor(), campaign.id)):
        prefetch_image(get_card(runtime(), coming).product.image)


def draw_card(campaign: CampaignChoice, n_left: int) -> CardView | None:
    """The middle of the page; none when there is nothing to decide."""
    try:
        task = claim_task(runtime(), actor(), campaign.id)
        hold(task)
        card = make_view(get_card(runtime(), task), load_categories(runtime())) if task else None
    except AppError as error:
        not_yet(error_text(error))
        return None
    if task is None or card is None:
        if campaign.status == CampaignStatus.BUILDING:
            still_building(campaign.is_stalled)
        else:
            all_done(n_left)
        return None
    product_title(card.title)
    if card.reason:
        st.caption(escape(card.reason))
    choose = or_also_fits(decide, task.product_id)
    if card.asked:
        asked_choices(card, choose)
    elif card.is_blind:
        blind_notice()
    else:
        choice_buttons(card, choose)
    category_picker(f"label.picker.{card.token}", on_pick=partial(pick, card, choose))
    with st.container(horizontal=True, gap="xsmall"):
        other_buttons(card, decide, skip)
        if not card.is_blind:  # what others said of the product would sway
            also_fits(card, task.product_id)
            if not campaign.is_one_by_one:
                bulk_link(campaign.id)
        guidelines(campaign.guidelines, () if card.asked else card.guidelines)
    st.text_input(
        _("Note"),
        value=card.note,
        key=note_key(card),
        max_chars=1_000,
        on_change=keep_note,
        args=(card,),
        placeholder=_("Note for reviewers"),
        label_visibility="collapsed",
    )
    return card


st.html(Path(__file__).parent / "components" / "label.css")
labeling()
keep_lease()
