"""A model's answers as plain arrays, and the rules that make them. No torch here."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from models.thresholds import Thresholds

NOWHERE = -1  # in `Answers.back_off_ids`: not even a root is sure, or there is no need


@dataclass(frozen=True)
class AnswerRules:
    """How a model's probabilities become answers. Without thresholds every answer counts as sure."""

    thresholds: Thresholds | None = None
    left_out: frozenset[int] = field(default_factory=frozenset)  # category ids that are never answered


@dataclass(frozen=True)
class Answers:
    """What a model answers for N products; k answers each, best first."""

    ids: NDArray[np.int64]  # (N, k) category ids
    probs: NDArray[np.float32]  # (N, k) the chance that each is right, 0..1
    abstained: NDArray[np.bool_]  # (N,) the first is not sure enough: 'hard to predict'
    back_off_ids: NDArray[np.int64]  # (N,) then the deepest category above it that is sure, or NOWHERE

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def all_sure(cls, ids: NDArray[np.int64], probs: NDArray[np.float32]) -> "Answers":
        """Answers of a model without thresholds."""
        return cls(ids, probs, np.zeros(len(ids), np.bool_), np.full(len(ids), NOWHERE))

    def take(self, rows: NDArray[np.bool_] | slice) -> "Answers":
        return Answers(self.ids[rows], self.probs[rows], self.abstained[rows], self.back_off_ids[rows])

    @classmethod
    def joined(cls, parts: Sequence["Answers"]) -> "Answers":
        """All of them, one after another; at least one part."""
        return cls(*(np.concatenate([getattr(part, name.name) for part in parts]) for name in fields(cls)))
