"""Folds: what is alike stays together, by title, by group of near-duplicates, by picture."""

import numpy as np

from models.folds import assign_folds
from models.types import LabeledProducts, Products


def rows(groups: list[int] | None) -> LabeledProducts:
    """Forty rows of two categories with titles of their own."""
    texts = [f"상품 {chr(0xAC00 + row)}" for row in range(40)]
    products = Products(texts, [""] * 40, [""] * 40)
    known = None if groups is None else np.array(groups)
    return LabeledProducts(products, np.arange(40) % 2, np.ones(40, np.float32), groups=known)


def test_near_duplicates_share_a_fold_whatever_their_titles() -> None:
    groups = [row // 4 for row in range(40)]
    assert len({*zip(groups, assign_folds(rows(groups), 5, seed=1).tolist(), strict=True)}) == 10
    assert len({*zip(groups, assign_folds(rows(None), 5, seed=1).tolist(), strict=True)}) > 10


def test_groups_go_with_the_rows() -> None:
    taken = rows(list(range(40))).take(np.array([5, 3]))
    assert taken.groups is not None
    assert taken.groups.tolist() == [5, 3]
