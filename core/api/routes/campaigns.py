"""Campaigns: the queues, how far they are, making one, pausing, resuming, closing."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import Field

from core.api.guard import Caller, CallerHere, guarded_router, needs
from core.api.product_query import checked_filter, sees_gold
from core.api.shapes import Body, Cursor, IdInPath, Limit, Name, Page, Shape, Text, page_by_id
from core.api_tokens import Scope
from core.labeling.campaigns import (
    Campaign,
    close_campaign,
    create_campaign,
    get_campaign,
    list_campaigns,
    pause_campaign,
    resume_campaign,
)
from core.labeling.progress import Progress, get_progress
from db.enums import CampaignKind, CampaignOrder, CampaignStatus

router = guarded_router("campaigns")


class CampaignShape(Shape):
    """A labeling queue. `n_done` of `n_tasks` are decided."""

    id: int
    name: str
    kind: CampaignKind
    status: CampaignStatus
    filter: dict[str, Any]
    order: CampaignOrder
    overlap: int
    guidelines: str | None
    model_version_id: int | None
    n_tasks: int
    n_done: int
    created_by: int
    created_at: datetime
    is_stalled: bool


class ProgressShape(Shape):
    """How far a campaign is, and this person in it; `per_hour` is their pace."""

    n_tasks: int
    n_done: int
    n_mine_today: int
    n_mine: int
    per_hour: float | None


class CampaignBody(Body):
    """A new campaign. Without filter and order those of its kind; `limit` takes the first products only."""

    name: Name
    kind: CampaignKind
    filter: dict[Name, Any] | None = None
    order: CampaignOrder | None = None
    overlap: Annotated[int, Field(ge=1, le=10)] = 1
    guidelines: Text | None = None
    limit: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None


@router.get("/campaigns", response_model=Page[CampaignShape])
@needs(Scope.READ)
def find_campaigns(
    caller: CallerHere,
    request: Request,
    response: Response,
    status: Annotated[CampaignStatus | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Campaigns, newest first."""

    def before(n: int, last_id: int | None) -> list[Campaign]:
        older = [row for row in list_campaigns(caller.runtime) if last_id is None or row.id < last_id]
        return [row for row in older if status is None or row.status == status][:n]

    return page_by_id(
        request, response, "campaigns", limit, cursor, before, lambda row: row.id, partial(_shown, caller)
    )


@router.get("/campaigns/{campaign_id}", response_model=CampaignShape)
@needs(Scope.READ)
def find_campaign(caller: CallerHere, campaign_id: IdInPath) -> dict[str, Any]:
    """One campaign."""
    return _shown(caller, get_campaign(caller.runtime, campaign_id))


@router.get("/campaigns/{campaign_id}/progress", response_model=ProgressShape)
@needs(Scope.READ)
def find_progress(caller: CallerHere, campaign_id: IdInPath) -> Progress:
    """How far it is, and how fast this person goes."""
    return get_progress(caller.runtime, caller.actor, campaign_id)


@router.post("/campaigns", response_model=CampaignShape, status_code=201)
@needs(Scope.MANAGE)
def make_campaign(caller: CallerHere, response: Response, body: CampaignBody) -> dict[str, Any]:
    """Make a campaign. Up to 20,000 products it is ready on return; a larger one is filled by the worker."""
    campaign = create_campaign(
        caller.runtime,
        caller.actor,
        body.name,
        body.kind,
        filter=None if body.filter is None else checked_filter(caller, body.filter),
        order=body.order,
        overlap=body.overlap,
        guidelines=body.guidelines,
        limit=body.limit,
    )
    response.headers["Location"] = f"/v1/campaigns/{campaign.id}"
    return _shown(caller, campaign)


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


def _changed(caller: Caller, campaign_id: int, change: Callable[..., Campaign]) -> dict[str, Any]:
    change(caller.runtime, caller.actor, campaign_id)
    return _shown(caller, get_campaign(caller.runtime, campaign_id))


def _shown(caller: Caller, campaign: Campaign) -> dict[str, Any]:
    read = {name: getattr(campaign, name) for name in CampaignShape.model_fields}
    if not sees_gold(caller):  # exact counts, asked before and after a decision, would tell a hidden check
        progress = get_progress(caller.runtime, caller.actor, campaign.id)
        read |= {"n_tasks": progress.n_tasks, "n_done": progress.n_done}
    return {**read, "filter": campaign.filter.to_dict()}
