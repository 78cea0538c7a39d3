"""Which attributes a category has at all: learned from the readings that are sure, without anybody's labels.

'면' is cotton on a shirt and noodles in a bowl. Few products of a noodle category surely have a material, so there the
ambiguous reading is dropped; among shirts many do, so there it is believed.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.catalogue.attributes.reading import Attribute

LEAST_SHARE = 0.03  # of a category's products that surely have the attribute
LEAST_PRODUCTS = 30  # a category with fewer asks the one above it
Path = Sequence[int]  # category ids from the root to the product's own; empty: not known


@dataclass
class Plausibility:
    """Counts per category and all above it. `None` stands for the whole catalogue."""

    n_products: Counter[int | None] = field(default_factory=Counter)
    n_sure: Counter[tuple[int | None, str]] = field(default_factory=Counter)

    def learn(self, path: Path, attributes: Sequence[Attribute]) -> None:
        """Count one product's readings."""
        sure = {attribute.name for attribute in attributes if not attribute.is_ambiguous}
        for category in (None, *path):
            self.n_products[category] += 1
            for name in sure:
                self.n_sure[category, name] += 1

    def believed(self, path: Path, attributes: Sequence[Attribute]) -> list[Attribute]:
        """The readings that fit the category: all sure ones, and ambiguous ones of attributes it has."""
        return [
            attribute
            for attribute in attributes
            if not attribute.is_ambiguous or self.share(path, attribute.name) >= LEAST_SHARE
        ]

    def share(self, path: Path, name: str) -> float:
        """Of the products of the deepest category with enough of them: how many surely have the attribute, 0..1."""
        known = (category for category in reversed(path) if self.n_products[category] >= LEAST_PRODUCTS)
        category = next(known, None)
        n = self.n_products[category]
        return self.n_sure[category, name] / n if n else 0.0


def paths_of(parents: Mapping[int, int | None]) -> dict[int, tuple[int, ...]]:
    """Category id -> ids from the root to it."""
    found: dict[int, tuple[int, ...]] = {}
    for category in parents:
        path, node = [category], parents[category]
        while node is not None:
            path.append(node)
            node = parents[node]
        found[category] = tuple(path[::-1])
    return found
