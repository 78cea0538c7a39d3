"""Gold products with what people and versions said of them, judged: the one place that says what counts as wrong.

- A vote is judged when it is blind, stands, is the first of its person on the product, and that person did not settle
  the product: nobody is measured by their own word. 'Cannot tell' and 'bad listing' are counted apart.
- Gold that was settled together with others at one stroke (taking what people agreed on, say) judges nobody.
- Wrong is another category than gold, unless it was accepted beside it ('also fits') - for a vote: by somebody else.
- Categories that were merged since mean what they were merged into. Of one that was split a vote means the part that
  its label was carried to (`db.said_today`). What names no leaf any more (an answer that names a category which was
  split, what was retired) cannot be judged and is left out.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from core.analysis.paired_errors import Judged
from core.analysis.sampling import Part, part_of
from core.catalogue.taxonomy import Category
from db import error_rates
from db.enums import DecisionKind, Fold
from db.error_rates import GoldProduct, Vote


class Leaves:
    """Which leaf a category means now."""

    def __init__(self, categories: Mapping[int, Category], merged_into: Mapping[int, int]) -> None:
        self._categories, self._merged_into = categories, merged_into

    def today(self, category_id: int) -> int:
        """What this category became by merges, in use or not; itself where nothing took its place."""
        seen: set[int] = set()
        while category_id in self._merged_into and category_id not in seen:
            seen.add(category_id)
            category_id = self._merged_into[category_id]
        return category_id

    def now(self, category_id: int) -> int | None:
        """The leaf in use that this category is or became by merges; none where it is no leaf any more."""
        category_id = self.today(category_id)
        category = self._categories.get(category_id)
        return category_id if category and category.is_leaf and category.retired_at is None else None


@dataclass(frozen=True)
class JudgedVote:
    """`category_id` as it is meant now; `is_wrong` is none for 'cannot tell' and 'bad listing'."""

    person_id: int
    person: str
    kind: DecisionKind
    category_id: int | None
    is_wrong: bool | None
    note: str | None


@dataclass(frozen=True)
class GoldJudged:
    """A gold product. `answers`: version -> its answer as it is meant now (unjudgeable ones are missing)."""

    product: GoldProduct
    gold_id: int
    part: Part | None  # none: nobody voted blind
    votes: tuple[JudgedVote, ...]
    in_bulk: bool = False
    answers: dict[int, int] = field(default_factory=dict)
    also_right: frozenset[int] = frozenset()

    @property
    def is_held_out(self) -> bool:
        return self.product.fold == Fold.TEST

    @property
    def n_decided(self) -> int:
        return sum(vote.is_wrong is not None for vote in self.votes)

    @property
    def n_wrong(self) -> int:
        return sum(bool(vote.is_wrong) for vote in self.votes)

    def is_wrong(self, version_id: int) -> bool | None:
        """Whether the version errs; none where it cannot be judged."""
        answer = self.answers.get(version_id)
        return None if answer is None else answer != self.gold_id and answer not in self.also_right

    def judged(self, version_id: int | None, weight: float) -> Judged:
        wrong = None if version_id is None else self.is_wrong(version_id)
        return Judged(self.n_decided, self.n_wrong, wrong, weight, len(self.votes) - self.n_decided)


def judge(
    session: Session, products: list[GoldProduct], leaves: Leaves, version_ids: list[int], compared: int | None
) -> list[GoldJudged]:
    """These products, judged, in their order; those whose gold category is no leaf any more are missing.

    `compared` is the version that tells the parts of the sampling.
    """
    ids = [product.id for product in products]
    settlers = error_rates.map_settlers(session, ids)
    votes: dict[int, list[Vote]] = defaultdict(list)
    for vote in error_rates.list_votes(session, ids):
        votes[vote.product_id].append(vote)
    answers: dict[int, dict[int, int]] = defaultdict(dict)
    for version_id, product_id, answer in error_rates.list_answers(session, version_ids, ids) if version_ids else []:
        answers[product_id][version_id] = answer
    accepted: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for product_id, category_id, person_id in error_rates.list_alternatives(session, ids):
        accepted[product_id].append((category_id, person_id))
    found = []
    for product in products:
        gold_id = leaves.now(product.category_id)
        if gold_id is None:
            continue
        given, said = votes[product.id], answers[product.id]
        part = _part(given, said.get(compared or 0), compared is not None, leaves)
        also, settler = accepted[product.id], settlers.get(product.id)
        found.append(
            GoldJudged(
                product,
                gold_id,
                part,
                tuple(_judged_votes(given, gold_id, settler.person_id if settler else None, leaves, also)),
                settler is not None and settler.in_bulk,
                {version: now for version, answer in said.items() if (now := leaves.now(answer)) is not None},
                frozenset(now for category, _ in also if (now := leaves.now(category)) is not None),
            )
        )
    return found


def _part(given: list[Vote], answer: int | None, asks_model: bool, leaves: Leaves) -> Part | None:
    """As `db.error_rates.count_parts` counts it: in categories of today."""
    if not given:
        return None
    votes = [None if vote.category_id is None else leaves.today(vote.category_id) for vote in given]
    return part_of(votes, None if answer is None else leaves.today(answer), asks_model)


def _judged_votes(
    given: list[Vote], gold_id: int, settler: int | None, leaves: Leaves, also: list[tuple[int, int]]
) -> list[JudgedVote]:
    found, heard = [], {settler}
    for vote in given:
        if vote.person_id in heard:
            continue
        heard.add(vote.person_id)
        meant = leaves.now(vote.category_id) if vote.category_id is not None else None
        if vote.category_id is not None and meant is None:
            continue
        excused = {leaves.now(category) for category, person in also if person != vote.person_id}
        is_wrong = None if meant is None else meant != gold_id and meant not in excused
        found.append(JudgedVote(vote.person_id, vote.person, vote.kind, meant, is_wrong, vote.note))
    return found
