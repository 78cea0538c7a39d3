"""Campaigns: the labeling queues, how far each is, and a new one from a purpose or a filter."""

from collections.abc import Callable

import streamlit as st

from core.errors import AppError
from core.jobs.queue import find_unfinished_job
from core.labeling.campaigns import Campaign, close_campaign, list_campaigns, pause_campaign, resume_campaign
from core.permissions import Action, may
from db.enums import CampaignStatus, ProductOrder
from pages.components.campaign_form import campaign_form
from pages.components.campaign_names import KINDS, campaign_name
from pages.components.context import actor, runtime
from pages.components.job_progress import job_progress
from pages.components.label_issue_box import label_issue_box
from pages.components.messages import say, show_message
from pages.components.numbers import count_text
from pages.components.product_filter import ORDERS, read_filter
from pages.components.words import N_, _, error_text, escape

STATUSES = {
    CampaignStatus.BUILDING: (N_("being built"), ":material/construction:"),
    CampaignStatus.ACTIVE: (N_("open"), ":material/play_circle:"),
    CampaignStatus.PAUSED: (N_("paused"), ":material/pause_circle:"),
    CampaignStatus.CLOSED: (N_("closed"), ":material/lock:"),
}
STALLED = (N_("not fully built"), ":material/construction:")


def change(action: Callable[..., Campaign], campaign_id: int) -> None:
    try:
        action(runtime(), actor(), campaign_id)
    except AppError as error:
        say(error_text(error))


def render_campaign(campaign: Campaign) -> None:
    word, icon = STALLED if campaign.is_stalled else STATUSES[campaign.status]
    with st.container(border=True, key=f"campaigns.box.{campaign.id}"):
        left, right = st.columns([6, 5], vertical_alignment="center")
        with left:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{escape(campaign_name(campaign.name))}**", width="content")
                st.badge(_(word), icon=icon, color="green" if campaign.status == CampaignStatus.ACTIVE else "gray")
            order = _(ORDERS[ProductOrder(campaign.order.value)])
            facts = [_(KINDS[campaign.kind]), order]
            if campaign.overlap > 1:
                facts.append(_("{n} people per product").format(n=campaign.overlap))
            st.caption(" · ".join(facts))
            done = _("{done} of {all} decided").format(
                done=count_text(campaign.n_done), all=count_text(campaign.n_tasks)
            )
            st.progress(min(campaign.n_done / campaign.n_tasks, 1.0) if campaign.n_tasks else 0.0, text=done)
        with right:
            render_actions(campaign)


def render_actions(campaign: Campaign) -> None:
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        if campaign.status in (CampaignStatus.ACTIVE, CampaignStatus.BUILDING):
            st.page_link(
                "pages/label.py",
                label=_("Label these"),
                icon=":material/label:",
                query_params={"campaign": str(campaign.id)},
            )
        st.page_link(
            "pages/products.py",
            label=_("Its products"),
            icon=":material/list:",
            query_params={"campaign_id": str(campaign.id), "order": campaign.order.value},
        )
        if not may(actor(), Action.EDIT_CAMPAIGNS) or campaign.status == CampaignStatus.CLOSED:
            return
        if campaign.status == CampaignStatus.ACTIVE:
            action_button("pause", _("Pause"), ":material/pause:", pause_campaign, campaign)
        elif campaign.is_stalled:
            action_button("resume", _("Build it again"), ":material/construction:", resume_campaign, campaign)
        elif campaign.status == CampaignStatus.PAUSED:
            action_button("resume", _("Resume"), ":material/play_arrow:", resume_campaign, campaign)
        with st.popover(_("Close"), icon=":material/lock:"):
            st.text(_("It hands out nothing more and cannot be opened again. Decisions and labels stay."))
            action_button("close", _("Close for good"), ":material/lock:", close_campaign, campaign)


def action_button(name: str, label: str, icon: str, action: Callable[..., Campaign], campaign: Campaign) -> None:
    key = f"campaigns.{name}.{campaign.id}"
    st.button(label, key=key, icon=icon, on_click=change, args=(action, campaign.id))


def render_new(is_first: bool) -> None:
    given = read_filter() if st.query_params.get("new") == "filter" else None
    with st.expander(_("New campaign"), icon=":material/add:", expanded=is_first or given is not None):
        campaign_form(given)


show_message()
campaigns = list_campaigns(runtime())
if may(actor(), Action.EDIT_CAMPAIGNS):
    render_new(is_first=not campaigns)
label_issue_box("campaigns")
building = find_unfinished_job(runtime(), ["build_campaign"])
if building:
    job_progress(building.id)
if not campaigns:
    st.text(_("No campaign yet."))
for one in campaigns:
    render_campaign(one)
