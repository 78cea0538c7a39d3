"""Campaigns: the queues, how far they are, and what happens to them."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Query, Request, Response

from core.api.campaign_shapes import (
    CampaignBody,
    CampaignShape,
    CloneBody,
    ProgressShape,
    ReasonBody,
    campaign_shown,
)
from core.api.guard import Caller, CallerHere, guarded_router, needs
from core.api.shapes import Cursor, IdInPath, Limit, Page, page_by_id
from core.api_tokens import Scope
from core.labeling.campaigns import (
    Campaign,
    clone_campaign,
    close_campaign,
    create_campaign,
    delete_campaign,
    get_campaign,
    list_campaigns,
    pause_campaign,
    reopen_campaign,
    restore_campaign,
    resume_campaign,
)
from core.labeling.progress import Progress, get_progress
from db.enums import CampaignStatus

router = guarded_router("campaigns")


@router.get("/campaigns", response_model=Page[CampaignShape])
@needs(Scope.READ)
def find_campaigns(
    caller: CallerHere,
    request: Request,
    response: Response,
    status: Annotated[CampaignStatus | None, Query()] = None,
    deleted: Annotated[bool, Query(description="Those that can be restored instead.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Campaigns, newest first."""
    return page_by_id(
        request,
        response,
        "campaigns",
        limit,
        cursor,
        lambda n, before: list_campaigns(caller.runtime, n, deleted, before, status),
        lambda row: row.id,
        lambda row: campaign_shown(caller, row),
    )


@router.get("/campaigns/{campaign_id}", response_model=CampaignShape)
@needs(Scope.READ)
def find_campaign(caller: CallerHere, campaign_id: IdInPath) -> dict[str, Any]:
    """One campaign."""
    return campaign_shown(caller, get_campaign(caller.runtime, campaign_id))


@router.get("/campaigns/{campaign_id}/progress", response_model=ProgressShape)
@needs(Scope.READ)
def find_progress(caller: CallerHere, campaign_id: IdInPath) -> Progress:
    """How far it is, and how fast this person goes."""
    return get_progress(caller.runtime, caller.actor, campaign_id)


@router.post("/campaigns", response_model=CampaignShape, status_code=201)
@needs(Scope.MANAGE)
def make_campaign(caller: CallerHere, response: Response, body: CampaignBody) -> dict[str, Any]:
    """Make a campaign. Up to 20,000 products it is ready on return; a larger one is filled by the worker."""
    made = create_campaign(
        caller.runtime,
        caller.actor,
        body.name,
        body.kind,
        order=body.order,
        guidelines=body.guidelines,
        limit=body.limit,
        **body.parts(),
    )
    return _made(caller, response, made)


@router.post("/campaigns/{campaign_id}/clone", response_model=CampaignShape, status_code=201)
@needs(Scope.MANAGE)
def clone(caller: CallerHere, response: Response, campaign_id: IdInPath, body: CloneBody) -> dict[str, Any]:
    """The same campaign again under another name."""
    made = clone_campaign(caller.runtime, caller.actor, campaign_id, body.name, body.only_undecided, body.limit)
    return _made(caller, response, made)


@router.post("/campaigns/{campaign_id}/pause", response_model=CampaignShape)
@needs(Scope.MANAGE)
def pause(caller: CallerHere, campaign_id: IdInPath) -> dict[str, Any]:
    """Hand out nothing more for now; what people hold they may still decide."""
    return _changed(caller, campaign_id, pause_campaign)


@router.post("/campaigns/{campaign_id}/resume", response_model=CampaignShape)
@needs(Scope.MANAGE)
def resume(caller: CallerHere, campaign_id: IdInPath) -> dict[str, Any]:
    """Hand out tasks again, or go on building it."""
    return _changed(caller, campaign_id, resume_campaign)


@router.post("/campaigns/{campaign_id}/close", response_model=CampaignShape)
@needs(Scope.MANAGE)
def close(caller: CallerHere, campaign_id: IdInPath) -> dict[str, Any]:
    """End it; labels stay, what people hold they may still decide."""
    return _changed(caller, campaign_id, close_campaign)


@router.post("/campaigns/{campaign_id}/reopen", response_model=CampaignShape)
@needs(Scope.MANAGE)
def reopen(caller: CallerHere, campaign_id: IdInPath) -> dict[str, Any]:
    """Hand out what is left of a closed one."""
    return _changed(caller, campaign_id, reopen_campaign)


@router.post("/campaigns/{campaign_id}/delete", status_code=204)
@needs(Scope.MANAGE)
def delete(caller: CallerHere, campaign_id: IdInPath, body: ReasonBody) -> Response:
    """Take it out of the lists, with a reason. Decisions and labels stay, and it can be restored."""
    delete_campaign(caller.runtime, caller.actor, campaign_id, body.reason)
    return Response(status_code=204)


@router.post("/campaigns/{campaign_id}/restore", response_model=CampaignShape)
@needs(Scope.MANAGE)
def restore(caller: CallerHere, campaign_id: IdInPath) -> dict[str, Any]:
    """Take a deletion back."""
    return _changed(caller, campaign_id, restore_campaign)


def _made(caller: Caller, response: Response, campaign: Campaign) -> dict[str, Any]:
    response.headers["Location"] = f"/v1/campaigns/{campaign.id}"
    return campaign_shown(caller, campaign)


def _changed(caller: Caller, campaign_id: int, change: Callable[..., Campaign]) -> dict[str, Any]:
    return campaign_shown(caller, change(caller.runtime, caller.actor, campaign_id))
