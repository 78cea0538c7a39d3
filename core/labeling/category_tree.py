"""How far two categories lie apart in the tree: a sibling is a smaller miss than another department."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from core.catalogue.taxonomy import Category
from core.catalogue.taxonomy_edits.meaning import resolve, resolve_ranking

UNTOLD = 0.5
"""Distance of 'cannot tell' to a category: a disagreement, but smaller than another department."""


class Miss(StrEnum):
    """How far a wrong category lies from the right one."""

    SIBLING = "sibling"  # under the same parent
    DEPARTMENT = "department"  # further off, under the same root
    ELSEWHERE = "elsewhere"  # another root


class CategoryTree:
    """Ancestors of each node. A merged category means the one that it was merged into; of one that was split nobody
    knows which part is meant, so that it stays itself and is not in use."""

    def __init__(self, categories: Mapping[int, Category]) -> None:
        self._categories = categories
        self._lines: dict[int, tuple[int, ...]] = {}

    def now(self, category_id: int) -> int:
        """What a label of this category means today; itself where nothing took its place."""
        return self._meant(category_id) or category_id

    def is_in_use(self, category_id: int) -> bool:
        """It, or what took its place, may still be given."""
        return self._meant(category_id) is not None

    def _meant(self, category_id: int) -> int | None:
        return None if self._is_split(category_id) else resolve(self._categories, category_id)

    def _is_split(self, category_id: int) -> bool:
        node = self._categories.get(category_id)
        return node is not None and node.is_split

    def ranking(self, top: Iterable[tuple[int, float]]) -> tuple[tuple[int, float], ...]:
        """A model's (category id, probability), best first, in categories of today."""
        return resolve_ranking(self._categories, [one for one in top if not self._is_split(one[0])])

    def line(self, category_id: int) -> tuple[int, ...]:
        """The node's ancestors from its root down to itself; itself alone when it is unknown."""
        if category_id not in self._lines:
            node = self._categories.get(category_id)
            above = self.line(node.parent_id) if node and node.parent_id is not None else ()
            self._lines[category_id] = (*above, category_id)
        return self._lines[category_id]

    def root(self, category_id: int) -> int:
        return self.line(category_id)[0]

    def is_within(self, category_id: int, top_id: int) -> bool:
        """It is `top_id` or lies below it."""
        return top_id in self.line(category_id)

    def distance(self, one: int, other: int) -> float:
        """0 for the same category .. 1 for another root: 1 - (levels shared) / (levels of the deeper one).

        Siblings at depth 4 are 0.25 apart, siblings at depth 2 are 0.5.
        """
        a, b = self.line(one), self.line(other)
        n_shared = 0
        for x, y in zip(a, b, strict=False):
            if x != y:
                break
            n_shared += 1
        return 1.0 - n_shared / max(len(a), len(b))

    def distances(self, ids: list[int]) -> npt.NDArray[np.float32]:
        """All distances among these, (K, K)."""
        depth = max((len(self.line(id_)) for id_ in ids), default=1)
        lines = np.array([self.line(id_) + (-1,) * (depth - len(self.line(id_))) for id_ in ids], dtype=np.int64)
        lines = lines.reshape(len(ids), depth)
        lengths = (lines >= 0).sum(axis=1).astype(np.float32)
        found = np.empty((len(ids), len(ids)), dtype=np.float32)
        for row in range(len(ids)):  # a row at a time: K x K x depth would not fit for thousands of categories
            same = (lines[row] == lines) & (lines[row] >= 0)
            found[row] = 1.0 - same.sum(axis=1) / np.maximum(lengths[row], lengths)
        return found

    def miss(self, said: int, right: int) -> Miss | None:
        """None when it is right."""
        if said == right:
            return None
        a, b = self.line(said), self.line(right)
        if a[:-1] and a[:-1] == b[:-1]:
            return Miss.SIBLING
        return Miss.DEPARTMENT if a[0] == b[0] else Miss.ELSEWHERE
