"""A crowd of demo annotators with known errors, on the demo catalogue only: it votes blind, a demo reviewer settles.

So that a newcomer finds disagreements to settle, people to look at and error rates to read, and so that tests know
what the pages must say. The rows are those of the real functions, written in bulk; nothing here is for real data.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, fields
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
from db.products import Conditions
from db.simulated_crowd import GivenVote, Truth
from db.standing_labels import hold_tree

BASELINE, PRACTICE = "Demo: human baseline", "Demo: disagreements"
ANNOTATOR, REVIEWER = "Demo annotator {number}", "Demo reviewer"
MOST_PEOPLE = 50
UNSETTLED_SHARE = 1 / 15
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
    settled: float = 0.7  # share of the baseline, drawn whatever people said
    confusions: tuple[Confusion, ...] = ()
    seed: int = 7


@dataclass(frozen=True)
class CrowdSummary:
    """What was made; all 0 where it was there already."""

    n_people: int = 0
    n_votes: int = 0
    n_products: int = 0
    n_settled: int = 0


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
        mistaken_for = _mistaken_for(load_categories(runtime))
        crowd = make_crowd(rng, mistaken_for, plan.n_people, plan.accuracy, plan.confusions)
        people = [ensure_person(session, name, Role.ANNOTATOR, now).id for name in _names(plan)]
        reviewer = ensure_person(session, REVIEWER, Role.REVIEWER, now).id
        truths = {held_out: _known(session, held_out, mistaken_for) for held_out in (True, False)}
        voted = _Voting(session, rng, crowd, people, plan, actor, now)
        baseline_id, baseline = voted.campaign(BASELINE, truths[True], plan.n_products, held_out=True)
        n_unsettled = plan.n_unsettled
        if n_unsettled is None:
            n_unsettled = round(UNSETTLED_SHARE * sum(map(len, truths.values())))
        _, practice = voted.campaign(PRACTICE, truths[False], n_unsettled, held_out=False)
        if not baseline and not practice:
            raise NotReady(N_("There is no demo product left that nobody has decided."))
        settled = rng.sample(baseline, round(plan.settled * len(baseline)))
        simulated_crowd.insert_settlements(session, baseline_id, settled, reviewer, now, f"demo-gold-{baseline_id}")
        n_products = len(baseline) + len(practice)
        made = CrowdSummary(plan.n_people, n_products * plan.votes, n_products, len(settled))
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

    def campaign(self, name: str, truths: list[Truth], size: int | None, held_out: bool) -> tuple[int, list[Truth]]:
        """A campaign over `size` of the products, with all its votes: its id (0: no product) and those products."""
        chosen = self.rng.sample(truths, len(truths) if size is None else min(size, len(truths)))
        if not chosen:
            return 0, []
        votes = [vote for position, truth in enumerate(chosen) for vote in self._of(truth, position / len(chosen))]
        values = _campaign_values(name, held_out, self.plan, len(votes), self.actor, self.now)
        campaign_id = simulated_crowd.insert_campaign(self.session, values)
        votes = [vote._replace(position=number // self.plan.votes) for number, vote in enumerate(votes)]
        simulated_crowd.insert_votes(self.session, campaign_id, votes, f"demo-crowd-{campaign_id}")
        return campaign_id, chosen

    def _of(self, truth: Truth, when: float) -> list[GivenVote]:
        """The votes on one product; `when` in 0..1 is a moment of the last week."""
        rng, found = self.rng, []
        at = self.now - timedelta(days=7) * (1 - 0.98 * when)
        for slot, person in enumerate(rng.sample(range(len(self.people)), self.plan.votes)):
            kind, category_id = self.crowd.vote(rng, truth.category_id, person, truth.planted == Planted.AMBIGUOUS)
            note = rng.choice(NOTES) if rng.random() < NOTED[kind] else None
            seconds = round(rng.lognormvariate(1.7, 0.5), 1)
            found.append(GivenVote(truth, slot, 0, self.people[person], kind, category_id, seconds, note, at))
        return found


def _campaign_values(
    name: str, held_out: bool, plan: CrowdPlan, n_votes: int, actor: Actor, now: datetime
) -> dict[str, Any]:
    """Closed: the crowd has done all of it, and nobody is asked to go on."""
    knows_folds = any(part.name == "held_out" for part in fields(Conditions))
    return {
        "name": name,
        "kind": CampaignKind.HUMAN_BASELINE,
        "status": CampaignStatus.CLOSED,
        "closed_reason": "person",
        "filter": {"source": SOURCE} | ({"held_out": True} if held_out and knows_folds else {}),
        "order": CampaignOrder.RANDOM,
        "overlap": plan.votes,
        "n_tasks": n_votes,
        "is_blind": True,
        "created_by": actor.person_id,
        "created_at": now - timedelta(days=7),
    }
