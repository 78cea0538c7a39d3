"""The tree over the categories: even, flat, and similar categories together."""

import numpy as np
import pytest
from scipy import sparse

from models.label_tree.shape import build_tree, label_embeddings


def embeddings(n: int, n_kinds: int) -> sparse.csr_matrix:
    """(n, n_kinds + n): category i is of kind i % n_kinds, and a little itself."""
    rows = np.arange(n)
    kinds = sparse.csr_matrix((np.ones(n, np.float32), (rows, rows % n_kinds)), shape=(n, n_kinds))
    return sparse.hstack([kinds, sparse.eye_array(n, dtype=np.float32) * 0.1], format="csr")


@pytest.mark.parametrize(("n", "max_leaf", "branching"), [(1000, 10, 4), (426, 100, 64), (5000, 100, 16), (7, 2, 2)])
def test_every_split_is_even_and_nothing_is_lost(n: int, max_leaf: int, branching: int) -> None:
    shape = build_tree(embeddings(n, 5), max_leaf, branching, seed=1)
    assert sorted(shape.order.tolist()) == list(range(n))
    leaves = np.diff(shape.bounds[-1])
    assert leaves.max() <= max_leaf
    assert leaves.max() - leaves.min() <= 1
    for bounds in shape.bounds[:-1]:
        assert 2 <= np.diff(bounds).max() <= branching
    for level in range(shape.n_levels - 1):
        assert shape.bounds[level][-1] == shape.n_nodes(level + 1)


def test_few_categories_are_one_node() -> None:
    shape = build_tree(embeddings(80, 3), 100, 64, seed=1)
    assert [bounds.tolist() for bounds in shape.bounds] == [[0, 80]]


def test_similar_categories_stand_together() -> None:
    shape = build_tree(embeddings(64, 2), 32, 64, seed=1)
    assert {frozenset(half % 2) for half in np.split(shape.order, 2)} == {frozenset({0}), frozenset({1})}


def test_the_same_seed_gives_the_same_tree() -> None:
    one, other = (build_tree(embeddings(300, 4), 20, 4, seed=3) for _ in range(2))
    assert one.order.tolist() == other.order.tolist()


def test_a_category_is_where_its_rows_are() -> None:
    features = sparse.csr_matrix(np.array([[1, 0], [3, 0], [0, 2]], np.float32))
    found = label_embeddings(features, np.array([1, 1, 0]), 3)
    assert found.toarray().tolist() == [[0, 1], [1, 0], [0, 0]]  # the third has no row
