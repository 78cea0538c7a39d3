"""Which voted products have gold, and what those that have stand for.

Reviewers settle disagreements first. Judged on those alone, people would look far worse than they are, as each of them
has a wrong vote in it by choice; and products settled because the model contradicts people are unfair to both. So voted
products are parted by what votes and the model say, and a settled one weighs (voted / settled) of its part
(post-stratification: Holt & Smith, J. of the Royal Statistical Society A 142, 1979). That is right while the settled
ones of a part are like the others of it; a part of which next to nothing is settled cannot be judged at all.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

SMALL_PART = 0.05
"""Parts with a smaller share of the voted products cannot change a rate by more than that."""

LARGEST_RATIO = 10.0
"""How many times as often one part may be settled as another before a category's products can miss a part by chance."""


class Part(StrEnum):
    """What votes and the model say of a product before it is settled."""

    ONE_VOTE = "one_vote"  # by one person, and the model says the same (or is not asked)
    ONE_VOTE_MODEL_DIFFERS = "one_vote_model_differs"
    AGREED = "agreed"  # all of several votes say the same
    AGREED_MODEL_DIFFERS = "agreed_model_differs"
    DISPUTED = "disputed"


def part_of(answers: Iterable[int | None], model_answer: int | None, asks_model: bool) -> Part:
    """`answers`: the category of each vote, none for 'cannot tell' and 'bad listing' (which differ from the model)."""
    given = list(answers)
    if len(set(given)) > 1:
        return Part.DISPUTED
    differs = asks_model and model_answer != given[0]
    if len(given) == 1:
        return Part.ONE_VOTE_MODEL_DIFFERS if differs else Part.ONE_VOTE
    return Part.AGREED_MODEL_DIFFERS if differs else Part.AGREED


@dataclass(frozen=True)
class Sampled:
    """Of the `n_voted` products of a part, `n_settled` have gold."""

    part: Part
    n_voted: int
    n_settled: int

    @property
    def share(self) -> float:
        return self.n_settled / self.n_voted if self.n_voted else 0.0


@dataclass(frozen=True)
class Sampling:
    """All parts that hold products."""

    parts: tuple[Sampled, ...]

    @property
    def n_voted(self) -> int:
        return sum(part.n_voted for part in self.parts)

    @property
    def n_settled(self) -> int:
        return sum(part.n_settled for part in self.parts)

    def weights(self) -> dict[Part, float]:
        """What one settled product of a part stands for, 1 on average; 1 where all parts are settled alike."""
        settled = {part.part: part for part in self.parts if part.n_settled}
        n_voted = sum(part.n_voted for part in settled.values())
        n_settled = sum(part.n_settled for part in settled.values())
        return {name: part.n_voted / part.n_settled * n_settled / n_voted for name, part in settled.items()}

    def neglected(self) -> list[Sampled]:
        """Parts too large to be left out of which too little is settled: while there is one, no verdict is given."""
        most = max((part.share for part in self.parts if part.n_voted >= SMALL_PART * self.n_voted), default=0.0)
        return [
            part
            for part in self.parts
            if part.n_voted >= SMALL_PART * self.n_voted and part.share * LARGEST_RATIO < most
        ]
