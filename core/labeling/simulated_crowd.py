"""A crowd of demo annotators with known errors, on the demo catalogue only: it votes blind, a demo reviewer settles.

So that a newcomer finds disagreements to settle, people to look at and error rates to read, and so that tests know
what the pages must say. The rows are those of the real functions, written in bulk; nothing here is for real data.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from core.catalogue.demo import Planted
from core.catalogue.demo.loading import SOURCE
from core.catalogue.demo.tree import load_tree
from core.catalogue.taxonomy import SEPARATOR, Category, load_categories
from core.errors import N_, Conflict, InvalidInput, NotReady
from core.labeling.crowd_votes import Confusion, Crowd, make_crowd
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.training.splits import assign_folds
from core.types import Actor, utc_now
from db import demo, simulated_crowd
from db.campaigns import is_name_taken
from db.enums import CampaignKind, CampaignOrder, CampaignStatus, DecisionKind, Role
from db.measurements import last_decision
from db.people import add_audit, ensure_person, raise_revision
from db.simulated_crowd import GivenVote, Truth
from db.standing_labels import hold_tree

BASELINE, PRACTICE = "Demo: human baseline", "Demo: disagreements"
ANNOTATOR, REVIEWER = "Demo annotator {number}", "Demo reviewer"
MOST_PEOPLE = 50
UNSETTLED_SHARE = 1 / 15
GOLD_RATE = 0.2  # of the cards of the second campaign: hidden checks of what was settled after the first
DEPARTMENTS = (("디지털/가전", 2.0), ("출산/육아", 1.5), ("패션잡화", 0.2), ("화장품/미용", 0.6))
"""How much harder a department is for people than others: what they and the model are good at is to differ."""
WEEK, SETTLED_AT, PRACTICED = (-7.0, -3.2), -3.0, (-2.9, -0.05)  # days from now
NOTES = (
    "제목만으로는 모르겠어요",
    "사진이 있으면 좋겠습니다",
    "두 카테고리 모두 가능해 보여요",
    "기준을 다시 확인해 주세요",
)
NOTED = {DecisionKind.LABEL: 0.03, DecisionKind.CANNOT_TELL: 0.5, DecisionKind.BAD_LISTING: 0.5}


@dataclass(frozen=True)
class CrowdPlan:
    """What to simulate. Shares and accuracy are 0..1; `n_products` none: all held-out ones."""

    n_people: int = 5
    n_products: int | None = None  # of the human baseline, held out from learning
    n_unsettled: int | None = None  # further products, not held out, left to be settled; none: a fifteenth of the demo
    votes: int = 3  # a product, by different people
    accuracy: float = 0.78
    settled: float = 0.9  # share of the baseline, drawn whatever people said
    confusions: tuple[Confusion, ...] = ()
    seed: int = 7
    departments: tuple[tuple[str, float], ...] = DEPARTMENTS  # (its name in the demo's tree, factor on errors)


@dataclass(frozen=True)
class CrowdSummary:
    """What was made; all 0 where it was there already."""

    n_people: int = 0
    n_votes: int = 0
    n_products: int = 0
    n_settled: int = 0
    n_checks: int = 0  # hidden checks of gold, beside the votes


def simulate_crowd(runtime: Runtime, actor: Actor, plan: CrowdPlan | None = None) -> CrowdSummary:
    """Make the people, both campaigns, votes and gold in one transaction; nothing where they are there already.

    Raises Forbidden, InvalidInput (numbers out of range), Conflict (the catalogue holds products that are not
    the demo's), NotReady (no demo, or no product left to vote on).
    """
    authorize(actor, Action.EDIT_CAMPAIGNS)
    authorize(actor, Action.REVIEW)
    plan = plan or CrowdPlan()
    _check(plan)
    if _refused_or_done(runtime):
        return CrowdSummary()
    rng, now = random.Random(plan.seed), utc_now()
    with runtime.sessions.write() as session:
        hold_tree(session)
        categories = load_categories(runtime)
        mistaken_for, factors = _mistaken_for(categories), _factors(categories, plan)
        crowd = make_crowd(rng, mistaken_for, plan.n_people, plan.accuracy, plan.confusions, factors)
        people = [ensure_person(session, name, Role.ANNOTATOR, now).id for name in _names(plan)]
        reviewer = ensure_person(session, REVIEWER, Role.REVIEWER, now).id
        truths = {held_out: _known(session, held_out, mistaken_for) for held_out in (True, False)}
        voted = _Voting(session, rng, crowd, people, plan, actor, now)
        baseline_id, baseline, _ = voted.campaign(BASELINE, truths[True], plan.n_products, WEEK)
        settled = rng.sample(baseline, round(plan.settled * len(baseline)))
        settled_at, key = now + timedelta(days=SETTLED_AT), f"demo-gold-{baseline_id}"
        simulated_crowd.insert_settlements(session, baseline_id, settled, reviewer, settled_at, key)
        n_unsettled = plan.n_unsettled
        if n_unsettled is None:
            n_unsettled = round(UNSETTLED_SHARE * sum(map(len, truths.values())))
        _, practice, n_checks = voted.campaign(PRACTICE, truths[False], n_unsettled, PRACTICED, settled)
        if not baseline and not practice:
            raise NotReady(N_("There is no demo product left that nobody has decided."))
        n_products = len(baseline) + len(practice)
        made = CrowdSummary(plan.n_people, n_products * plan.votes, n_products, len(settled), n_checks)
        add_audit(session, now, actor.person_id, "simulate_crowd", "campaign", after=vars(made) | {"seed": plan.seed})
        raise_revision(session, "campaigns", "gold", "labels")
    return made


def is_anything_decided(runtime: Runtime) -> bool:
    """Whether anybody, real or simulated, ever decided anything."""
    with runtime.sessions.read() as session:
        return last_decision(session) > 0


def _names(plan: CrowdPlan) -> list[str]:
    return [ANNOTATOR.format(number=n + 1) for n in range(plan.n_people)]


def _known(session: Session, held_out: bool, mistaken_for: dict[int, list[int]]) -> list[Truth]:
    return [one for one in simulated_crowd.list_truths(session, held_out) if one.category_id in mistaken_for]


def _check(plan: CrowdPlan) -> None:
    if not 2 <= plan.votes <= plan.n_people <= MOST_PEOPLE:
        raise InvalidInput(
            N_("A simulated crowd has 2 to {most} people, and no more votes a product than people."), most=MOST_PEOPLE
        )
    shares = (plan.accuracy, plan.settled, *(confusion.share for confusion in plan.confusions))
    if not all(0 <= share <= 1 for share in shares):
        raise InvalidInput(N_("Accuracy and shares lie between 0 and 1."))


def _refused_or_done(runtime: Runtime) -> bool:
    """Whether the crowd is there already. Gives the demo its folds where no training did yet."""
    with runtime.sessions.read() as session:
        sources = demo.list_sources(session)
        is_done, has_folds = is_name_taken(session, BASELINE), simulated_crowd.has_test_fold(session)
    if others := [source for source in sources if source != SOURCE]:
        raise Conflict(
            N_("The catalogue holds products of '{source}': simulated people vote on demo data only."),
            source=others[0],
        )
    if not sources:
        raise NotReady(N_("There is no demo catalogue to vote on. Make it first: cli.py demo"))
    if not is_done and not has_folds:
        assign_folds(runtime)
    return is_done


def _mistaken_for(categories: dict[int, Category]) -> dict[int, list[int]]:
    """Leaf -> the leaves it is mistaken for, nearest first: as the demo's word lists say, and then its siblings."""
    ids = {one.path: one.id for one in categories.values() if one.is_leaf and one.retired_at is None}
    like = {SEPARATOR.join(leaf.path): [SEPARATOR.join(other) for other in leaf.like] for leaf in load_tree().leaves}
    found = {}
    for path, category_id in ids.items():
        near = [ids[other] for other in like.get(path, []) if other in ids]
        siblings = [id_ for id_ in ids.values() if categories[id_].parent_id == categories[category_id].parent_id]
        others = [id_ for id_ in dict.fromkeys([*near, *siblings]) if id_ != category_id]
        if others:
            found[category_id] = others[:4]
    return found


def _factors(categories: dict[int, Category], plan: CrowdPlan) -> dict[int, float]:
    """Leaf -> how much harder it is for people than others, where its department is not as all are."""
    by_name = dict(plan.departments)
    named = {id_: one.path.split(SEPARATOR)[0] for id_, one in categories.items()}
    return {id_: by_name[name] for id_, name in named.items() if name in by_name}


@dataclass(frozen=True)
class _Voting:
    """One crowd at work in one transaction."""

    session: Session
    rng: random.Random
    crowd: Crowd
    people: Sequence[int]
    plan: CrowdPlan
    actor: Actor
    now: datetime

    said: dict[tuple[int, int], tuple[DecisionKind, int | None]] = field(default_factory=dict)

    def campaign(
        self,
        name: str,
        truths: list[Truth],
        size: int | None,
        days: tuple[float, float],
        gold: Sequence[Truth] = (),
    ) -> tuple[int, list[Truth], int]:
        """A campaign over `size` of the products, with all its votes, spread over these `days` from now.

        Its id (0: no product), those products, and the number of hidden checks: of `gold`, settled before it began.
        """
        chosen = self.rng.sample(truths, len(truths) if size is None else min(size, len(truths)))
        if not chosen:
            return 0, [], 0
        first, last = (self.now + timedelta(days=day) for day in days)
        votes = [
            vote
            for position, truth in enumerate(chosen)
            for vote in self._of(truth, position, first + (last - first) * (position / len(chosen)))
        ]
        checks = self._checks(votes, gold)
        values = _campaign_values(name, self.plan, len(votes), self.actor, first)
        values |= {"gold_rate": GOLD_RATE} if gold else {"filter": {"source": SOURCE, "held_out": True}}
        campaign_id = simulated_crowd.insert_campaign(self.session, values)
        given = sorted([*votes, *checks], key=lambda vote: vote.at)
        simulated_crowd.insert_votes(self.session, campaign_id, given, f"demo-crowd-{campaign_id}")
        return campaign_id, chosen, len(checks)

    def _of(self, truth: Truth, position: int, at: datetime) -> list[GivenVote]:
        """The votes on one product."""
        people = self.rng.sample(range(len(self.people)), self.plan.votes)
        return [self._vote(truth, slot, position, person, at) for slot, person in enumerate(people)]

    def _checks(self, votes: list[GivenVote], gold: Sequence[Truth]) -> list[GivenVote]:
        """Of each person, behind votes of theirs: never the first card, never two in a row, never the last one."""
        found = []
        for person, person_id in enumerate(self.people):
            own = [vote for vote in votes if vote.person_id == person_id][1:-1]
            n = min(round(len(own) * GOLD_RATE / (1 - GOLD_RATE)), len(gold))
            for before, truth in zip(self.rng.sample(own, n), self.rng.sample(gold, n), strict=True):
                at = before.at + timedelta(seconds=before.seconds)
                found.append(self._vote(truth, -1 - person, before.position, person, at))
        return found

    def _vote(self, truth: Truth, slot: int, position: int, person: int, at: datetime) -> GivenVote:
        """What a person says, and says again of the same product."""
        rng, asked = self.rng, (truth.product_id, person)
        if asked not in self.said:
            self.said[asked] = self.crowd.vote(rng, truth.category_id, person, truth.planted == Planted.AMBIGUOUS)
        kind, category_id = self.said[asked]
        note = rng.choice(NOTES) if rng.random() < NOTED[kind] else None
        seconds = round(rng.lognormvariate(1.7, 0.5), 1)
        return GivenVote(truth, slot, position, self.people[person], kind, category_id, seconds, note, at)


def _campaign_values(name: str, plan: CrowdPlan, n_votes: int, actor: Actor, created_at: datetime) -> dict[str, Any]:
    """Closed: the crowd has done all of it, and nobody is asked to go on."""
    return {
        "name": name,
        "kind": CampaignKind.HUMAN_BASELINE,
        "status": CampaignStatus.CLOSED,
        "closed_reason": "person",
        "filter": {"source": SOURCE},
        "order": CampaignOrder.RANDOM,
        "overlap": plan.votes,
        "n_tasks": n_votes,
        "is_blind": True,
        "created_by": actor.person_id,
        "created_at": created_at,
    }
