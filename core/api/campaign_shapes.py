"""Campaigns as they are asked for and answered."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from core.api.guard import Caller
from core.api.shapes import Body, Id, Name, Shape, Text
from core.catalogue.product_sight import sees_gold
from core.catalogue.products import ProductFilter
from core.labeling.campaigns import Campaign, CampaignSettings, Inputs, Stratum, ready_made
from core.labeling.progress import get_progress
from db.enums import CampaignKind, CampaignOrder, CampaignStatus

Ids = Annotated[list[Id], Field(max_length=1_000)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]


class SettingsShape(Shape):
    """How a campaign asks. `gold_rate` is told to reviewers only."""

    overlap: int
    strata: list[dict[str, Any]]
    is_blind: bool
    choices: list[int]
    max_per_category: int | None
    gold_rate: float | None
    target_decisions: int | None
    target_error: float | None
    member_ids: list[int]


class CampaignShape(Shape):
    """A labeling queue. `n_done` of `n_tasks` are decided."""

    id: int
    name: str
    kind: CampaignKind
    status: CampaignStatus
    filter: dict[str, Any]
    order: CampaignOrder
    settings: SettingsShape
    guidelines: str | None
    model_version_id: int | None
    n_tasks: int
    n_done: int
    created_by: int
    created_at: datetime
    is_stalled: bool
    closed_reason: str | None
    cloned_from_id: int | None
    deleted_at: datetime | None


class ProgressShape(Shape):
    """How far a campaign is, and this person in it; `per_hour` is their pace."""

    n_tasks: int
    n_done: int
    n_mine_today: int
    n_mine: int
    per_hour: float | None


class InputsBody(Body):
    """What a ready-made kind is told: the pair or the new leaf, the mall, searches, the edit of the tree."""

    category_ids: Ids = Field(default_factory=list)
    mall_id: Id | None = None
    words: list[Name] = Field(default_factory=list, max_length=100)
    edit_id: Id | None = None
    seed: Annotated[int, Field(ge=0, le=2**53 - 1)] = 1
    confidence_below: Fraction | None = None


class SettingsBody(Body):
    """How the campaign asks; what is left out is as its kind has it."""

    overlap: Annotated[int, Field(ge=1, le=10)] | None = None
    strata: Annotated[list[dict[Name, Any]], Field(max_length=10)] | None = None
    is_blind: bool | None = None
    choices: Ids | None = None
    max_per_category: Count | None = None
    gold_rate: Fraction | None = None
    target_decisions: Count | None = None
    target_error: Fraction | None = None
    member_ids: Ids | None = None


class CampaignBody(Body):
    """A new campaign. Without filter and order those of its kind; `limit` takes the first products only."""

    name: Name
    kind: CampaignKind
    filter: dict[Name, Any] | None = None
    order: CampaignOrder | None = None
    guidelines: Text | None = None
    limit: Count | None = None
    inputs: InputsBody = InputsBody()
    settings: SettingsBody = SettingsBody()

    def parts(self) -> dict[str, Any]:
        """As `create_campaign` takes them. Raises InvalidInput."""
        told = self.inputs.model_dump(exclude_none=True)
        inputs = Inputs(**_as_kept(told))
        wanted = None if self.filter is None else ProductFilter.from_dict(self.filter)
        chosen = self.settings.model_dump(exclude_none=True)
        settings = None
        if chosen:
            blind = CampaignSettings(is_blind=self.kind == CampaignKind.HUMAN_BASELINE)
            is_whole = wanted is not None and self.order is not None
            usual = replace(blind, choices=wanted.pair_ids) if is_whole and wanted else None
            settings = replace(usual or ready_made(self.kind, inputs).settings, **_as_kept(chosen))
        return {"filter": wanted, "inputs": inputs, "settings": settings}


class CloneBody(Body):
    """The same campaign again; `only_undecided`: without what was decided in it."""

    name: Name
    only_undecided: bool = True
    limit: Count | None = None


class ReasonBody(Body):
    """Why: kept in the audit trail."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


def _as_kept(chosen: dict[str, Any]) -> dict[str, Any]:
    kept = {name: tuple(value) if isinstance(value, list) else value for name, value in chosen.items()}
    if "strata" in kept:
        kept["strata"] = tuple(Stratum.from_dict(stratum) for stratum in kept["strata"])
    return kept


def campaign_shown(caller: Caller, campaign: Campaign) -> dict[str, Any]:
    """A campaign as this person may see it."""
    names = set(CampaignShape.model_fields) - {"filter", "settings"}
    shown = {name: getattr(campaign, name) for name in names}
    settings = vars(campaign.settings) | {"strata": [stratum.to_dict() for stratum in campaign.settings.strata]}
    settings["member_ids"] = [person_id for person_id, _ in campaign.members]
    if not sees_gold(caller.actor):  # exact counts, asked before and after a decision, would tell a hidden check
        progress = get_progress(caller.runtime, caller.actor, campaign.id)
        shown |= {"n_tasks": progress.n_tasks, "n_done": progress.n_done}
        settings["gold_rate"] = None
    return {**shown, "filter": campaign.filter.to_dict(), "settings": settings}
