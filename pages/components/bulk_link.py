"""The way from one card to many: similar products of the campaign, decided together."""

import streamlit as st

from pages.components.words import _


def bulk_link(campaign_id: int) -> None:
    """To the page of similar products, with this campaign chosen."""
    words = _("Similar products of this campaign on one page, accepted or rejected together")
    if st.button(_("Many at once"), key="label.bulk", icon=":material/grid_view:", help=words):
        st.switch_page("pages/bulk.py", query_params={"campaign": str(campaign_id)})
