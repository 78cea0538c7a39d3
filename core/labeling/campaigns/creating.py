"""Making a campaign: from a ready-made kind, from any filter and order, or as the clone of another."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from core.catalogue.product_sight import checked_filter
from core.catalogue.products import ProductFilter, count_products, with_version
from core.errors import N_, AppError, Conflict, InvalidInput, JobCancelled, NoModelYet, UnknownCategory
from core.jobs.worker import run_claimed, worker_name
from core.labeling.campaigns.campaign import Campaign, get_campaign
from core.labeling.campaigns.held_out import draw_if_few
from core.labeling.campaigns.kinds import Inputs, ready_made
from core.labeling.campaigns.settings import CampaignSettings, checked_guidelines, checked_name, checked_settings
from core.labeling.members import require_known
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import campaign_members, campaigns, model_versions
from db.enums import CampaignKind, CampaignOrder, CampaignStatus, JobStatus, ProductOrder
from db.jobs import insert_job
from db.people import add_audit, raise_revision

SMALL = 20_000  # products: built at once (a second or two), larger ones by the worker

OnReport = Callable[[float, str, dict[str, Any]], None]


def create_campaign(
    runtime: Runtime,
    actor: Actor,
    name: str,
    kind: CampaignKind,
    filter: ProductFilter | None = None,
    order: CampaignOrder | None = None,
    overlap: int | None = None,
    guidelines: str | None = None,
    limit: int | None = None,
    on_report: OnReport | None = None,
    settings: CampaignSettings | None = None,
    inputs: Inputs | None = None,
) -> Campaign:
    """Make a campaign; without filter, order or settings, its kind's. Up to 20,000 products it is built on return.

    `inputs` is what a ready-made kind is told (the pair, the mall, the new leaf ...), `overlap` replaces that of the
    settings. A larger campaign is BUILDING and the worker fills it; with `on_report` (fraction, stage, numbers) it is
    built here, whatever its size. A build that was killed goes on in the worker.
    `limit` takes the first products of the order only. The model version in use is written into the filter,
    so that the queue stays what the list showed. One that asks what is held out draws the folds if no training did.
    Raises InvalidInput (nothing matches, an input is missing, bad name or number), UnknownCategory (a choice is no leaf
    in use), Conflict (the name is taken), NoModelYet, Forbidden. AppError (filling it failed) and JobCancelled leave
    the campaign BUILDING, for `resume_campaign`.
    """
    authorize(actor, Action.EDIT_CAMPAIGNS)
    if filter is None or order is None:
        recipe = ready_made(kind, inputs or Inputs())
        order = order or recipe.order
        settings = settings or recipe.settings
        filter = filter if filter is not None else recipe.filter
    settings = settings or CampaignSettings(is_blind=kind == CampaignKind.HUMAN_BASELINE, choices=filter.pair_ids)
    settings = replace(settings, overlap=overlap) if overlap is not None else settings
    return create_from(runtime, actor, name, kind, filter, order, settings, guidelines, limit, on_report)


def create_from(
    runtime: Runtime,
    actor: Actor,
    name: str,
    kind: CampaignKind,
    filter: ProductFilter,
    order: CampaignOrder,
    settings: CampaignSettings,
    guidelines: str | None,
    limit: int | None,
    on_report: OnReport | None = None,
    cloned_from_id: int | None = None,
) -> Campaign:
    """`create_campaign` with everything said."""
    authorize(actor, Action.EDIT_CAMPAIGNS)
    settings = checked_settings(settings, kind)  # before anything is counted
    given = checked_filter(actor, ProductFilter.from_dict(filter.to_dict()))
    wanted = with_version(runtime, given, ProductOrder(order.value))
    if limit is not None and limit < 1:
        raise InvalidInput(N_("A campaign has at least one product."))
    has_folds = draw_if_few(runtime, wanted, SMALL)  # else the job that fills it draws them first
    n_products = count_products(runtime, actor, wanted if has_folds else replace(wanted, held_out=False), SMALL)
    if not n_products:
        raise InvalidInput(N_("No product matches this filter, so there would be nothing to label."))
    values = {
        "name": checked_name(name),
        "kind": kind,
        "status": CampaignStatus.BUILDING,
        "filter": wanted.to_dict(),
        "order": order,
        "guidelines": checked_guidelines(guidelines),
        "model_version_id": wanted.model_version_id,
        "n_tasks": 0,
        "cloned_from_id": cloned_from_id,
        "created_by": actor.person_id,
        "created_at": utc_now(),
        **_columns(settings),
    }
    is_small = has_folds and min(n_products, limit or n_products) <= SMALL
    me = worker_name() if is_small or on_report is not None else None
    campaign_id, job_id = _insert(runtime, actor, values, settings, limit, me, draws_folds=not has_folds)
    if me is not None:
        job = run_claimed(runtime, job_id, me, on_report)
        if job.status == JobStatus.ABORTED:
            raise JobCancelled()
        if job.status == JobStatus.FAILED:
            reason = N_("The campaign '{name}' is made, but filling it failed: {reason}")
            raise AppError(reason, name=values["name"], reason=job.error)
    return get_campaign(runtime, campaign_id)


def _columns(settings: CampaignSettings) -> dict[str, Any]:
    return {
        "overlap": settings.overlap,
        "strata": [stratum.to_dict() for stratum in settings.strata] or None,
        "is_blind": settings.is_blind,
        "choices": list(settings.choices) or None,
        "max_per_category": settings.max_per_category,
        "gold_rate": settings.gold_rate,
        "target_decisions": settings.target_decisions,
        "target_error": settings.target_error,
    }


def _insert(
    runtime: Runtime,
    actor: Actor,
    values: dict[str, Any],
    settings: CampaignSettings,
    limit: int | None,
    worker: str | None,
    draws_folds: bool,
) -> tuple[int, int]:
    """The campaign's id and that of the job that fills it, in the worker's hands or (none) waiting."""
    now = values["created_at"]
    with runtime.sessions.write() as session:
        require_known(session, settings.member_ids)
        if campaigns.find_unusable(session, settings.choices):
            raise UnknownCategory(N_("This category cannot be asked about: it is not a leaf that is in use."))
        campaign_id = campaigns.insert_campaign(session, values)
        if campaign_id is None:
            raise _taken(session, values["name"])
        campaign_members.replace_members(session, campaign_id, settings.member_ids)
        payload, key = {"campaign_id": campaign_id, "limit": limit}, campaigns.build_key(campaign_id)
        payload |= {"draws_folds": True} if draws_folds else {}
        job_id = insert_job(session, "build_campaign", payload, key, actor.person_id, now, worker)
        after = {"name": values["name"], "filter": values["filter"], "limit": limit, **_columns(settings)}
        after |= {"member_ids": list(settings.member_ids)} if settings.member_ids else {}
        said = {name: value for name, value in after.items() if value is not None}
        add_audit(session, now, actor.person_id, "create_campaign", "campaign", campaign_id, after=said)
        raise_revision(session, "campaigns")
    return campaign_id, job_id


def _taken(session: Session, name: str) -> Conflict:
    if campaigns.find_deleted(session, name):
        return Conflict(N_("A deleted campaign is named '{name}'. Restore it, or choose another name."), name=name)
    return Conflict(N_("There is a campaign named '{name}' already."), name=name)


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


def clone_campaign(
    runtime: Runtime,
    actor: Actor,
    campaign_id: int,
    name: str,
    only_undecided: bool = True,
    limit: int | None = None,
    on_report: OnReport | None = None,
) -> Campaign:
    """The same campaign again under another name: filter, order, settings, guidelines, members.

    `only_undecided`: without the products that somebody decided in it; else all that its filter finds now. It asks
    the model version in use now, not the one of then. Raises as `create_campaign` does; NotFound.
    """
    authorize(actor, Action.EDIT_CAMPAIGNS)
    source = get_campaign(runtime, campaign_id)
    without = tuple(dict.fromkeys([*source.filter.not_decided_in, source.id]))
    wanted = replace(
        source.filter, model_version_id=None, not_decided_in=without if only_undecided else source.filter.not_decided_in
    )
    return create_from(
        runtime,
        actor,
        name,
        source.kind,
        wanted,
        source.order,
        source.settings,
        source.guidelines,
        limit,
        on_report,
        cloned_from_id=source.id,
    )
