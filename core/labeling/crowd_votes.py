"""How a simulated annotator votes: known error rates per category, known confusions, nothing of the database."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from db.enums import DecisionKind

HARDNESS = (0.4, 0.7, 1.0, 1.3, 1.6)  # how much harder than the mean a category is; the mean is 1
SKILL = (0.65, 0.85)  # factors on a person's errors, evenly between the best and the last but one
WEAKEST = 2.0  # the last one's: somebody whom gold checks must find. All factors are then scaled to a mean of 1
AMBIGUOUS = 1.6  # factor on errors where the title fits several parents
MOST = 0.95  # no error is more probable than that
UNDECIDED_SHARE = 0.03  # of the votes: cannot tell, or (a quarter of them) bad listing


@dataclass(frozen=True)
class Confusion:
    """The share (0..1) of the products of a category that everybody takes for the other one, and for no third."""

    category_id: int
    other_id: int
    share: float


@dataclass(frozen=True)
class Crowd:
    """`errors`: category -> error probability of an average person. `mistaken_for`: category -> others, nearest first.

    `skills`: a factor on errors for each person. `fixed`: categories whose error holds for everybody and everything.
    """

    errors: Mapping[int, float]
    mistaken_for: Mapping[int, Sequence[int]]
    skills: Sequence[float]
    fixed: frozenset[int] = frozenset()

    def error(self, category_id: int, person: int, is_ambiguous: bool = False) -> float:
        """The probability (0..1) that this person's vote is wrong, if they vote for a category at all."""
        error = self.errors[category_id]
        if category_id not in self.fixed:
            error *= self.skills[person] * (AMBIGUOUS if is_ambiguous else 1.0)
        return min(MOST, error)

    def vote(
        self, rng: random.Random, category_id: int, person: int, is_ambiguous: bool = False
    ) -> tuple[DecisionKind, int | None]:
        """What this person says of a product that is rightly of this category."""
        if rng.random() < UNDECIDED_SHARE:
            return (DecisionKind.BAD_LISTING if rng.random() < 0.25 else DecisionKind.CANNOT_TELL), None
        if rng.random() >= self.error(category_id, person, is_ambiguous):
            return DecisionKind.LABEL, category_id
        others = self.mistaken_for[category_id]
        return DecisionKind.LABEL, rng.choices(others, [1 / (rank + 1) for rank in range(len(others))])[0]


def make_crowd(
    rng: random.Random,
    mistaken_for: Mapping[int, Sequence[int]],
    n_people: int,
    accuracy: float,
    confusions: Sequence[Confusion] = (),
    factors: Mapping[int, float] | None = None,
) -> Crowd:
    """People who are right on `accuracy` (0..1) of the products on average; categories and people differ.

    `factors`: category -> how much harder (> 1) or easier it is for people than others are.
    """
    factors = factors or {}
    errors = {
        category: (1 - accuracy) * rng.choice(HARDNESS) * factors.get(category, 1.0)
        for category in sorted(mistaken_for)
    }
    others = dict(mistaken_for)
    for confusion in confusions:
        errors[confusion.category_id] = confusion.share
        others[confusion.category_id] = [confusion.other_id]
    fixed = frozenset(confusion.category_id for confusion in confusions)
    return Crowd(errors, others, _skills(n_people), fixed)


def _skills(n_people: int) -> list[float]:
    low, high = SKILL
    raw = [low + (high - low) * person / n_people for person in range(n_people - 1)] + [WEAKEST]
    return [factor * n_people / sum(raw) for factor in raw]
