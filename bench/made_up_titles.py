"""Made-up product titles with the habits of real ones, as many as wanted, for more than real catalogues have."""

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SEED = 20261120
N_BRANDS = 4_000
WRONG_SHARE = 0.05  # of labels: a neighbour of the right category
# fmt: off
NOISE = [
    "무료배송", "정품", "당일발송", "특가", "신상", "인기", "국내배송", "남여공용", "사은품증정",
    "대용량", "1+1", "선물용", "프리미엄",
    "고급", "가성비", "new", "sale", "best", "official", "2024", "2025", "FW", "SS", "set",
]
COLOURS = [
    "블랙", "화이트", "네이비", "그레이", "베이지", "핑크", "레드", "블루", "카키", "브라운", "black", "white",
]
SIZES = [
    "S", "M", "L", "XL", "FREE", "90", "95", "100", "105", "250mm", "260mm", "500ml", "1L", "2kg",
    "10개입", "3매", "30정", "A4",
]
# fmt: on
_SYLLABLES = (
    "가나다라마바사아자차카타파하거너더러머버서어저코토포호구누두루무부수우주쿠투푸후기니디리미비시이지키티피히"
)


@dataclass(frozen=True)
class Leaf:
    """A category that products are of, and the words its titles like to use."""

    path: tuple[str, ...]
    words: list[str]
    brands: list[str]


def leaves(data: Path, n: int) -> list[Leaf]:
    """`n` leaves of the NAVER tree and then the Shopify one (in Korean), made-up ones where those are not there."""
    chance = random.Random(SEED)
    paths = [*_naver(data / "naver-categories" / "naver_categories.csv")]
    paths += _shopify(data / "shopify-taxonomy" / "categories_en_ko_ja.csv")
    paths += [(f"대분류{at % 20}", f"중분류{at % 400}", _word(chance)) for at in range(n - len(paths))]
    chance.shuffle(paths)
    brands = [_word(chance) if chance.random() < 0.6 else _latin(chance) for _ in range(N_BRANDS)]
    shared: dict[tuple[str, ...], list[str]] = {}
    local: dict[tuple[str, ...], list[str]] = {}
    found = []
    for path in paths[:n]:
        above = path[:-1]
        if above not in shared:
            shared[above] = [_word(chance) for _ in range(40)]
            local[above] = chance.sample(brands, 60)
        own = [_word(chance) for _ in range(8)]
        found.append(Leaf(path, [*own, *shared[above]], local[above]))
    return found


def class_shares(n: int) -> np.ndarray:
    """(n,) share of products in each leaf: a long tail, the largest about 450 times the median."""
    sizes = np.exp(np.random.default_rng(SEED).normal(0.0, 1.8, n))
    return np.asarray(sizes / sizes.sum())


def titles(chosen: list[Leaf], n_rows: int, seed: int = 0) -> Iterator[tuple[str, int]]:
    """`n_rows` of (title, place of its leaf in `chosen`); every leaf once while there are enough rows."""
    places = np.random.default_rng((SEED, seed)).choice(len(chosen), n_rows, p=class_shares(len(chosen)))
    places[: min(n_rows, len(chosen))] = np.arange(min(n_rows, len(chosen)))
    np.random.default_rng((SEED, seed, 1)).shuffle(places)
    chance = random.Random(f"{SEED} {seed}")
    for place in places.tolist():
        title = _title(chosen[place], chance)
        wrong = chance.random() < WRONG_SHARE
        yield title, min(len(chosen) - 1, place + 1) if wrong else place


def _title(leaf: Leaf, chance: random.Random) -> str:
    """Brand, what it is (said in three of five titles, else only hinted at), colour, size, noise, a model number."""
    words = []
    if chance.random() < 0.7:
        words.append(leaf.brands[int(len(leaf.brands) * chance.random() ** 2)])
    n_words = len(leaf.words)
    words += [leaf.words[int(n_words * chance.random() ** 1.5)] for _ in range(1 + int(3 * chance.random()))]
    if chance.random() < 0.6:
        words.append(leaf.path[-1])
    elif chance.random() < 0.5 and len(leaf.path) > 1:
        words.append(leaf.path[-2])
    for pool, share in ((COLOURS, 0.4), (SIZES, 0.5), (NOISE, 0.6), (NOISE, 0.3)):
        if chance.random() < share:
            words.append(pool[int(len(pool) * chance.random())])
    if chance.random() < 0.4:
        words.append(f"{_latin(chance)[:2].upper()}-{chance.randrange(10**5)}")
    if chance.random() < 0.3:
        chance.shuffle(words)
    return " ".join(words)


def _word(chance: random.Random) -> str:
    return "".join(chance.choices(_SYLLABLES, k=chance.choice((2, 2, 3, 3, 4))))


def _latin(chance: random.Random) -> str:
    return "".join(chance.choices("abcdefghijklmnoprstuvy", k=chance.choice((3, 4, 5, 6)))).capitalize()


def _naver(path: Path) -> list[tuple[str, ...]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["last"] == "True"]
    return [tuple(name.strip() for name in row["wholeCategoryName"].split(">")) for row in rows]


def _shopify(path: Path) -> list[tuple[str, ...]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["leaf"] == "True"]
    return [tuple(name.strip() for name in row["path_ko"].split(">")) for row in rows]
