"""Beam search down the tree: which categories a product may be of, and how well each path fits."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.label_tree.matcher import NodeWeights, node_matrix
from models.label_tree.shape import TreeShape

NOWHERE = -np.inf  # the score of a place that holds no candidate
_MOST_CELLS = 50_000_000  # features x nodes of a level up to which it is held as full tables, 4 bytes each


class Candidates(NamedTuple):
    """For each of N products M places: a class or node (-1: none) and the log of its path's score, at most 0."""

    ids: NDArray[np.int64]  # (N, M)
    scores: NDArray[np.float32]  # (N, M)

    def best(self, n: int) -> "Candidates":
        """The n best of each row, in no order."""
        if self.scores.shape[1] <= n:
            return self
        places = np.argpartition(-self.scores, n - 1, axis=1)[:, :n]
        return Candidates(np.take_along_axis(self.ids, places, 1), np.take_along_axis(self.scores, places, 1))


@dataclass(frozen=True)
class LevelWeights:
    """The weights of all nodes of one level, one after another."""

    nodes: list[NodeWeights]
    matrices: list[sparse.csr_matrix] | list[NDArray[np.float32]]  # (C, M) of each node

    @classmethod
    def of(cls, nodes: list[NodeWeights], n_columns: int) -> "LevelWeights":
        matrices = [node_matrix(node, n_columns) for node in nodes]
        if n_columns * sum(len(node.bias) for node in nodes) <= _MOST_CELLS:
            return cls(nodes, [matrix.toarray() for matrix in matrices])  # asked several times faster
        return cls(nodes, matrices)


def search(rows: sparse.csr_matrix, shape: TreeShape, levels: list[LevelWeights], beam: int) -> Candidates:
    """Classes in the `beam` best leaves of each row (N, C), with their path scores.

    A path scores the product over its steps of exp(-max(0, 1 - v)^3), v the matcher's verdict (PECOS XR-Linear).
    """
    n = rows.shape[0]
    found = Candidates(np.zeros((n, 1), np.int64), np.zeros((n, 1), np.float32))
    for level, weights in enumerate(levels):
        found = _descend(rows, found.best(beam), shape, level, weights)
    ids = np.where(found.ids >= 0, shape.order[found.ids], -1)
    return Candidates(ids, found.scores)


def _descend(
    rows: sparse.csr_matrix, active: Candidates, shape: TreeShape, level: int, weights: LevelWeights
) -> Candidates:
    """The children of the active nodes of each row."""
    n, n_active = active.ids.shape
    widest = int(np.diff(shape.bounds[level]).max())
    ids = np.full((n, n_active, widest), -1, np.int64)
    scores = np.full((n, n_active, widest), NOWHERE, np.float32)
    owners, slots = np.nonzero(active.ids >= 0)
    nodes = active.ids[owners, slots]
    order = np.argsort(nodes, kind="stable")
    starts = np.searchsorted(nodes[order], np.arange(shape.n_nodes(level) + 1))
    for node in np.flatnonzero(np.diff(starts)).tolist():
        chosen = order[starts[node] : starts[node + 1]]
        owner, slot = owners[chosen], slots[chosen]
        first, last = shape.children(level, node)
        own = rows if len(owner) == n else rows[owner]  # (a row is at most once in a node)
        asked = own @ weights.matrices[node]
        verdicts = (asked.toarray() if sparse.issparse(asked) else asked) + weights.nodes[node].bias  # (n, M)
        steps = -(np.maximum(0.0, 1.0 - verdicts) ** 3)
        ids[owner, slot, : last - first] = np.arange(first, last)
        scores[owner, slot, : last - first] = active.scores[owner, slot][:, None] + steps
    return Candidates(ids.reshape(n, -1), scores.reshape(n, -1))
