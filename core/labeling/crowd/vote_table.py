"""Votes as arrays: which person gave which product which category."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import scipy.sparse as sp

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class VoteTable:
    """V votes, sorted by product, one a person and product. `product`, `person`, `category` (V,) are places in the
    lists of ids, so that thousands of categories cost no more than those that were said."""

    product_ids: list[int]
    person_ids: list[int]
    category_ids: list[int]
    product: Ints
    person: Ints
    category: Ints

    @property
    def n_products(self) -> int:
        return len(self.product_ids)

    def counts(self) -> "sp.csr_array":
        """How often each product was given each category, (products, categories)."""
        import scipy.sparse as sp

        shape = (len(self.product_ids), len(self.category_ids))
        return sp.csr_array((np.ones(len(self.product)), (self.product, self.category)), shape=shape)

    def per_product(self) -> Floats:
        """Votes of each product."""
        return np.bincount(self.product, minlength=self.n_products).astype(np.float64)

    def pairs(self) -> tuple[Ints, Ints]:
        """Places of every two votes on the same product: (P,) and (P,), the first before the second."""
        sizes = self.per_product().astype(np.int64)
        starts = np.cumsum(sizes) - sizes
        first, second = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for size in np.unique(sizes[sizes > 1]).tolist():
            one, other = np.triu_indices(size, 1)
            at = starts[sizes == size]
            first.append((at[:, None] + one).ravel())
            second.append((at[:, None] + other).ravel())
        return np.concatenate(first), np.concatenate(second)

    def keep(self, chosen: npt.NDArray[np.bool_]) -> "VoteTable":
        """Only these votes (V,), and of them only products that still have two."""
        return make_table(
            (self.product_ids[u], self.person_ids[j], self.category_ids[c])
            for u, j, c in zip(
                self.product[chosen].tolist(), self.person[chosen].tolist(), self.category[chosen].tolist(), strict=True
            )
        )


def make_table(votes: Iterable[tuple[int, int, int]], least: int = 2) -> VoteTable:
    """From (product, person, category) ids. Products with fewer than `least` votes are left out."""
    rows = np.array(list(votes), dtype=np.int64).reshape(-1, 3)
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    _, of_product, sizes = np.unique(rows[:, 0], return_inverse=True, return_counts=True)
    rows = rows[sizes[of_product] >= least]
    products, product = np.unique(rows[:, 0], return_inverse=True)
    people, person = np.unique(rows[:, 1], return_inverse=True)
    categories, category = np.unique(rows[:, 2], return_inverse=True)
    return VoteTable(products.tolist(), people.tolist(), categories.tolist(), product, person, category)
