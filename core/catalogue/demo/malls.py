"""The demo's five malls: what each sells, and its own words for categories. One cannot be relied upon."""

import random
from dataclasses import dataclass

from core.catalogue.demo.tree import Leaf, Tree

# Roots as each style of mall calls them.
ROOTS = {
    "패션의류": ("의류", "FASHION", "패션"),
    "패션잡화": ("잡화/슈즈", "FASHION ACC", "패션"),
    "출산/육아": ("키즈/맘", "KIDS", "유아동"),
    "화장품/미용": ("뷰티", "BEAUTY", "뷰티/헬스"),
    "생활/건강": ("리빙/생활", "LIVING", "생활"),
    "가구/인테리어": ("홈인테리어", "HOME", "생활"),
    "식품": ("푸드", "FOOD", "식품관"),
    "디지털/가전": ("가전/디지털", "DIGITAL", "가전"),
    "스포츠/레저": ("스포츠/아웃도어", "SPORTS", "레포츠"),
}
EVENTS = ("오늘의특가", "기획전 > 무료배송", "베스트100", "타임딜", "신규입점", "창고대방출", "선물하기", "기타")


@dataclass(frozen=True)
class Mall:
    """A mall. `areas` are the roots it sells more of; `style` is how it writes categories."""

    name: str
    share: float
    areas: frozenset[str]
    style: str
    is_unreliable: bool = False


MALLS = (
    Mall("다담몰", 0.34, frozenset(), "own words"),
    Mall("스타일나루", 0.20, frozenset({"패션의류", "패션잡화", "화장품/미용"}), "english"),
    Mall("하루장터", 0.18, frozenset({"식품", "생활/건강", "가구/인테리어"}), "coarse"),
    Mall("온새미마트", 0.16, frozenset({"디지털/가전", "스포츠/레저", "출산/육아"}), "ours"),
    Mall("왕창도매", 0.12, frozenset(), "own words", is_unreliable=True),
)


def choose_mall(rng: random.Random, leaf: Leaf) -> Mall:
    """Where it is sold: a mall has three times its share of the areas it is known for."""
    weights = [mall.share * (3.0 if leaf.area in mall.areas else 1.0) for mall in MALLS]
    return rng.choices(MALLS, weights)[0]


def mall_category(rng: random.Random, mall: Mall, leaf: Leaf) -> str | None:
    """The category as this mall writes it for a thing of `leaf`; none for one in twelve."""
    if rng.random() < 0.08:
        return None
    own_root, english_root, coarse_root = ROOTS[leaf.area]
    group = leaf.mall_words[0] if leaf.mall_words else leaf.path[-2]
    if mall.style == "english":
        return f"{english_root} > {leaf.path_en[1]} > {leaf.path_en[-1]}".upper()
    if mall.style == "coarse":
        return f"{coarse_root}/{group}"
    if mall.style == "ours":
        return ">".join(leaf.path[-3:])
    if leaf.is_catch_all:
        return f"{own_root} > {group} > 기타"
    return f"{own_root} > {group} > {leaf.nouns[0]}" if rng.random() < 0.7 else f"{own_root} > {group}"


def wrong_mall_category(rng: random.Random, mall: Mall, leaf: Leaf, tree: Tree) -> str:
    """What the unreliable mall says instead: an event, or the category of something else."""
    if rng.random() < 0.4:
        return rng.choice(EVENTS)
    other = rng.choice(tree.leaves)
    while other == leaf:
        other = rng.choice(tree.leaves)
    return mall_category(rng, mall, other) or rng.choice(EVENTS)
