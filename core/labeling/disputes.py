"""What people disagree on in a campaign, worst first, for those who settle it.

The order: first how far the votes lie apart (the mean tree distance of two votes, Rao's quadratic entropy: one number
for how many disagree and how far), then how doubtful the consensus is (CROWDLAB's quality, lowest first). A measuring
job ranks the whole campaign; what was decided since is looked at as it is now.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from core.catalogue.taxonomy import load_categories
from core.errors import N_, InvalidInput
from core.labeling.category_tree import UNTOLD, CategoryTree
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor
from db import measurements, votes
from db.votes import Vote

KIND = "disagreements"  # of measurements
FRESH = 2_000  # decisions since the measurement that are looked at; more want a new one
STORED = 10_000  # the worst that a measurement keeps
CHUNK = 100
COUNTED, N_CAMPAIGNS = 100, 10  # of `find_most_disputed`
UNMEASURED = 0.5  # doubt of what no measurement has seen

Key = tuple[float, float, int]


@dataclass(frozen=True)
class Dispute:
    """A product that people disagree on. `apart`: mean tree distance of two votes, 0..1; `doubt`: 0 sure .. 1."""

    product_id: int
    apart: float
    doubt: float
    category_ids: tuple[int, ...]  # that were said, the most frequent first
    consensus_id: int | None = None  # what all votes and the model's answer, weighed, say (CROWDLAB), at 1 - doubt

    @property
    def key(self) -> Key:
        """Sorts the worst first."""
        return (-round(self.apart, 4), -round(self.doubt, 4), self.product_id)

    @property
    def marker(self) -> str:
        """`after` of the page that begins behind this one."""
        return ":".join(str(part) for part in self.key)


@dataclass(frozen=True)
class DisputePage:
    """`next_after` goes on after the last one; none at the end. `n_unseen`: newer decisions that only a new
    measurement takes in (counted up to FRESH more)."""

    disputes: tuple[Dispute, ...]
    titles: dict[int, str]
    next_after: str | None
    is_measured: bool
    n_unseen: int


def list_campaigns(runtime: Runtime, actor: Actor, limit: int = 200) -> list[tuple[int, str]]:
    """(id, name) of campaigns whose products several people decide, newest first."""
    authorize(actor, Action.REVIEW)
    with runtime.sessions.read() as session:
        return votes.list_reviewable(session, limit)


def list_disputes(
    runtime: Runtime,
    actor: Actor,
    campaign_id: int,
    category_id: int | None = None,
    limit: int = 20,
    after: str | None = None,
) -> DisputePage:
    """What is not settled yet, worst first; with `category_id` only where somebody said that or something below it.

    Raises Forbidden, InvalidInput for a foreign `after`.
    """
    authorize(actor, Action.REVIEW)
    tree = CategoryTree(load_categories(runtime))
    start = _read_key(after) if after else None
    found: list[Dispute] = []
    with runtime.sessions.read() as session:
        measured = measurements.find_latest(session, KIND, campaign_id)
        last_id = measured.last_decision_id if measured else 0
        ranked = {row[0]: _stored(row) for row in (measured.result["rows"] if measured else [])}
        fresh = votes.list_decided_since(session, campaign_id, last_id, FRESH)
        of_fresh = votes.list_votes_of(session, campaign_id, fresh)
        n_newer = measurements.count_newer(session, last_id, campaign_id, 2 * FRESH)
        doubts = {id_: dispute.doubt for id_, dispute in ranked.items()}
        for id_ in fresh:
            ranked.pop(id_, None)
        ranked |= {one.product_id: one for one in find_disputes(of_fresh, tree, doubts)}
        queue = sorted((one for one in ranked.values() if _is_wanted(one, tree, category_id)), key=lambda one: one.key)
        if start is not None:
            queue = [one for one in queue if one.key > start]
        for place in range(0, len(queue), CHUNK):
            part = queue[place : place + CHUNK]
            settled = votes.list_settled(session, [one.product_id for one in part])
            found += [one for one in part if one.product_id not in settled]
            if len(found) > limit:
                break
        page = tuple(found[:limit])
        titles = votes.map_titles(session, [one.product_id for one in page])
    more = page[-1].marker if len(found) > limit else None
    return DisputePage(page, titles, more, measured is not None, max(0, n_newer - FRESH))


def find_most_disputed(runtime: Runtime, actor: Actor, campaign_ids: Sequence[int]) -> int | None:
    """Of the first 10 of these campaigns the one with most that is not settled (counted up to 100), else the first of
    them all; none where there is none. For the page that opens without one: some reads of an index each."""
    authorize(actor, Action.REVIEW)
    counts = {
        id_: len(list_disputes(runtime, actor, id_, limit=COUNTED).disputes) for id_ in campaign_ids[:N_CAMPAIGNS]
    }
    return max(counts, key=lambda id_: counts[id_], default=None)


def find_disputes(given: Sequence[Vote], tree: CategoryTree, doubts: dict[int, float]) -> list[Dispute]:
    """The products of these votes on which at least two of them differ."""
    by_product: dict[int, list[int | None]] = defaultdict(list)
    for vote in given:
        by_product[vote.product_id].append(None if vote.category_id is None else tree.now(vote.category_id))
    found = []
    for product_id, said in by_product.items():
        apart = [votes_apart(one, other, tree) for one, other in combinations(said, 2)]
        if any(apart):
            named = [category for category in said if category is not None]
            order = sorted(set(named), key=lambda category: (-named.count(category), category))
            doubt = doubts.get(product_id, UNMEASURED)
            found.append(Dispute(product_id, sum(apart) / len(apart), doubt, tuple(order)))
    return found


def votes_apart(one: int | None, other: int | None, tree: CategoryTree) -> float:
    """How far two votes lie apart, 0..1; none is 'cannot tell' or 'bad listing'."""
    if one is None or other is None:
        return 0.0 if one == other else UNTOLD
    return tree.distance(one, other)


def _is_wanted(one: Dispute, tree: CategoryTree, category_id: int | None) -> bool:
    return category_id is None or any(tree.is_within(said, category_id) for said in one.category_ids)


def as_stored(one: Dispute) -> list[Any]:
    """As a measurement keeps it."""
    return [one.product_id, round(one.apart, 4), round(one.doubt, 4), list(one.category_ids), one.consensus_id]


def _stored(row: list[Any]) -> Dispute:
    consensus_id = row[4] if len(row) > 4 else None  # measured before it was kept
    return Dispute(int(row[0]), float(row[1]), float(row[2]), tuple(row[3]), consensus_id)


def _read_key(text: str) -> Key:
    try:
        apart, doubt, product_id = text.split(":")
        return float(apart), float(doubt), int(product_id)
    except ValueError:
        raise InvalidInput(N_("This page marker cannot be read.")) from None
