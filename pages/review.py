"""Review: what people disagree on is settled into gold; how far they agree; who is right on gold."""

from pathlib import Path

import streamlit as st

from core.labeling.disputes import find_most_disputed, list_campaigns
from core.permissions import Action, may
from pages.components.agreement_view import agreement_view
from pages.components.annotator_view import annotator_view
from pages.components.campaign_names import campaign_name
from pages.components.context import actor, runtime
from pages.components.gold_list import gold_list
from pages.components.keys import REVIEW, keyboard
from pages.components.messages import show_message
from pages.components.review_queue import category_filter, review_queue
from pages.components.words import N_, _

CAMPAIGN, VIEW = "review.campaign", "review.view"
SELECT_WIDTH = 260  # pixels
VIEWS = {
    "settle": N_("Disagreements"),
    "agreement": N_("Agreement"),
    "people": N_("Annotators on gold"),
    "gold": N_("Gold products"),
}


def choose_campaign(campaigns: list[tuple[int, str]]) -> int:
    """The one of the URL, else the one with most to settle, else the newest. The choice lives in the URL."""
    names = {str(id_): campaign_name(name) for id_, name in campaigns}
    if st.session_state.get(CAMPAIGN) not in names:
        asked = st.query_params.get("campaign")
        if asked not in names:
            asked = str(find_most_disputed(runtime(), actor(), [id_ for id_, _name in campaigns]))
        st.session_state[CAMPAIGN] = asked
    chosen = st.selectbox(
        _("Campaign"),
        list(names),
        format_func=names.__getitem__,
        key=CAMPAIGN,
        label_visibility="collapsed",
        width=SELECT_WIDTH,
    )
    if st.query_params.get("campaign") != chosen:
        st.query_params["campaign"] = chosen
    return int(chosen)


def choose_view() -> str:
    """Which part of the page; it stands in the URL."""
    views = [name for name in VIEWS if name != "people" or may(actor(), Action.SEE_PEOPLE)]
    if st.session_state.get(VIEW) not in views:
        asked = st.query_params.get("view")
        st.session_state[VIEW] = asked if asked in views else views[0]
    chosen = st.segmented_control(
        _("View"),
        views,
        format_func=lambda name: _(VIEWS[name]),
        key=VIEW,
        required=True,
        label_visibility="collapsed",
    )
    if st.query_params.get("view") != chosen:
        st.query_params["view"] = str(chosen)
    return str(chosen)


def no_campaign() -> None:
    st.info(
        _(
            "No campaign asks several people about the same product yet. Make one with an overlap of 2 or more on the "
            "Campaigns page: then what they disagree on comes here."
        )
    )


@st.fragment
def reviewing() -> None:
    """All of the page: a key redraws this and nothing else."""
    show_message()
    campaigns = list_campaigns(runtime(), actor())
    top = st.container(horizontal=True, vertical_alignment="center", gap="small")  # wraps on narrow screens
    with top:
        view = choose_view()
    if view == "people":
        annotator_view()
    elif view == "gold":
        gold_list()
    elif not campaigns:
        no_campaign()
    else:
        with top:
            campaign_id = choose_campaign(campaigns)
        if view == "settle":
            with top:
                category_id = category_filter()
                keyboard("review", REVIEW)
            review_queue(campaign_id, category_id)
        else:
            agreement_view(campaign_id)


if may(actor(), Action.REVIEW):
    for name in ("label.css", "review.css"):  # picture, title and facts are as on the labeling card
        st.html(Path(__file__).parent / "components" / name)
    reviewing()
else:
    st.info(_("Only reviewers, operators and admins settle what people disagree on."))
