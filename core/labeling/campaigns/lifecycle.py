"""A campaign's states: paused, resumed, closed, opened again, deleted and restored. Each change is in the audit."""

from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from core.errors import N_, Conflict, InvalidInput
from core.labeling.campaigns.campaign import Campaign, get_campaign
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import campaigns
from db.enums import CampaignStatus, JobStatus
from db.jobs import insert_job
from db.people import add_audit, raise_revision

MAX_REASON = 1_000  # characters


def pause_campaign(runtime: Runtime, actor: Actor, campaign_id: int) -> Campaign:
    """Hand out nothing more for now; what people hold they may still decide."""
    return _change_status(runtime, actor, campaign_id, {CampaignStatus.ACTIVE}, CampaignStatus.PAUSED)


def resume_campaign(runtime: Runtime, actor: Actor, campaign_id: int) -> Campaign:
    """Hand out tasks again; one whose building was broken off goes on being built by the worker.

    Raises Conflict unless it is paused or stalled.
    """
    authorize(actor, Action.EDIT_CAMPAIGNS)
    campaign = get_campaign(runtime, campaign_id)
    if campaign.is_stalled:
        with runtime.sessions.write() as session:
            _insert_build(session, actor, campaign.id)
            add_audit(session, utc_now(), actor.person_id, "build_again", "campaign", campaign.id)
            raise_revision(session, "campaigns")
        return replace(campaign, is_stalled=False)
    return _change_status(runtime, actor, campaign_id, {CampaignStatus.PAUSED}, CampaignStatus.ACTIVE)


def close_campaign(runtime: Runtime, actor: Actor, campaign_id: int) -> Campaign:
    """End it; labels stay, what people hold they may still decide. Conflict when it is closed already."""
    running = {CampaignStatus.ACTIVE, CampaignStatus.PAUSED, CampaignStatus.BUILDING}
    return _change_status(runtime, actor, campaign_id, running, CampaignStatus.CLOSED, closed_reason="person")


def reopen_campaign(runtime: Runtime, actor: Actor, campaign_id: int) -> Campaign:
    """Hand out what is left of a closed campaign. Conflict unless it is closed.

    One that was closed before its queue was whole goes on being built by the worker. One that reached its target goes
    on without it: with it the next decision would close it again.
    """
    authorize(actor, Action.EDIT_CAMPAIGNS)
    campaign = get_campaign(runtime, campaign_id)
    with runtime.sessions.read() as session:
        build = campaigns.find_last_build(session, campaign_id)
    is_whole = build is None or (build[0] == JobStatus.SUCCEEDED and not build[1].get("broken_off"))
    also: dict[str, Any] = {"closed_reason": None}
    if campaign.closed_reason == "target":
        also |= {"target_decisions": None, "target_error": None}
    state = CampaignStatus.ACTIVE if is_whole else CampaignStatus.BUILDING
    return _change_status(runtime, actor, campaign_id, {CampaignStatus.CLOSED}, state, **also)


def _change_status(
    runtime: Runtime,
    actor: Actor,
    campaign_id: int,
    before: set[CampaignStatus],
    after: CampaignStatus,
    **also: Any,
) -> Campaign:
    """`also` are further columns that change with the state."""
    authorize(actor, Action.EDIT_CAMPAIGNS)
    campaign = get_campaign(runtime, campaign_id)
    with runtime.sessions.write() as session:
        if not campaigns.set_status(session, campaign_id, before, after, **also):
            raise Conflict(N_("The campaign is {status}; that cannot be done now."), status=campaign.status.value)
        was: dict[str, Any] = {"status": campaign.status.value}
        if "target_error" in also:
            was |= {"target_decisions": campaign.settings.target_decisions}
            was |= {"target_error": campaign.settings.target_error}
        becomes = {"status": after.value, **{name: value for name, value in also.items() if name in was}}
        add_audit(session, utc_now(), actor.person_id, "set_status", "campaign", campaign_id, was, becomes)
        if after == CampaignStatus.BUILDING:
            _insert_build(session, actor, campaign_id)
        raise_revision(session, "campaigns")
    return get_campaign(runtime, campaign_id)


def _insert_build(session: Session, actor: Actor, campaign_id: int) -> None:
    payload = campaigns.find_build_payload(session, campaign_id) or {"campaign_id": campaign_id}
    insert_job(session, "build_campaign", payload, campaigns.build_key(campaign_id), actor.person_id, utc_now())


def delete_campaign(runtime: Runtime, actor: Actor, campaign_id: int, reason: str) -> None:
    """Take it out of every list; nothing is lost: decisions and labels stay, and it can be restored.

    Raises InvalidInput without a reason, NotFound, Conflict (somebody was faster), Forbidden.
    """
    authorize(actor, Action.EDIT_CAMPAIGNS)
    reason = " ".join(reason.split())
    if not reason or len(reason) > MAX_REASON:
        raise InvalidInput(N_("Say why, in {n} characters at most."), n=MAX_REASON)
    campaign = get_campaign(runtime, campaign_id)
    now = utc_now()
    with runtime.sessions.write() as session:
        if not campaigns.set_deleted(session, campaign_id, now):
            raise Conflict()
        was = {"name": campaign.name, "status": campaign.status.value}
        add_audit(session, now, actor.person_id, "delete_campaign", "campaign", campaign_id, before=was, reason=reason)
        raise_revision(session, "campaigns")


def restore_campaign(runtime: Runtime, actor: Actor, campaign_id: int) -> Campaign:
    """Take a deletion back: it is as it was. Raises NotFound, Conflict (it is not deleted), Forbidden."""
    authorize(actor, Action.EDIT_CAMPAIGNS)
    campaign = get_campaign(runtime, campaign_id, deleted=True)
    with runtime.sessions.write() as session:
        if not campaigns.set_deleted(session, campaign_id, None):
            raise Conflict(N_("This campaign is not deleted."))
        becomes = {"name": campaign.name, "status": campaign.status.value}
        add_audit(session, utc_now(), actor.person_id, "restore_campaign", "campaign", campaign_id, after=becomes)
        raise_revision(session, "campaigns")
    return get_campaign(runtime, campaign_id)
