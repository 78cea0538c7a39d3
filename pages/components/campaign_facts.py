"""What a campaign's box says of it: how it asks, how far it is, what its checks brought, when it ends."""

import streamlit as st

from core.labeling.campaigns import Campaign
from core.permissions import Action, may
from core.training.intervals import Rate
from db.enums import CampaignStatus, ProductOrder
from pages.components.campaign_names import KINDS, campaign_name
from pages.components.context import actor
from pages.components.numbers import count_text, percent, rate_text
from pages.components.product_filter_words import ORDERS
from pages.components.words import N_, _, escape

STATUSES = {
    CampaignStatus.BUILDING: (N_("being built"), ":material/construction:"),
    CampaignStatus.ACTIVE: (N_("open"), ":material/play_circle:"),
    CampaignStatus.PAUSED: (N_("paused"), ":material/pause_circle:"),
    CampaignStatus.CLOSED: (N_("closed"), ":material/lock:"),
}
STALLED = (N_("not fully built"), ":material/construction:")
REACHED = (N_("target reached"), ":material/flag:")
NAMED_MEMBERS = 4


def campaign_facts(campaign: Campaign, error: Rate | None) -> None:
    """`error` is the share of its last checks that changed the label; none where it was not asked for."""
    word, icon = _state(campaign)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{escape(campaign_name(campaign.name))}**", width="content")
        st.badge(_(word), icon=icon, color="green" if campaign.status == CampaignStatus.ACTIVE else "gray")
        if campaign.settings.is_blind:
            st.badge(_("blind"), icon=":material/visibility_off:", color="gray")
    st.caption(escape(" · ".join(_how_it_asks(campaign))))
    share = min(campaign.n_done / campaign.n_tasks, 1.0) if campaign.n_tasks else 0.0
    st.progress(share, text=_progress_text(campaign, share))
    brought = _what_it_brought(campaign, error)
    if brought:
        st.caption(escape(" · ".join(brought)))


def _state(campaign: Campaign) -> tuple[str, str]:
    if campaign.is_stalled:
        return STALLED
    if campaign.status == CampaignStatus.CLOSED and campaign.closed_reason == "target":
        return REACHED
    return STATUSES[campaign.status]


def _how_it_asks(campaign: Campaign) -> list[str]:
    settings = campaign.settings
    facts = [_(KINDS[campaign.kind]), _(ORDERS[ProductOrder(campaign.order.value)])]
    if settings.strata:
        most = settings.largest_overlap
        facts.append(_("{n} to {most} people per product").format(n=min(settings.overlap, most), most=most))
    elif settings.overlap > 1:
        facts.append(_("{n} people per product").format(n=settings.overlap))
    if settings.max_per_category is not None:
        facts.append(_("at most {n} of each category").format(n=count_text(settings.max_per_category)))
    if settings.gold_rate and may(actor(), Action.EDIT_CAMPAIGNS):
        facts.append(_("{n} % hidden checks").format(n=f"{100 * settings.gold_rate:g}"))
    if campaign.members:
        names = ", ".join(name for _id, name in campaign.members[:NAMED_MEMBERS])
        more = len(campaign.members) - NAMED_MEMBERS
        text = _("for {names}").format(names=names)
        facts.append(f"{text} +{more}" if more > 0 else text)
    return facts


def _progress_text(campaign: Campaign, share: float) -> str:
    """Whoever might have hidden checks gets no exact number: it would stand still at such a card."""
    if campaign.settings.gold_rate and not may(actor(), Action.EDIT_CAMPAIGNS):
        return _("about {n} % decided").format(n=5 * round(20 * share))
    return _("{done} of {all} decided").format(done=count_text(campaign.n_done), all=count_text(campaign.n_tasks))


def _what_it_brought(campaign: Campaign, error: Rate | None) -> list[str]:
    settings, facts = campaign.settings, []
    if error is not None and error.n:
        facts.append(_("labels changed by the last checks: {rate}").format(rate=rate_text(error)))
    if settings.target_decisions is not None:
        facts.append(_("ends after {n} decisions").format(n=count_text(settings.target_decisions)))
    if settings.target_error is not None:
        facts.append(_("ends when that is surely below {n} %").format(n=percent(settings.target_error)))
    return facts
