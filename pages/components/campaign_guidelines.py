"""The guidelines of a campaign that runs: read, changed, and not lost though somebody else was faster."""

import streamlit as st

from core.errors import AppError
from core.labeling.campaigns import Campaign, set_guidelines
from pages.components.context import actor, runtime
from pages.components.messages import say
from pages.components.words import _, error_text


def campaign_guidelines(campaign: Campaign) -> None:
    """The field and its button; a text that was not saved stands below the field."""
    key = f"campaigns.set_guidelines.{campaign.id}.{hash(campaign.guidelines)}"  # a new text is a new field
    st.text_area(_("Guidelines"), campaign.guidelines or "", key=key, max_chars=20_000, height=120)
    unsaved = st.session_state.get(_unsaved(campaign.id))
    if unsaved:
        st.caption(_("Your text was not saved; here it is:"))
        st.code(unsaved, language=None, wrap_lines=True)
    st.button(
        _("Save the guidelines"),
        key=f"campaigns.save_guidelines.{campaign.id}",
        icon=":material/menu_book:",
        on_click=_save,
        args=(campaign.id, key, campaign.guidelines),
        help=_("The next card of everybody shows them."),
    )


def _unsaved(campaign_id: int) -> str:
    return f"campaigns.unsaved_guidelines.{campaign_id}"


def _save(campaign_id: int, key: str, expected: str | None) -> None:
    text = st.session_state[key]
    st.session_state.pop(_unsaved(campaign_id), None)
    try:
        set_guidelines(runtime(), actor(), campaign_id, text, expected)
    except AppError as error:
        st.session_state[_unsaved(campaign_id)] = text
        say(error_text(error))
    else:
        say(_("Saved."))
