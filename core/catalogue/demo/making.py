"""The demo catalogue as plain data: the same seed and size give the same rows, byte for byte."""

import random
from dataclasses import dataclass, replace
from datetime import datetime

from core.catalogue.demo.malls import choose_mall, mall_category, wrong_mall_category
from core.catalogue.demo.planting import Planted, plan_planting, wrong_leaf
from core.catalogue.demo.seasons import draw_moment, korean_month
from core.catalogue.demo.titles import Title, Wording, bare_wording, choose_wording, colour_of, write_title
from core.catalogue.demo.tree import Leaf, Tree, Words, load_tree
from core.catalogue.demo.words import load_words

SEED = 20261120
N_PRODUCTS = 6_000
MIN_PER_LEAF = 3
TAIL = 1.45  # above 1: the big leaves take more, most stay small
NO_IMAGE_SHARE = 0.1
REPEAT_SHARE = 0.06  # the same thing again: another mall, colour, boilerplate


@dataclass(frozen=True)
class DemoProduct:
    """One row. `label` is what the catalogue says, `truth` what is right: category paths."""

    external_id: str
    title: str
    brand: str | None
    mall: str
    mall_category: str | None
    price: int | None  # won
    image: str | None  # path under the image folder, '/' between parts
    registered_at: datetime
    label: Words
    truth: Words
    planted: Planted | None
    shape: str  # what to draw
    colour: str  # '#rrggbb'
    wording: Wording  # what the title was made of
    told: Title


def make_products(n_products: int = N_PRODUCTS, seed: int = SEED) -> list[DemoProduct]:
    """All demo products, in order of registration."""
    tree = load_tree()
    rng = random.Random(f"shelfwright demo {seed} {n_products}")
    leaves = [leaf for leaf, size in zip(tree.leaves, leaf_sizes(tree, n_products), strict=True) for _ in range(size)]
    moments = [draw_moment(rng, leaf.season) for leaf in leaves]
    order = sorted(range(len(leaves)), key=lambda index: (moments[index], index))
    leaves, moments = [leaves[index] for index in order], [moments[index] for index in order]
    malls = [choose_mall(rng, leaf) for leaf in leaves]
    planted = plan_planting(rng, leaves, [mall.is_unreliable for mall in malls], tree)
    pictured = _pictured(rng, n_products)
    told: dict[Words, Wording] = {}
    rows = []
    for index, leaf in enumerate(leaves):
        number = f"{index + 1:05d}"
        wording = _wording(rng, leaf, planted[index], tree, korean_month(moments[index]), told)
        colour = colour_of(rng, leaf)
        title = write_title(rng, wording, colour, moments[index])
        is_astray = planted[index] == Planted.UNRELIABLE_MALL
        label = wrong_leaf(rng, leaf, tree) if planted[index] == Planted.WRONG_LABEL else leaf
        rows.append(
            DemoProduct(
                external_id=f"{seed}-{n_products}-{number}",
                title=title.text,
                brand=_brand_field(rng, wording),
                mall=malls[index].name,
                mall_category=wrong_mall_category(rng, malls[index], leaf, tree)
                if is_astray
                else mall_category(rng, malls[index], leaf),
                price=_price(rng, leaf),
                image=f"demo/{seed}-{n_products}/{number[:3]}/{number}.jpg" if pictured[index] else None,
                registered_at=moments[index],
                label=label.path,
                truth=leaf.path,
                planted=planted[index],
                shape=leaf.shape,
                colour=(colour or rng.choice(load_words().painted.get(leaf.line, load_words().colours))).rgb,
                wording=wording,
                told=title,
            )
        )
    return rows


def leaf_sizes(tree: Tree, n_products: int) -> list[int]:
    """Products in each leaf: the least, the rest by weight (largest remainder), n_products in all.

    The least is MIN_PER_LEAF; a very small demo leaves the small leaves empty.
    """
    least = min(MIN_PER_LEAF, n_products // (2 * len(tree.leaves)))
    spare = n_products - least * len(tree.leaves)
    weights = [max(leaf.weight - MIN_PER_LEAF, 0.0) ** TAIL for leaf in tree.leaves]
    exact = [spare * weight / sum(weights) for weight in weights]
    sizes = [int(share) for share in exact]
    by_remainder = sorted(range(len(sizes)), key=lambda index: (sizes[index] - exact[index], index))
    for index in by_remainder[: spare - sum(sizes)]:
        sizes[index] += 1
    return [least + size for size in sizes]


def _pictured(rng: random.Random, n_products: int) -> list[bool]:
    without = set(rng.sample(range(n_products), round(NO_IMAGE_SHARE * n_products)))
    return [index not in without for index in range(n_products)]


def _wording(
    rng: random.Random, leaf: Leaf, planted: Planted | None, tree: Tree, month: int, told: dict[Words, Wording]
) -> Wording:
    """What is said of the next product of `leaf`; `told` keeps the last plain one, to be offered again elsewhere."""
    if planted is None and leaf.path in told and rng.random() < REPEAT_SHARE:
        return told[leaf.path]
    siblings = tuple(tree.at(path) for path in leaf.like)
    wording = choose_wording(rng, leaf, siblings, month)
    if planted == Planted.AMBIGUOUS:
        return bare_wording(rng, wording, (leaf.name, *leaf.generic))
    if planted == Planted.MISLEADING_KEYWORD:
        foreign = [word for word in load_words().misleading[leaf.line] if word not in leaf.audience]
        return replace(wording, misleading=rng.choice(foreign))
    told[leaf.path] = wording
    return wording


def _brand_field(rng: random.Random, wording: Wording) -> str | None:
    """Sellers fill it for under half of what has a brand."""
    if wording.brand is None or rng.random() < 0.45:
        return None
    return wording.brand.english if wording.brand.english and rng.random() < 0.3 else wording.brand.korean


def _price(rng: random.Random, leaf: Leaf) -> int | None:
    if rng.random() < 0.03:
        return None
    low, high = leaf.price
    hundreds = round(10 * low * (high / low) ** rng.random())
    return hundreds * 100 if rng.random() < 0.3 else max(hundreds // 10, 1) * 1000 - rng.choice((100, 100, 200, 500))
