"""Which demo products carry a planted difficulty, and which wrong label a thing gets."""

import random
from collections.abc import Sequence
from enum import StrEnum

from core.catalogue.demo.tree import Leaf, Tree

WRONG_LABEL_SHARE = 0.12
MISLEADING_SHARE = 0.06
BARE_SHARE = 0.3  # of the products in ambiguous families
UNRELIABLE_SHARE = 0.55  # of the unreliable mall's products


class Planted(StrEnum):
    """What was planted in a product. Only WRONG_LABEL makes its given label differ from the truth."""

    WRONG_LABEL = "wrong_label"
    AMBIGUOUS = "ambiguous"  # the title fits several parents
    CATCH_ALL = "catch_all"  # it rightly lies in an 'other' leaf
    UNRELIABLE_MALL = "unreliable_mall"  # its mall's category is wrong
    MISLEADING_KEYWORD = "misleading_keyword"  # the title names a foreign audience or use


def plan_planting(
    rng: random.Random, leaves: Sequence[Leaf], unreliable: Sequence[bool], tree: Tree
) -> list[Planted | None]:
    """What to plant in each product, one at most; `leaves` and `unreliable` go product by product.

    Wrong labels come from products without another difficulty, so that a person who looks can see each of them.
    """
    planted = [_by_chance(rng, leaf, mall, tree) for leaf, mall in zip(leaves, unreliable, strict=True)]
    plain = [index for index, kind in enumerate(planted) if kind is None]
    for index in rng.sample(plain, min(len(plain), round(WRONG_LABEL_SHARE * len(leaves)))):
        planted[index] = Planted.WRONG_LABEL
    return planted


def _by_chance(rng: random.Random, leaf: Leaf, unreliable: bool, tree: Tree) -> Planted | None:
    if leaf.is_catch_all:
        return Planted.CATCH_ALL
    if leaf.name in tree.ambiguous_names and rng.random() < BARE_SHARE:
        return Planted.AMBIGUOUS
    if unreliable and rng.random() < UNRELIABLE_SHARE:
        return Planted.UNRELIABLE_MALL
    return Planted.MISLEADING_KEYWORD if rng.random() < MISLEADING_SHARE else None


def wrong_leaf(rng: random.Random, leaf: Leaf, tree: Tree) -> Leaf:
    """Where a hurried person puts a thing of `leaf`: mostly a leaf it is mistaken for, or 'other', or anywhere."""
    kind = rng.random()
    if kind < 0.76 and leaf.like:
        return tree.at(rng.choices(leaf.like, [1 / (rank + 1) for rank in range(len(leaf.like))])[0])
    others = [other for other in tree.leaves if other != leaf]
    if kind < 0.92 and (catch_alls := [other for other in others if other.is_catch_all and other.area == leaf.area]):
        return rng.choice(catch_alls)
    return rng.choice([other for other in others if other.area == leaf.area] if kind < 0.96 else others)
