"""Which training rows belong to which node of the tree, and to which of its children."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.label_tree.matcher import NodeRows
from models.label_tree.shape import TreeShape
from models.types import LabeledProducts


class Pairs:
    """Every (row, right category) in tree order, so that a node's pairs, and a child's, stand together.

    A row has more than one where people accepted further categories for it: it is right for all of them.
    """

    def __init__(self, train: LabeledProducts, shape: TreeShape) -> None:
        rows, labels = np.arange(len(train)), train.labels
        if train.alternatives is not None:
            further = train.alternatives.tocoo()
            rows = np.concatenate([rows, further.row[further.data != 0]])
            labels = np.concatenate([labels, further.col[further.data != 0]])
        place = np.empty(len(shape.order), np.int64)
        place[shape.order] = np.arange(len(shape.order))
        order = np.argsort(place[labels], kind="stable")
        self._shape = shape
        self._rows, self._places = rows[order], place[labels][order]  # (P,), (P,) rising
        self._edges = _edges(shape)  # for each level where each node begins, in places; then every place
        self._weights = train.weights.astype(np.float64) / max(float(train.weights.mean()), 1e-9)
        self._led: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None

    @property
    def n_matchers(self) -> int:
        """Of the whole tree: one for each node but the root, and one for each category."""
        return sum(int(bounds[-1]) for bounds in self._shape.bounds)

    def nodes(self) -> Iterator[tuple[int, int]]:
        """(level, node) from the root down."""
        for level in range(self._shape.n_levels):
            for node in range(self._shape.n_nodes(level)):
                yield level, node

    def work(self, level: int, node: int) -> int:
        """How much there is to train: pairs times children."""
        first, last = self._shape.children(level, node)
        starts = self._starts(level, node)
        return int(starts[-1] - starts[0] + 1) * (last - first)

    def lead(self, nodes: NDArray[np.int64]) -> None:
        """From now on rows that are led to a node, `nodes` (N, B) or -1, are negatives of it too."""
        order = np.argsort(nodes, axis=None, kind="stable")
        self._led = nodes.ravel()[order], order // nodes.shape[1]

    def take(self, rows: sparse.csr_matrix, level: int, node: int, most: int, chance: np.random.Generator) -> NodeRows:
        """What a node learns from; of more than `most` rows a sample in which every child keeps one at least."""
        starts = self._starts(level, node)
        found = self._rows[starts[0] : starts[-1]]
        if self._led is not None:
            nodes, led = self._led
            wrong = led[np.searchsorted(nodes, node) : np.searchsorted(nodes, node + 1)]
            chosen = np.unique(np.concatenate([found, wrong]))
        else:
            chosen = np.unique(found)
        starts = starts - starts[0]
        if len(chosen) > most:
            kept = chance.random(len(chosen)) < most / len(chosen)
            begins = starts[:-1][np.diff(starts) > 0]
            kept[np.searchsorted(chosen, found[begins])] = True
            chosen = chosen[kept]
        owners = np.minimum(np.searchsorted(chosen, found), len(chosen) - 1)
        known = chosen[owners] == found
        kept_before = np.concatenate([[0], np.cumsum(known)])
        return NodeRows(rows[chosen], self._weights[chosen], owners[known], kept_before[starts])

    def _starts(self, level: int, node: int) -> NDArray[np.int64]:
        """(M + 1,) where the pairs of each child begin."""
        first, last = self._shape.children(level, node)
        return np.searchsorted(self._places, self._edges[level + 1][first : last + 1])


def _edges(shape: TreeShape) -> list[NDArray[np.int64]]:
    found = [np.arange(len(shape.order) + 1)]
    for bounds in reversed(shape.bounds):
        found.append(found[-1][bounds])
    return found[::-1]
