"""How far the people of a campaign agree: asking for a measurement, and reading the newest one."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from core.errors import N_, NotFound
from core.jobs.queue import enqueue
from core.labeling.agreement_job import KIND
from core.labeling.crowd.agreement import Agreement, CategoryAgreement, Estimate, PairAgreement
from core.permissions import Action, authorize, may
from core.runtime import Runtime
from core.training.intervals import Rate, rate
from core.types import Actor
from db import campaigns, measurements, votes

JOB = "measure_agreement"
COUNTED_UP_TO = 10_000
LOOKED_THROUGH = 2_000  # of the newest decisions, for `is_decided_twice`


@dataclass(frozen=True)
class PersonAgreement:
    """A person among the others of the campaign, without gold. `accuracy`: one-coin Dawid-Skene; `quality`: CROWDLAB,
    0..1, none where it could not be worked out."""

    person_id: int
    name: str
    same: Rate
    accuracy: Rate
    quality: float | None


@dataclass(frozen=True)
class AgreementReport:
    """The newest measurement of a campaign. `pairs` and `people` are empty for those who may not see people."""

    measured_at: datetime
    n_newer: int  # decisions since, counted up to COUNTED_UP_TO
    n_products: int  # that at least two people gave a category
    n_votes: int
    n_people: int
    n_untold: int  # votes 'cannot tell' and 'bad listing': in no agreement, for they name no category
    n_untold_products: int
    n_disputed: int
    whole: Agreement
    departments: tuple[CategoryAgreement, ...]
    categories: tuple[CategoryAgreement, ...]
    n_too_few: int  # further categories, said of fewer than 30 products
    pairs: tuple[PairAgreement, ...]
    people: tuple[PersonAgreement, ...]
    names: dict[int, str]
    model_version_id: int | None  # whose answers CROWDLAB used


def enqueue_agreement(runtime: Runtime, actor: Actor, campaign_id: int) -> int:
    """Ask for a measurement of the campaign; returns the job's id. While one waits, that one's id.

    Raises Forbidden, NotFound.
    """
    authorize(actor, Action.REVIEW)
    with runtime.sessions.read() as session:
        if campaigns.find_campaign(session, campaign_id) is None:
            raise NotFound(N_("There is no such campaign."))
    return enqueue(runtime, actor, JOB, {"campaign_id": campaign_id}, dedupe_key=f"{JOB}:{campaign_id}")


def find_agreement(runtime: Runtime, actor: Actor, campaign_id: int) -> AgreementReport | None:
    """The newest measurement; None before the first. Raises Forbidden."""
    authorize(actor, Action.REVIEW)
    with runtime.sessions.read() as session:
        row = measurements.find_latest(session, KIND, campaign_id)
        if row is None:
            return None
        found = row.result
        n_newer = measurements.count_newer(session, row.last_decision_id, campaign_id, COUNTED_UP_TO)
        names = votes.map_people(session, [person["person_id"] for person in found["people"]])
    sees = may(actor, Action.SEE_PEOPLE)
    counts = ("n_products", "n_votes", "n_people", "n_untold", "n_untold_products", "n_disputed", "n_too_few")
    return AgreementReport(
        measured_at=row.created_at,
        n_newer=n_newer,
        whole=Agreement(**_numbers(found["whole"])),
        departments=tuple(CategoryAgreement(**_numbers(one)) for one in found["departments"]),
        categories=tuple(CategoryAgreement(**_numbers(one)) for one in found["categories"]),
        pairs=tuple(_pair(one) for one in found["pairs"]) if sees else (),
        people=tuple(PersonAgreement(name=names.get(one["person_id"], ""), **_numbers(one)) for one in found["people"])
        if sees
        else (),
        names=names if sees else {},
        model_version_id=found["model_version_id"],
        **{name: found[name] for name in counts},
    )


def list_agreement_of_people(runtime: Runtime, actor: Actor) -> dict[int, Rate]:
    """Person -> how often the others say the same, over the newest measurement of each campaign; n counts products.

    Who shares no product with anybody in a measured campaign is missing. Raises Forbidden for all who may not see
    other people.
    """
    authorize(actor, Action.SEE_PEOPLE)
    sums: dict[int, tuple[float, int]] = {}
    with runtime.sessions.read() as session:
        for people in measurements.list_latest_people(session, KIND):
            for one in people:
                same, (total, n) = one["same"], sums.get(one["person_id"], (0.0, 0))
                sums[one["person_id"]] = (total + (same["value"] or 0.0) * same["n"], n + same["n"])
    return {id_: replace(rate(round(total), n), value=total / n) for id_, (total, n) in sums.items() if n}


def is_decided_twice(runtime: Runtime, actor: Actor, campaign_id: int) -> bool:
    """Whether some product of the campaign has two votes: before, people cannot disagree. Looks at the newest
    measurement and at the last 2,000 decisions. Raises Forbidden."""
    authorize(actor, Action.REVIEW)
    with runtime.sessions.read() as session:
        measured = measurements.find_latest(session, KIND, campaign_id)
        if measured is not None and measured.result["n_products"]:
            return True
        newest = votes.list_decided_since(session, campaign_id, 0, LOOKED_THROUGH)
        given = votes.list_votes_of(session, campaign_id, newest)
    return len({vote.product_id for vote in given}) < len(given)


def _pair(stored: dict[str, Any]) -> PairAgreement:
    numbers = _numbers(stored)
    return PairAgreement(**numbers | {"person_ids": tuple(numbers["person_ids"])})


_SHARES = ("same", "accuracy")
_ESTIMATES = ("alpha", "closeness", "tree_alpha")


def _numbers(stored: dict[str, Any]) -> dict[str, Any]:
    """JSON back to what it was."""
    read: dict[str, Any] = dict(stored)
    read |= {name: Rate(**stored[name]) for name in _SHARES if name in stored}
    return read | {name: Estimate(**stored[name]) for name in _ESTIMATES if name in stored}
