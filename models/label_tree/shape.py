"""The tree over the categories: similar ones stand together, every split is even."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

_ROUNDS = 20  # of 2-means; it usually stands still before


@dataclass(frozen=True)
class TreeShape:
    """K categories in tree order, and for each level where the children of its nodes lie in the next one.

    Node i of level t has the children bounds[t][i] .. bounds[t][i + 1]: nodes of level t + 1, or on the last level
    places in `order`. Level 0 is the root alone.
    """

    order: NDArray[np.int64]  # (K,) the category, a position in the model's class_ids, at each place
    bounds: tuple[NDArray[np.int64], ...]

    @property
    def n_levels(self) -> int:
        return len(self.bounds)

    def n_nodes(self, level: int) -> int:
        return len(self.bounds[level]) - 1

    def children(self, level: int, node: int) -> tuple[int, int]:
        """From, to: on the next level or, of the last level, in `order`."""
        return int(self.bounds[level][node]), int(self.bounds[level][node + 1])

    def ancestors(self) -> list[NDArray[np.int64]]:
        """For each level (K,) the node above each category; by the category, not by its place."""
        at = np.empty(len(self.order), np.int64)
        at[self.order] = np.arange(len(self.order))  # place of each category
        found = []
        for bounds in reversed(self.bounds):
            at = np.searchsorted(bounds, at, side="right") - 1
            found.append(at)
        return found[::-1]


def label_embeddings(features: sparse.csr_matrix, labels: NDArray[np.int64], n_classes: int) -> sparse.csr_matrix:
    """(K, R): the normalised sum of each category's rows (PECOS: positive instance feature aggregation)."""
    n = len(labels)
    owner = sparse.csr_matrix((np.ones(n, np.float32), (labels, np.arange(n))), shape=(n_classes, n))
    return _normalised((owner @ features).tocsr())


def build_tree(embeddings: sparse.csr_matrix, max_leaf: int, branching: int, seed: int) -> TreeShape:
    """Halve the categories by balanced 2-means until no more than `max_leaf` are together.

    `branching` (a power of 2) halvings at a time make one level, so that the tree stays flat. Sizes on one level
    differ by at most 1 category for each halving.
    """
    n = embeddings.shape[0]
    depth = max(0, int(np.ceil(np.log2(n / max_leaf)))) if n > max_leaf else 0
    order, edges, chance = np.arange(n), np.array([0, n]), np.random.default_rng(seed)
    cuts = [edges]  # places where groups begin after 0, 1, 2 ... halvings
    for _ in range(depth):
        new = [0]
        for first, last in pairwise(edges):
            members = order[first:last]
            order[first:last], n_left = _halve(embeddings, members, chance)
            new += [int(first) + n_left, int(last)]
        edges = np.array(new)
        cuts.append(edges)
    at_once = int(np.log2(branching))
    n_steps = -(-depth // at_once)
    kept = [cuts[depth * step // n_steps] for step in range(n_steps + 1)] if n_steps else [cuts[0]]
    bounds = [np.searchsorted(lower, upper) for upper, lower in pairwise(kept)]
    return TreeShape(order, tuple(np.asarray(each, np.int64) for each in [*bounds, kept[-1]]))


def _halve(
    embeddings: sparse.csr_matrix, members: NDArray[np.int64], chance: np.random.Generator
) -> tuple[NDArray[np.int64], int]:
    """`members` with the first half alike and the second half alike, and the size of the first."""
    rows = embeddings[members]
    n_left = (len(members) + 1) // 2
    start = chance.choice(len(members), 2, replace=False)
    difference = np.asarray((rows[start[0]] - rows[start[1]]).todense()).ravel()  # (R,) centre - centre
    ranked = np.arange(len(members))
    for _ in range(_ROUNDS):
        before = ranked
        ranked = np.argsort(-(rows @ difference), kind="stable")
        if np.array_equal(np.sort(ranked[:n_left]), np.sort(before[:n_left])):
            break
        left = np.zeros(len(members), np.float32)
        left[ranked[:n_left]] = 1.0
        difference = _unit(rows.T @ left) - _unit(rows.T @ (1.0 - left))
    return members[ranked], n_left


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)


def _normalised(rows: sparse.csr_matrix) -> sparse.csr_matrix:
    length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    return sparse.csr_matrix(sparse.diags_array((1.0 / np.maximum(length, 1e-9)).astype(np.float32)) @ rows)
