"""Campaigns as they stand: one, all of them, and the few facts that the labeling page asks for each card."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core.catalogue.products import LARGEST_ID, ProductFilter
from core.errors import N_, NotFound
from core.labeling.campaigns.settings import CampaignSettings, Stratum
from core.runtime import Runtime
from db import campaign_members, campaigns
from db.enums import CampaignKind, CampaignOrder, CampaignStatus
from db.tables import CampaignRow


@dataclass(frozen=True)
class Campaign:
    """A labeling queue. It hands out tasks while ACTIVE, and what is ready while BUILDING."""

    id: int
    name: str
    kind: CampaignKind
    status: CampaignStatus
    filter: ProductFilter
    order: CampaignOrder
    settings: CampaignSettings
    guidelines: str | None
    model_version_id: int | None
    n_tasks: int  # hidden gold checks are not among them
    n_done: int
    created_by: int
    created_at: datetime
    is_stalled: bool = False  # BUILDING, but no job fills it (cancelled, failed): `resume_campaign` starts one
    members: tuple[tuple[int, str], ...] = ()  # (person id, name); none: everybody
    closed_reason: str | None = None  # person, target
    cloned_from_id: int | None = None
    deleted_at: datetime | None = None

    @property
    def overlap(self) -> int:
        """How many people decide each product that no stratum takes."""
        return self.settings.overlap


@dataclass(frozen=True)
class CampaignChoice:
    """What the labeling page needs to know of a campaign for each card."""

    id: int
    name: str
    status: CampaignStatus
    guidelines: str | None
    is_stalled: bool
    is_one_by_one: bool = False  # blind, with hidden checks or for several people: no lots


def get_campaign(runtime: Runtime, campaign_id: int, deleted: bool = False) -> Campaign:
    """Raises NotFound, also for one that was deleted, unless those are asked for."""
    with runtime.sessions.read() as session:
        row = campaigns.find_campaign(session, campaign_id)
        if row is None or (row.deleted_at is not None and not deleted):
            raise NotFound(N_("There is no such campaign."))
        return _campaigns(session, [row])[0]


def list_campaigns(
    runtime: Runtime,
    limit: int = 200,
    deleted: bool = False,
    before_id: int | None = None,
    status: CampaignStatus | None = None,
) -> list[Campaign]:
    """Newest first; `deleted` lists those that can be restored instead, `before_id` continues a list."""
    with runtime.sessions.read() as session:
        return _campaigns(session, campaigns.list_campaigns(session, limit, deleted, before_id, status))


def is_deleted(runtime: Runtime, campaign_id: int) -> bool:
    """Whether it can be restored now."""
    with runtime.sessions.read() as session:
        row = campaigns.find_campaign(session, campaign_id)
        return row is not None and row.deleted_at is not None


def list_names(runtime: Runtime) -> list[str]:
    """The name of every campaign, deleted ones too: none of them can be given again."""
    with runtime.sessions.read() as session:
        return campaigns.list_names(session)


def list_choices(
    runtime: Runtime, also: Iterable[str | None] = (), person_id: int | None = None
) -> list[CampaignChoice]:
    """Up to 200 campaigns that are not closed, newest first, and those of the ids `also` whatever their state.

    With a `person_id` only those that this person may work in. Counts nothing: for the labeling page, which asks for
    each card. An id (as text, from a URL) that is none finds nothing.
    """
    ids = [
        int(text) for text in also if text and text.isascii() and text.isdigit() and len(text) < len(str(LARGEST_ID))
    ]
    with runtime.sessions.read() as session:
        rows = campaigns.list_choices(session, ids, 200, person_id)
        building = any(row.status == CampaignStatus.BUILDING for row in rows)
        stalled = campaigns.list_stalled(session) if building else set()
    return [
        CampaignChoice(row.id, row.name, row.status, row.guidelines, row.id in stalled, _is_one_by_one(row))
        for row in rows
    ]


def _is_one_by_one(row: Any) -> bool:
    most = max(row.overlap, *(stratum["overlap"] for stratum in row.strata or [{"overlap": 1}]))
    return row.is_blind or row.gold_rate > 0 or most > 1


def _campaigns(session: Session, rows: list[CampaignRow]) -> list[Campaign]:
    ids = [row.id for row in rows]
    done, stalled = campaigns.count_done(session, ids), campaigns.list_stalled(session)
    members = campaign_members.list_members(session, ids)
    return [_campaign(row, done.get(row.id, 0), row.id in stalled, members.get(row.id, ())) for row in rows]


def _campaign(row: CampaignRow, n_done: int, is_stalled: bool, members: tuple[tuple[int, str], ...]) -> Campaign:
    return Campaign(
        id=row.id,
        name=row.name,
        kind=row.kind,
        status=row.status,
        filter=ProductFilter.from_dict(row.filter),
        order=row.order,
        settings=CampaignSettings(
            overlap=row.overlap,
            strata=tuple(Stratum.from_dict(stored) for stored in row.strata or ()),
            is_blind=row.is_blind,
            choices=tuple(row.choices or ()),
            max_per_category=row.max_per_category,
            gold_rate=row.gold_rate,
            target_decisions=row.target_decisions,
            target_error=row.target_error,
            member_ids=tuple(person_id for person_id, _ in members),
        ),
        guidelines=row.guidelines,
        model_version_id=row.model_version_id,
        n_tasks=row.n_tasks,
        n_done=n_done,
        created_by=row.created_by,
        created_at=row.created_at,
        is_stalled=is_stalled,
        members=members,
        closed_reason=row.closed_reason,
        cloned_from_id=row.cloned_from_id,
        deleted_at=row.deleted_at,
    )
