"""What can be done with a campaign: pause, resume, close, open again, clone, members, delete, restore."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.errors import AppError
from core.labeling.campaigns import (
    Campaign,
    clone_campaign,
    close_campaign,
    delete_campaign,
    pause_campaign,
    reopen_campaign,
    restore_campaign,
    resume_campaign,
)
from core.labeling.members import set_members
from core.permissions import Action, may
from db.enums import CampaignStatus
from pages.components.campaign_form import N_MADE
from pages.components.campaign_guidelines import campaign_guidelines
from pages.components.campaign_names import campaign_name, free_text
from pages.components.campaign_settings import people
from pages.components.context import actor, runtime
from pages.components.messages import say
from pages.components.words import _, error_text


def campaign_actions(campaign: Campaign, taken: list[str]) -> None:
    """`taken` are the names of all campaigns."""
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        if campaign.status in (CampaignStatus.ACTIVE, CampaignStatus.BUILDING):
            st.page_link(
                "pages/label.py",
                label=_("Label these"),
                icon=":material/label:",
                query_params={"campaign": str(campaign.id)},
            )
        is_one_by_one = campaign.settings.is_blind or campaign.settings.gold_rate > 0
        if campaign.status == CampaignStatus.ACTIVE and not is_one_by_one:
            st.page_link(
                "pages/bulk.py",
                label=_("Many at once"),
                icon=":material/grid_view:",
                query_params={"campaign": str(campaign.id)},
            )
        st.page_link(
            "pages/products.py",
            label=_("Its products"),
            icon=":material/list:",
            query_params={"campaign_id": str(campaign.id), "order": campaign.order.value},
        )
        if not may(actor(), Action.EDIT_CAMPAIGNS):
            return
        if campaign.status == CampaignStatus.ACTIVE:
            _button("pause", _("Pause"), ":material/pause:", pause_campaign, campaign)
        elif campaign.is_stalled:
            _button("resume", _("Build it again"), ":material/construction:", resume_campaign, campaign)
        elif campaign.status == CampaignStatus.PAUSED:
            _button("resume", _("Resume"), ":material/play_arrow:", resume_campaign, campaign)
        elif campaign.status == CampaignStatus.CLOSED:
            _button("reopen", _("Open again"), ":material/lock_open:", reopen_campaign, campaign)
        with st.popover(_("More"), icon=":material/more_horiz:"):
            _more(campaign, taken)


def deleted_campaign(campaign: Campaign) -> None:
    """A line of a deleted campaign, with the way back."""
    left, right = st.columns([6, 2], vertical_alignment="center")
    left.text(campaign_name(campaign.name))
    with right:
        _button("restore", _("Restore"), ":material/restore_from_trash:", restore_campaign, campaign)


def _more(campaign: Campaign, taken: list[str]) -> None:
    if campaign.status != CampaignStatus.CLOSED:
        st.text(_("Closed, it hands out nothing more until it is opened again. Decisions and labels stay."))
        _button("close", _("Close"), ":material/lock:", close_campaign, campaign)
        st.divider()
    _clone(campaign, taken)
    st.divider()
    _members(campaign)
    st.divider()
    campaign_guidelines(campaign)
    st.divider()
    key = f"campaigns.reason.{campaign.id}"
    st.text_input(_("Why it is deleted"), key=key, max_chars=1_000)
    st.button(
        _("Delete"),
        key=f"campaigns.delete.{campaign.id}",
        icon=":material/delete:",
        on_click=lambda: _delete(campaign, st.session_state[key]),
        help=_("It leaves every list, can be restored, and its decisions and labels stay."),
    )


def _delete(campaign: Campaign, reason: str) -> None:
    if _act(delete_campaign, campaign.id, reason):
        words = _("The campaign '{name}' is deleted. Under 'Deleted campaigns', below the list, it can be restored.")
        say(words.format(name=campaign_name(campaign.name)))


def _clone(campaign: Campaign, taken: list[str]) -> None:
    name, what = f"campaigns.clone_name.{campaign.id}", f"campaigns.clone_what.{campaign.id}"
    st.text_input(_("The same again, named"), free_text(campaign_name(campaign.name), taken), key=name, max_chars=200)
    words = {True: _("Products not decided yet"), False: _("All its products")}
    st.radio(_("Which products"), list(words), format_func=lambda one: words[one], key=what, horizontal=True)
    st.button(
        _("Clone"),
        key=f"campaigns.clone.{campaign.id}",
        icon=":material/content_copy:",
        on_click=lambda: _make_clone(campaign.id, st.session_state[name], st.session_state[what]),
    )


def _make_clone(campaign_id: int, name: str, only_undecided: bool) -> None:
    if _act(clone_campaign, campaign_id, name, only_undecided):  # it stands first in the list, perhaps out of sight
        say(_("The campaign '{name}' is made.").format(name=name))
    st.session_state[N_MADE] = st.session_state.get(N_MADE, 0) + 1  # the form proposes a name that is free now


def _members(campaign: Campaign) -> None:
    names = dict(people()) | dict(campaign.members)
    key = f"campaigns.members.{campaign.id}"
    st.multiselect(
        _("Only these people work in it"),
        list(names),
        [person_id for person_id, _name in campaign.members],
        format_func=lambda id_: names[id_],
        key=key,
        placeholder=_("everybody"),
    )
    st.button(
        _("Save the members"),
        key=f"campaigns.set_members.{campaign.id}",
        icon=":material/group:",
        on_click=lambda: _do(set_members, campaign.id, st.session_state[key]),
    )


def _button(name: str, label: str, icon: str, action: Callable[..., Any], campaign: Campaign) -> None:
    key = f"campaigns.{name}.{campaign.id}"
    st.button(label, key=key, icon=icon, on_click=_do, args=(action, campaign.id))


def _do(action: Callable[..., Any], campaign_id: int, *more: Any) -> None:
    _act(action, campaign_id, *more)


def _act(action: Callable[..., Any], campaign_id: int, *more: Any) -> bool:
    """Whether it was done; else why not is said."""
    try:
        action(runtime(), actor(), campaign_id, *more)
    except AppError as error:
        say(error_text(error))
        return False
    return True
