"""Campaigns: named queues built by a stored filter and an order, paused, resumed, closed."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.catalogue.products import LARGEST_ID, ProductFilter, count_products, with_version
from core.errors import N_, AppError, Conflict, InvalidInput, JobCancelled, NoModelYet, NotFound
from core.jobs.context import JobContext
from core.jobs.worker import run_claimed, worker_name
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import campaigns, model_versions
from db.enums import CampaignKind, CampaignOrder, CampaignStatus, JobStatus, NoiseMethod, ProductOrder
from db.jobs import insert_job
from db.people import add_audit, raise_revision
from db.tables import CampaignRow

LOW_CONFIDENCE = 0.6
"""Below it a calibrated model expects to be wrong more than four times in ten."""

SMALL = 20_000  # products: built at once (a second or two), larger ones by the worker
CHUNK = 2_000  # products: some 30 ms of SQLite's write lock, so that annotators go on meanwhile
MAX_OVERLAP = 10
MAX_GUIDELINES = 20_000  # characters

OnReport = Callable[[float, str, dict[str, Any]], None]


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
    is_stalled: bool = False  # BUILDING, but no job fills it (cancelled, failed): `resume_campaign` starts one


@dataclass(frozen=True)
class CampaignChoice:
    """What the labeling page needs to know of a campaign for each card."""

    id: int
    name: str
    status: CampaignStatus
    guidelines: str | None
    is_stalled: bool


def ready_made(kind: CampaignKind, seed: int = 1) -> tuple[ProductFilter, CampaignOrder]:
    """Filter and order of a kind of campaign. What a person has decided is asked again only by RANDOM.

    LOW_CONFIDENCE: the model is less sure than 0.6, the narrowest margin first. DISAGREEMENT: it contradicts
    the current label, the surest first (this finds wrong labels). RANDOM: everything, shuffled (this measures).
    LABEL_ISSUES: labels that look wrong out of fold, the most suspicious first.
    """
    match kind:
        case CampaignKind.LOW_CONFIDENCE:
            unsure = ProductFilter(confidence_below=LOW_CONFIDENCE, label_source="unchecked")
            return unsure, CampaignOrder.MARGIN
        case CampaignKind.DISAGREEMENT:
            return ProductFilter(disagrees=True, label_source="unchecked"), CampaignOrder.DISAGREEMENT
        case CampaignKind.RANDOM:
            return ProductFilter(seed=seed), CampaignOrder.RANDOM
        case CampaignKind.LABEL_ISSUES:
            suspected = ProductFilter(label_issue=NoiseMethod.CONFIDENT_LEARNING.value, label_source="unchecked")
            return suspected, CampaignOrder.LABEL_QUALITY


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
    on_report: OnReport | None = None,
) -> Campaign:
    """Make a campaign; without filter or order, those of its kind. Up to 20,000 products it is built on return.

    A larger one is BUILDING and the worker fills it; with `on_report` (fraction, stage, numbers) it is built here,
    whatever its size. A build that was killed goes on in the worker.
    `limit` takes the first products of the order only. The model version in use is written into the filter,
    so that the queue stays what the list showed. Raises InvalidInput (nothing matches, bad name or number),
    Conflict (the name is taken), NoModelYet, Forbidden. AppError (filling it failed) and JobCancelled leave
    the campaign BUILDING, for `resume_campaign`.
    """
    authorize(actor, Action.EDIT_CAMPAIGNS)
    overlap = _checked_overlap(overlap)  # before anything is counted
    ready_filter, ready_order = ready_made(kind)
    order = order or ready_order
    given = ProductFilter.from_dict((filter if filter is not None else ready_filter).to_dict())  # checked
    wanted = with_version(runtime, given, ProductOrder(order.value))
    n_products = count_products(runtime, wanted, SMALL)
    values = {
        "name": _checked_name(name),
        "kind": kind,
        "status": CampaignStatus.BUILDING,
        "filter": _checked_filter(wanted, n_products),
        "order": order,
        "overlap": overlap,
        "guidelines": _checked_guidelines(guidelines),
        "model_version_id": wanted.model_version_id,
        "n_tasks": 0,
        "created_by": actor.person_id,
        "created_at": utc_now(),
    }
    if limit is not None and limit < 1:
        raise InvalidInput(N_("A campaign has at least one product."))
    is_small = min(n_products, limit or n_products) <= SMALL
    me = worker_name() if is_small or on_report is not None else None
    campaign_id, job_id = _insert(runtime, actor, values, limit, me)
    if me is not None:
        job = run_claimed(runtime, job_id, me, on_report)
        if job.status == JobStatus.ABORTED:
            raise JobCancelled()
        if job.status == JobStatus.FAILED:
            reason = N_("The campaign '{name}' is made, but filling it failed: {reason}")
            raise AppError(reason, name=values["name"], reason=job.error)
    return get_campaign(runtime, campaign_id)


def _insert(
    runtime: Runtime, actor: Actor, values: dict[str, Any], limit: int | None, worker: str | None
) -> tuple[int, int]:
    """The campaign's id and that of the job that fills it, in the worker's hands or (none) waiting."""
    now = values["created_at"]
    with runtime.sessions.write() as session:
        campaign_id = campaigns.insert_campaign(session, values)
        if campaign_id is None:
            raise Conflict(N_("There is a campaign named '{name}' already."), name=values["name"])
        payload, key = {"campaign_id": campaign_id, "limit": limit}, campaigns.build_key(campaign_id)
        job_id = insert_job(session, "build_campaign", payload, key, actor.person_id, now, worker)
        after = {"name": values["name"], "filter": values["filter"], "limit": limit}
        add_audit(session, now, actor.person_id, "create_campaign", "campaign", campaign_id, after=after)
        raise_revision(session, "campaigns")
    return campaign_id, job_id


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
        version = model_versions.find_promoted_id(session)
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
        return _campaign(row, campaigns.count_done(session, [campaign_id]), campaigns.list_stalled(session))


def list_campaigns(runtime: Runtime, limit: int = 200) -> list[Campaign]:
    """Newest first."""
    with runtime.sessions.read() as session:
        rows = campaigns.list_campaigns(session, limit)
        done = campaigns.count_done(session, [row.id for row in rows])
        stalled = campaigns.list_stalled(session)
        return [_campaign(row, done, stalled) for row in rows]


def list_choices(runtime: Runtime, also: Iterable[str | None] = ()) -> list[CampaignChoice]:
    """Up to 200 campaigns that are not closed, newest first, and those of the ids `also` whatever their state.

    Counts nothing: for the labeling page, which asks for each card. An id (as text, from a URL) that is none
    finds nothing.
    """
    ids = [
        int(text) for text in also if text and text.isascii() and text.isdigit() and len(text) < len(str(LARGEST_ID))
    ]
    with runtime.sessions.read() as session:
        rows = campaigns.list_choices(session, ids, 200)
        building = any(row.status == CampaignStatus.BUILDING for row in rows)
        stalled = campaigns.list_stalled(session) if building else set()
    return [CampaignChoice(row.id, row.name, row.status, row.guidelines, row.id in stalled) for row in rows]


def pause_campaign(runtime: Runtime, actor: Actor, campaign_id: int) -> Campaign:
    """Hand out nothing more for now; what people hold they may still decide."""
    return _change_status(runtime, actor, campaign_id, {CampaignStatus.ACTIVE}, CampaignStatus.PAUSED)


def resume_campaign(runtime: Runtime, actor: Actor, campaign_id: int) -> Campaign:
    """Hand out tasks again; one whose building was broken off goes on being built by the worker.

    Raises Conflict unless it is paused or stalled.
    """
    campaign = get_campaign(runtime, campaign_id)
    if campaign.is_stalled:
        return _build_again(runtime, actor, campaign)
    return _change_status(runtime, actor, campaign_id, {CampaignStatus.PAUSED}, CampaignStatus.ACTIVE)


def _build_again(runtime: Runtime, actor: Actor, campaign: Campaign) -> Campaign:
    authorize(actor, Action.EDIT_CAMPAIGNS)
    now, key = utc_now(), campaigns.build_key(campaign.id)
    with runtime.sessions.write() as session:
        payload = campaigns.find_build_payload(session, campaign.id) or {"campaign_id": campaign.id}
        insert_job(session, "build_campaign", payload, key, actor.person_id, now)
        add_audit(session, now, actor.person_id, "build_again", "campaign", campaign.id)
        raise_revision(session, "campaigns")
    return replace(campaign, is_stalled=False)


def close_campaign(runtime: Runtime, actor: Actor, campaign_id: int) -> Campaign:
    """End it for good; labels stay, what people hold they may still decide. Conflict when it is closed already."""
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


def _campaign(row: CampaignRow, done: dict[int, int], stalled: set[int]) -> Campaign:
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
        is_stalled=row.id in stalled,
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
