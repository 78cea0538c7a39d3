"""How often each person is right on hidden gold checks: for reviewers and admins, never for another annotator."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.catalogue.taxonomy import load_categories
from core.labeling.category_tree import CategoryTree, Miss
from core.labeling.crowd.agreement import Estimate, mean_of_products
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.training.intervals import TOO_FEW, Rate, rate
from core.types import Actor
from db import gold_votes
from db.gold_votes import GoldVote

LAST_CHECKS = 300
"""A person is judged by this many of their last checks: what they do now counts, and nobody waits for years of rows."""
RECENT = 50  # the last of them, for the trend


class Standing(StrEnum):
    """Where a person stands beside the agreement that is asked for."""

    TOO_FEW = "too_few"  # under 30 checks: nothing is said
    GOOD = "good"
    WATCH = "watch"  # below it, but that may be chance
    BELOW = "below"  # surely below: even the upper end of the interval


class Trend(StrEnum):
    """The last checks against those before them."""

    UNKNOWN = "unknown"
    STEADY = "steady"
    RISING = "rising"
    FALLING = "falling"


@dataclass(frozen=True)
class PersonQuality:
    """A person on their last hidden gold checks. 'Cannot tell' is neither right nor wrong: it is counted apart.

    `closeness` is the mean of 1 - tree distance, 0..1; 1 is always right.
    """

    person_id: int
    name: str
    is_active: bool
    right: Rate
    recent: Rate
    trend: Trend
    closeness: Estimate
    n_cannot_tell: int
    misses: dict[Miss, int]
    last_at: datetime | None
    standing: Standing


def list_quality(runtime: Runtime, actor: Actor) -> list[PersonQuality]:
    """Everybody who was ever checked, those below the set agreement first. Read as it is now.

    Raises Forbidden for all who may not see other people.
    """
    authorize(actor, Action.SEE_PEOPLE)
    tree = CategoryTree(load_categories(runtime))
    with runtime.sessions.read() as session:
        people = gold_votes.list_checked_people(session)
        votes = {id_: gold_votes.list_checks(session, id_, LAST_CHECKS) for id_, _, _ in people}
    wanted = runtime.settings.min_gold_agreement
    found = [judge_person(id_, name, is_active, votes[id_], tree, wanted) for id_, name, is_active in people]
    order = [Standing.BELOW, Standing.WATCH, Standing.GOOD, Standing.TOO_FEW]
    return sorted(found, key=lambda person: (order.index(person.standing), person.right.value or 0, person.name))


def judge_person(
    person_id: int, name: str, is_active: bool, votes: list[GoldVote], tree: CategoryTree, wanted: float
) -> PersonQuality:
    """What these checks, newest first, say of a person of whom `wanted` (0..1) is asked.

    An answer that is no category any more (retired since, or split) is left out.
    """
    votes = [vote for vote in votes if vote.category_id is None or tree.is_in_use(vote.category_id)]
    told = [vote for vote in votes if vote.category_id is not None]
    misses = [_miss(vote, tree) for vote in told]
    closeness = [1.0 if miss is None else 1 - _distance(vote, tree) for vote, miss in zip(told, misses, strict=True)]
    right, recent, before = _share(misses), _share(misses[:RECENT]), _share(misses[RECENT:])
    return PersonQuality(
        person_id=person_id,
        name=name,
        is_active=is_active,
        right=right,
        recent=recent,
        trend=_trend(recent, before),
        closeness=mean_of_products(closeness),
        n_cannot_tell=len(votes) - len(told),
        misses=dict(Counter(miss for miss in misses if miss is not None)),
        last_at=votes[0].created_at if votes else None,
        standing=_standing(right, wanted),
    )


def _miss(vote: GoldVote, tree: CategoryTree) -> Miss | None:
    assert vote.category_id is not None, "only answers that name a category are judged"
    return None if vote.is_accepted else tree.miss(tree.now(vote.category_id), tree.now(vote.gold_id))


def _distance(vote: GoldVote, tree: CategoryTree) -> float:
    assert vote.category_id is not None, "only answers that name a category are judged"
    return tree.distance(tree.now(vote.category_id), tree.now(vote.gold_id))


def _share(misses: list[Miss | None]) -> Rate:
    return rate(sum(miss is None for miss in misses), len(misses))


def _trend(recent: Rate, before: Rate) -> Trend:
    """Rising or falling only where the two intervals do not meet."""
    if recent.is_too_few or before.is_too_few:
        return Trend.UNKNOWN
    if recent.low > before.high:
        return Trend.RISING
    return Trend.FALLING if recent.high < before.low else Trend.STEADY


def _standing(right: Rate, wanted: float) -> Standing:
    if right.n < TOO_FEW or right.value is None:
        return Standing.TOO_FEW
    if right.high < wanted:
        return Standing.BELOW
    return Standing.WATCH if right.value < wanted else Standing.GOOD
