"""Which campaign a page works in: the one of the URL, else the one worked in last, else the newest that is active."""

import streamlit as st

from core.labeling.campaigns import CampaignChoice, list_choices
from db.enums import CampaignStatus
from pages.components.campaign_names import campaign_name
from pages.components.context import actor, runtime
from pages.components.words import _

LAST_CAMPAIGN = "label.last_campaign"  # survives a visit to another page


def list_my_choices(page: str) -> list[CampaignChoice]:
    """What this person may work in, with the one that is chosen or asked for by the URL whatever its state."""
    asked = [st.session_state.get(_key(page)), st.query_params.get("campaign"), st.session_state.get(LAST_CAMPAIGN)]
    return list_choices(runtime(), also=asked, person_id=actor().person_id)


def choose_campaign(page: str, campaigns: list[CampaignChoice]) -> CampaignChoice:
    """The field; `page` begins its key. The choice lives in the URL."""
    by_id = {str(campaign.id): campaign for campaign in campaigns}
    first = next((c for c in campaigns if c.status == CampaignStatus.ACTIVE), campaigns[0])
    if st.session_state.get(_key(page)) not in by_id:
        named = st.query_params.get("campaign")
        asked = named or st.session_state.get(LAST_CAMPAIGN)
        st.session_state[_key(page)] = asked if asked in by_id else str(first.id)
        if named and named not in by_id:  # else who follows a link labels another campaign without a word
            text = _("The campaign of this address is not yours, or is gone. This is another one.")
            st.toast(text, icon=":material/info:", duration="long")
    chosen = st.selectbox(
        _("Campaign"),
        list(by_id),
        format_func=lambda id_: campaign_name(by_id[id_].name),
        key=_key(page),
        label_visibility="collapsed",
    )
    st.session_state[LAST_CAMPAIGN] = chosen
    if st.query_params.get("campaign") != chosen:  # each writing would be a step of the browser's Back
        st.query_params["campaign"] = chosen
    return by_id[chosen]


def _key(page: str) -> str:
    return f"{page}.campaign"
