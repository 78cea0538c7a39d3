"""Campaigns: the labeling queues, how far each is, and a new one from a purpose or a filter."""

import streamlit as st

from core.jobs.queue import find_unfinished_job
from core.labeling.campaigns import Campaign, list_campaigns, list_names
from core.labeling.targets import measure_errors
from core.permissions import Action, may
from core.training.intervals import Rate
from db.enums import CampaignStatus
from pages.components.campaign_actions import campaign_actions, deleted_campaign
from pages.components.campaign_facts import campaign_facts
from pages.components.campaign_form import campaign_form
from pages.components.context import actor, runtime
from pages.components.job_progress import job_progress
from pages.components.label_issue_box import label_issue_box
from pages.components.messages import show_message
from pages.components.numbers import count_text
from pages.components.product_filter import read_filter
from pages.components.words import _

PAGE = 20  # campaigns shown at a time: each with the measured error of its last checks
SHOWN = "campaigns.shown"


def render_campaign(campaign: Campaign, error: Rate | None, taken: list[str]) -> None:
    with st.container(border=True, key=f"campaigns.box.{campaign.id}"):
        left, right = st.columns([6, 5], vertical_alignment="center")
        with left:
            campaign_facts(campaign, error)
        with right:
            campaign_actions(campaign, taken)


def render_list(campaigns: list[Campaign], taken: list[str]) -> None:
    sees_errors = may(actor(), Action.EDIT_CAMPAIGNS)
    asked = {one.id: one.settings.target_error for one in campaigns if one.n_done} if sees_errors else {}
    errors = measure_errors(runtime(), asked)
    for one in campaigns:
        render_campaign(one, errors.get(one.id), taken)


def render_new(is_first: bool) -> None:
    asked = st.query_params.get("new")
    given = read_filter() if asked == "filter" else None
    with st.expander(_("New campaign"), icon=":material/add:", expanded=is_first or asked is not None):
        campaign_form(given)


def render_deleted() -> None:
    deleted = list_campaigns(runtime(), PAGE, deleted=True)
    if deleted:
        with st.expander(_("Deleted campaigns"), icon=":material/delete:"):
            for one in deleted:
                deleted_campaign(one)


def show_more() -> None:
    st.session_state[SHOWN] = st.session_state.get(SHOWN, PAGE) + PAGE


show_message()
every = list_campaigns(runtime())
names = list_names(runtime())
may_edit = may(actor(), Action.EDIT_CAMPAIGNS)
if may_edit:
    render_new(is_first=not every)
label_issue_box("campaigns")
building = find_unfinished_job(runtime(), ["build_campaign"])
if building:
    job_progress(building.id)
if not every:
    st.text(_("No campaign yet."))
ordered = sorted(every, key=lambda one: one.status == CampaignStatus.CLOSED)  # closed ones last, else newest first
shown = st.session_state.get(SHOWN, PAGE)
render_list(ordered[:shown], names)
if len(ordered) > shown:
    left = count_text(len(ordered) - shown)
    st.button(_("Show more ({n} left)").format(n=left), key="campaigns.more", on_click=show_more)
if may_edit:
    render_deleted()
