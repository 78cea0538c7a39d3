"""Campaigns: named queues built by a stored filter and an order, paused, resumed, closed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.catalogue.products import ProductFilter, count_products, with_version
from core.errors import N_, Conflict, InvalidInput, NoModelYet, NotFound
from core.jobs.context import JobContext
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import campaigns, products
from db.enums import CampaignKind, CampaignOrder, CampaignStatus, ProductOrder
from db.jobs import insert_job
from db.people import add_audit, raise_revision
from db.tables import CampaignRow

LOW_CONFIDENCE = 0.6
"""Below it a calibrated model expects to be wrong more than four times in ten."""

SMALL = 20_000  # products: built at once (a second or two), larger ones by the worker
CHUNK = 2_000  # products: some 30 ms of SQLite's write lock, so that annotators go on meanwhile
MAX_OVERLAP = 10
MAX_GUIDELINES = 20_000  # characters


@dataclass(frozen=True)
class Campaign:
    """A labeling queue. It hands out tasks while ACTIVE, and what is ready while BUILDING."""

    id: int
    name: str
    kind: CampaignKind
    status: CampaignStatus
    filter: ProductFilter
    order: CampaignOrder
    overlap: int  # how many people decide each product
    guidelines: str | None
    model_version_id: int | None
    n_tasks: int
    n_done: int
    created_by: int
    created_at: datetime


def ready_made(kind: CampaignKind, seed: int = 1) -> tuple[ProductFilter, CampaignOrder]:
    """Filter and order of a kind of campaign. What a person has decided is asked again only by RANDOM.

    LOW_CONFIDENCE: the model is less sure than 0.6, the narrowest margin first. DISAGREEMENT: it contradicts
    the current label, the surest first (this finds wrong labels). RANDOM: everything, shuffled (this measures).
    """
    match kind:
        case CampaignKind.LOW_CONFIDENCE:
            unsure = ProductFilter(confidence_below=LOW_CONFIDENCE, label_source="unchecked")
            return unsure, CampaignOrder.MARGIN
        case CampaignKind.DISAGREEMENT:
            return ProductFilter(disagrees=True, label_source="unchecked"), CampaignOrder.DISAGREEMENT
        case CampaignKind.RANDOM:
            return ProductFilter(seed=seed), CampaignOrder.RANDOM


def create_campaign(
    runtime: Runtime,
    actor: Actor,
    name: str,
    kind: CampaignKind,
    filter: ProductFilter | None = None,
    order: CampaignOrder | None = None,
    overlap: int = 1,
    guidelines: str | None = None,
    limit: int | None = None,
    queue_build: bool = True,
) -> Campaign:
    """Make a campaign; without filter or order, those of its kind. Up to 20,000 products it is built on return.

    A larger one is BUILDING and a job fills it; with `queue_build` off the caller runs `build_campaign`.
    `limit` takes the first products of the order only. The model version in use is written into the filter,
    so that the queue stays what the list showed. Raises InvalidInput (nothing matches, bad name or number),
    Conflict (the name is taken), NoModelYet, Forbidden.
    """
    authorize(actor, Action.EDIT_CAMPAIGNS)
    ready_filter, ready_order = ready_made(kind)
    order = order or ready_order
    wanted = with_version(runtime, filter if filter is not None else ready_filter, ProductOrder(order.value))
    n_products = count_products(runtime, wanted, SMALL)
    values = {
        "name": _checked_name(name),
        "kind": kind,
        "status": CampaignStatus.BUILDING,
        "filter": _checked_filter(wanted, n_products),
        "order": order,
        "overlap": _checked_overlap(overlap),
        "guidelines": _checked_guidelines(guidelines),
        "model_version_id": wanted.model_version_id,
        "n_tasks": 0,
        "created_by": actor.person_id,
        "created_at": utc_now(),
    }
    if limit is not None and limit < 1:
        raise InvalidInput(N_("A campaign has at least one product."))
    is_small = min(n_products, limit or n_products) <= SMALL
    campaign_id = _insert(runtime, actor, values, limit, queue_build and not is_small)
    if is_small:
        build_campaign(runtime, campaign_id, limit)
    return get_campaign(runtime, campaign_id)


def _insert(runtime: Runtime, actor: Actor, values: dict[str, Any], limit: int | None, queue_build: bool) -> int:
    now = values["created_at"]
    with runtime.sessions.write() as session:
        campaign_id = campaigns.insert_campaign(session, values)
        if campaign_id is None:
            raise Conflict(N_("There is a campaign named '{name}' already."), name=values["name"])
        if queue_build:
            payload = {"campaign_id": campaign_id, "limit": limit}
            insert_job(session, "build_campaign", payload, f"build_campaign:{campaign_id}", actor.person_id, now)
        after = {"name": values["name"], "filter": values["filter"], "limit": limit}
        add_audit(session, now, actor.person_id, "create_campaign", "campaign", campaign_id, after=after)
        raise_revision(session, "campaigns")
    return campaign_id


def build_campaign(
    runtime: Runtime,
    campaign_id: int,
    limit: int | None = None,
    report: Callable[[float, int, int], None] = lambda fraction, done, total: None,
) -> int:
    """Fill the queue and open the campaign; returns its number of tasks. Safe to run twice, goes on after a kill.

    `report` hears the fraction 0..1, the products queued and their total; it may raise to stop.
    """
    campaign = get_campaign(runtime, campaign_id)
    if campaign.status != CampaignStatus.BUILDING:
        return campaign.n_tasks
    with _ranking(runtime, campaign, limit) as (connection, n_queued, n_ranked):
        for start in range(0, n_ranked, CHUNK):
            report(start / n_ranked, n_queued + start, n_queued + n_ranked)
            stop = min(start + CHUNK, n_ranked)
            with runtime.sessions.write(durable=False, connection=connection) as session:
                if not campaigns.queue_ranked(session, campaign_id, campaign.overlap, start, stop, n_queued):
                    break
    with runtime.sessions.write() as session:
        campaigns.set_status(session, campaign_id, {CampaignStatus.BUILDING}, CampaignStatus.ACTIVE)
        raise_revision(session, "campaigns")
    return get_campaign(runtime, campaign_id).n_tasks


@contextmanager
def _ranking(runtime: Runtime, campaign: Campaign, limit: int | None) -> Iterator[tuple[sa.Connection, int, int]]:
    """A connection with the products in order, how many are queued already, how many are ranked."""
    order = ProductOrder(campaign.order.value)
    with runtime.sessions.engine.connect() as connection:
        with runtime.sessions.scratch(connection) as session:
            counts = campaigns.rank_products(session, campaign.id, campaign.filter, order, limit)
        try:
            yield connection, *counts
        finally:
            with runtime.sessions.scratch(connection) as session:
                campaigns.drop_ranking(session)


def run_build_job(context: JobContext) -> dict[str, Any]:
    """The job `build_campaign`: payload campaign_id and limit."""
    n_tasks = build_campaign(
        context.runtime,
        context.payload["campaign_id"],
        context.payload.get("limit"),
        lambda fraction, done, total: context.report(fraction, "queueing", products=done, of=total),
    )
    return {"campaign_id": context.payload["campaign_id"], "n_tasks": n_tasks}


def ensure_default_campaign(runtime: Runtime, actor: Actor) -> Campaign:
    """The 'Low confidence' campaign of the model in use, made when there is none. Raises NoModelYet, InvalidInput."""
    with runtime.sessions.read() as session:
        version = products.find_promoted_version(session)
        if version is None:
            raise NoModelYet()
        found = campaigns.find_campaign_of_kind(session, CampaignKind.LOW_CONFIDENCE, version)
        name = "Low confidence"
        if campaigns.is_name_taken(session, name):
            name = f"Low confidence (model {version})"
    if found is not None:
        return get_campaign(runtime, found)
    return create_campaign(runtime, actor, name, CampaignKind.LOW_CONFIDENCE)


def get_campaign(runtime: Runtime, campaign_id: int) -> Campaign:
    """Raises NotFound."""
    with runtime.sessions.read() as session:
        row = campaigns.find_campaign(session, campaign_id)
        if row is None:
            raise NotFound(N_("There is no such campaign."))
        return _campaign(row, campaigns.count_done(session, [campaign_id]))


def list_campaigns(runtime: Runtime, limit: int = 200) -> list[Campaign]:
    """Newest first."""
    with runtime.sessions.read() as session:
        rows = campaigns.list_campaigns(session, limit)
        done = campaigns.count_done(session, [row.id for row in rows])
        return [_campaign(row, done) for row in rows]


def pause_campaign(runtime: Runtime, actor: Actor, campaign_id: int) -> Campaign:
    """Hand out nothing more for now; what people hold they may still decide."""
    return _change_status(runtime, actor, campaign_id, {CampaignStatus.ACTIVE}, CampaignStatus.PAUSED)


def resume_campaign(runtime: Runtime, actor: Actor, campaign_id: int) -> Campaign:
    """Hand out tasks again. Raises Conflict unless it is paused."""
    return _change_status(runtime, actor, campaign_id, {CampaignStatus.PAUSED}, CampaignStatus.ACTIVE)


def close_campaign(runtime: Runtime, actor: Actor, campaign_id: int) -> Campaign:
    """End it for good; decisions and labels stay. Raises Conflict when it is closed already."""
    running = {CampaignStatus.ACTIVE, CampaignStatus.PAUSED, CampaignStatus.BUILDING}
    return _change_status(runtime, actor, campaign_id, running, CampaignStatus.CLOSED)


def _change_status(
    runtime: Runtime, actor: Actor, campaign_id: int, before: set[CampaignStatus], after: CampaignStatus
) -> Campaign:
    authorize(actor, Action.EDIT_CAMPAIGNS)
    campaign = get_campaign(runtime, campaign_id)
    with runtime.sessions.write() as session:
        if not campaigns.set_status(session, campaign_id, before, after):
            raise Conflict(N_("The campaign is {status}; that cannot be done now."), status=campaign.status.value)
        was, becomes = {"status": campaign.status.value}, {"status": after.value}
        add_audit(session, utc_now(), actor.person_id, "set_status", "campaign", campaign_id, was, becomes)
        raise_revision(session, "campaigns")
    return replace(campaign, status=after)


def _campaign(row: CampaignRow, done: dict[int, int]) -> Campaign:
    return Campaign(
        id=row.id,
        name=row.name,
        kind=row.kind,
        status=row.status,
        filter=ProductFilter.from_dict(row.filter),
        order=row.order,
        overlap=row.overlap,
        guidelines=row.guidelines,
        model_version_id=row.model_version_id,
        n_tasks=row.n_tasks,
        n_done=done.get(row.id, 0),
        created_by=row.created_by,
        created_at=row.created_at,
    )


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 200 or not name.isprintable():
        raise InvalidInput(N_("A campaign's name has 1 to 200 printable characters."))
    return name


def _checked_filter(wanted: ProductFilter, n_products: int) -> dict[str, Any]:
    if not n_products:
        raise InvalidInput(N_("No product matches this filter, so there would be nothing to label."))
    return wanted.to_dict()


def _checked_overlap(overlap: int) -> int:
    if not 1 <= overlap <= MAX_OVERLAP:
        raise InvalidInput(N_("Each product is decided by 1 to {n} people."), n=MAX_OVERLAP)
    return overlap


def _checked_guidelines(text: str | None) -> str | None:
    text = (text or "").replace("\0", "").strip()
    if len(text) > MAX_GUIDELINES:
        raise InvalidInput(N_("The guidelines are too long."))
    return text or None
