"""Filling a campaign's queue: in order, in short transactions, once, and going on after a kill."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from core.catalogue.products import ProductFilter
from core.errors import N_
from core.jobs.context import JobContext
from core.labeling.campaigns.campaign import Campaign, get_campaign
from core.labeling.campaigns.settings import CampaignSettings
from core.runtime import Runtime
from db import campaign_building, campaigns
from db.campaign_building import Ranking
from db.enums import CampaignKind, CampaignOrder, CampaignStatus, ProductOrder
from db.people import raise_revision

CHUNK = 2_000  # products: some 30 ms of SQLite's write lock, so that annotators go on meanwhile


def build_campaign(
    runtime: Runtime,
    campaign_id: int,
    limit: int | None = None,
    report: Callable[[float, int, int], None] = lambda fraction, done, total: None,
) -> int:
    """Fill the queue and open the campaign; returns its number of tasks. Safe to run twice, goes on after a kill.

    `report` hears the fraction 0..1, the products queued and their total; it may raise to stop.
    """
    _fill(runtime, get_campaign(runtime, campaign_id, deleted=True), limit, report)
    return get_campaign(runtime, campaign_id, deleted=True).n_tasks


def _fill(runtime: Runtime, campaign: Campaign, limit: int | None, report: Callable[[float, int, int], None]) -> bool:
    """False when it was closed or deleted before its queue was whole."""
    if campaign.status != CampaignStatus.BUILDING:
        return campaign.status != CampaignStatus.CLOSED
    with _ranking(runtime, campaign, limit) as (connection, n_queued, n_ranked):
        for start in range(0, n_ranked, CHUNK):
            report(start / n_ranked, n_queued + start, n_queued + n_ranked)
            stop = min(start + CHUNK, n_ranked)
            overlap = campaign.settings.largest_overlap
            with runtime.sessions.write(durable=False, connection=connection) as session:
                if not campaign_building.queue_ranked(session, campaign.id, overlap, start, stop, n_queued):
                    return False
    with runtime.sessions.write() as session:
        is_opened = campaigns.set_status(session, campaign.id, {CampaignStatus.BUILDING}, CampaignStatus.ACTIVE)
        raise_revision(session, "campaigns")
    return is_opened


def ranking_of(
    campaign_id: int,
    kind: CampaignKind,
    filter: ProductFilter,
    order: CampaignOrder,
    settings: CampaignSettings,
    limit: int | None,
) -> Ranking:
    """What such a campaign asks, in which order."""
    return Ranking(
        campaign_id=campaign_id,
        conditions=filter,
        order=ProductOrder(order.value),
        limit=limit,
        max_per_category=settings.max_per_category,
        by_mall_category=kind == CampaignKind.MALL_AUDIT,
        overlap=settings.overlap,
        strata=tuple(stratum.to_dict() for stratum in settings.strata),
    )


@contextmanager
def _ranking(runtime: Runtime, campaign: Campaign, limit: int | None) -> Iterator[tuple[sa.Connection, int, int]]:
    """A connection with the products in order, how many are queued already, how many are ranked."""
    ranking = ranking_of(campaign.id, campaign.kind, campaign.filter, campaign.order, campaign.settings, limit)
    with runtime.sessions.engine.connect() as connection:
        with runtime.sessions.scratch(connection) as session:
            counts = campaign_building.rank_products(session, ranking)
        try:
            yield connection, *counts
        finally:
            with runtime.sessions.scratch(connection) as session:
                campaign_building.drop_ranking(session)


def run_build_job(context: JobContext) -> dict[str, Any]:
    """The job `build_campaign`: payload campaign_id, limit, and draws_folds where no training has drawn them yet.

    `broken_off`: closed before its queue was whole.
    """
    campaign = get_campaign(context.runtime, context.payload["campaign_id"], deleted=True)
    if context.payload.get("draws_folds"):
        from core.training.splits import assign_folds

        assign_folds(context.runtime, lambda fraction: context.report(fraction, N_("grouping near-duplicates")))
    is_whole = _fill(
        context.runtime,
        campaign,
        context.payload.get("limit"),
        lambda fraction, done, total: context.report(fraction, "queueing", products=done, of=total),
    )
    n_tasks = get_campaign(context.runtime, campaign.id, deleted=True).n_tasks
    return {"campaign_id": campaign.id, "n_tasks": n_tasks} | ({} if is_whole else {"broken_off": True})
