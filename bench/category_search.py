"""How well and how fast categories are found, beside plain prefix, substring and every-word searches."""

import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from core.catalogue.hangul import is_syllable, join_syllable, split_syllable, split_words
from core.catalogue.search import find_categories
from core.catalogue.taxonomy import Category, load_categories
from core.catalogue.taxonomy_importing import import_taxonomy_file
from core.people import sign_in_local
from core.runtime import Runtime, open_runtime
from core.settings import ROOT, Settings

DATA = ROOT.parent / "shared" / "data"
N_QUERIES = 300  # of each kind
SEED = 20261120
Make = Callable[[Category, random.Random], str | None]
Search = Callable[[str], list[int]]  # up to 10 ids


def names(category: Category, english: bool = False) -> list[str]:
    return ((category.path_en or "") if english else category.path).split(" > ")


def slip(word: str, rng: random.Random) -> str | None:
    """One wrong letter: another jamo inside a syllable, or another, missing or swapped Latin letter."""
    places = [i for i, char in enumerate(word) if char.isalpha()]
    if len(word) < 2 or not places:
        return None
    i = rng.choice(places)
    if is_syllable(word[i]):
        initial, medial, final = split_syllable(word[i])
        if rng.random() < 0.5:
            wrong = join_syllable(rng.choice([jamo for jamo in "ㄱㄴㄷㅁㅂㅅㅇㅈㅎ" if jamo != initial]), medial, final)
        else:
            wrong = join_syllable(initial, rng.choice([jamo for jamo in "ㅏㅓㅗㅜㅡㅣㅐㅔ" if jamo != medial]), final)
        return word[:i] + wrong + word[i + 1 :]
    if len(word) < 5:
        return None
    if rng.random() < 0.5 and i + 1 < len(word):
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    return word[:i] + word[i + 1 :]


def initials(text: str) -> str | None:
    return "".join(split_syllable(char)[0] for char in text) if all(map(is_syllable, text)) else None


def half_typed(name: str, rng: random.Random) -> str | None:
    """The beginning of a name, its last syllable with the initial only, as an input method shows it."""
    place = rng.randint(1, len(name) - 1) if len(name) > 1 else 0
    return name[:place] + split_syllable(name[place])[0] if place and is_syllable(name[place]) else None


def parent_word(category: Category, rng: random.Random, english: bool = False) -> str | None:
    above = names(category, english)[:-1]
    words = (
        [word for word in split_words(above[-1]) if word not in split_words(names(category, english)[-1])]
        if above
        else []
    )
    return rng.choice(words) if words else None


def with_parent(category: Category, rng: random.Random, pattern: str, english: bool = False) -> str | None:
    parent = parent_word(category, rng, english)
    return pattern.format(parent=parent, leaf=names(category, english)[-1]) if parent else None


def beside_parent(part: Callable[[Category, random.Random], str | None]) -> Make:
    """A word of the parent, then `part` of the leaf."""

    def make(category: Category, rng: random.Random) -> str | None:
        parent, leaf = parent_word(category, rng), part(category, rng)
        return f"{parent} {leaf}" if parent and leaf else None

    return make


def wrong_leaf(category: Category, rng: random.Random) -> str | None:
    return slip(category.name, rng)


def leaf_initials(category: Category, rng: random.Random) -> str | None:
    return initials(category.name) if len(category.name) > 1 else None


def half_leaf(category: Category, rng: random.Random) -> str | None:
    return half_typed(category.name, rng)


KOREAN: dict[str, Make] = {
    "exact leaf name": lambda category, rng: category.name,
    "parent + leaf": lambda category, rng: with_parent(category, rng, "{parent} {leaf}"),
    "leaf + parent": lambda category, rng: with_parent(category, rng, "{leaf} {parent}"),
    "without spaces": lambda category, rng: (
        (with_parent(category, rng, "{parent}{leaf}") or "").replace(" ", "") or None
    ),
    "one wrong letter": wrong_leaf,
    "parent + wrong letter": beside_parent(wrong_leaf),
    "initials": leaf_initials,
    "parent + initials": beside_parent(leaf_initials),
    "half typed": half_leaf,
    "parent + half typed": beside_parent(half_leaf),
    "first two letters": lambda category, rng: category.name[:2] if len(category.name) > 2 else None,
}
ENGLISH: dict[str, Make] = {
    "exact leaf name": lambda category, rng: names(category, True)[-1],
    "leaf + parent": lambda category, rng: with_parent(category, rng, "{leaf} {parent}", True),
    "without spaces": lambda category, rng: names(category, True)[-1].replace(" ", ""),
    "one wrong letter": lambda category, rng: slip(names(category, True)[-1], rng),
    "Korean leaf name": lambda category, rng: category.name,
}


class Plain:
    """The peers: what comes in order of the tree when its leaf name or path begins with, or holds, the words."""

    def __init__(self, categories: list[Category]) -> None:
        self.rows = [
            (
                category.id,
                [
                    text.casefold()
                    for text in (category.name, category.path, category.name_en, category.path_en)
                    if text
                ],
            )
            for category in categories
        ]

    def prefix(self, words: str) -> list[int]:
        wanted = words.casefold()
        return [i for i, texts in self.rows if any(text.startswith(wanted) for text in texts)][:10]

    def every_word(self, words: str) -> list[int]:
        wanted = words.casefold().split()
        return [i for i, texts in self.rows if any(all(word in text for word in wanted) for text in texts)][:10]

    def substring(self, words: str) -> list[int]:
        wanted = words.casefold()
        return [i for i, texts in self.rows if any(wanted in text for text in texts)][:10]


def make_queries(leaves: list[Category], make: Make) -> list[tuple[str, Category]]:
    rng = random.Random(SEED)
    queries: list[tuple[str, Category]] = []
    for category in rng.sample(leaves, len(leaves)):
        words = make(category, rng)
        if words and len(queries) < N_QUERIES:
            queries.append((words, category))
    return queries


def measure(
    search: Search, queries: list[tuple[str, Category]], same: dict[int, tuple[str, ...]]
) -> tuple[float, float, list[tuple[float, float]]]:
    """Recall at 1 and at 10, and milliseconds on the clock and of this thread's processor.

    A leaf of the same name counts as well where the query does not name the parent.
    """
    first = ten = 0
    took = []
    for words, category in queries:
        started, worked = time.perf_counter(), time.thread_time()
        found = search(words)
        took.append((1000 * (time.perf_counter() - started), 1000 * (time.thread_time() - worked)))
        right = [same[i] == same[category.id] for i in found]
        first += bool(right[:1] and right[0])
        ten += any(right)
    return first / len(queries), ten / len(queries), took


def run(runtime: Runtime, title: str, kinds: dict[str, Make]) -> list[dict[str, object]]:
    categories = list(load_categories(runtime).values())
    leaves = [category for category in categories if category.is_leaf]
    started = time.perf_counter()
    find_categories(runtime, "바지")
    print(f"\n{title}: {len(leaves):,} leaves, index and first search in {time.perf_counter() - started:.2f} s")
    plain = Plain(categories)
    searches: dict[str, Search] = {
        "this": lambda words: [hit.category.id for hit in find_categories(runtime, words, 10).hits],
        "prefix": plain.prefix,
        "substring": plain.substring,
        "every word": plain.every_word,
    }
    print(
        f"{'kind':24}{'n':>5}   "
        + "".join(f"{name + ' @1':>14}{'@10':>7}" for name in searches)
        + f"{'p50 ms':>9}{'p95 ms':>9}"
    )
    rows = []
    for kind, make in kinds.items():
        queries = make_queries(leaves, make)
        by_name = "parent" not in kind and "spaces" not in kind
        same = {category.id: (category.name,) if by_name else (category.path,) for category in categories}
        line, times = f"{kind:24}{len(queries):>5}   ", []
        row: dict[str, object] = {"taxonomy": title, "kind": kind, "n": len(queries)}
        for name, search in searches.items():
            first, ten, took = measure(search, queries, same)
            line += f"{first:>14.3f}{ten:>7.3f}"
            row |= {f"{name}_recall_at_1": round(first, 4), f"{name}_recall_at_10": round(ten, 4)}
            times = times or took
        clock, cpu = zip(*times, strict=True)
        p50, p95, cpu_p95 = (
            statistics.median(clock),
            statistics.quantiles(clock, n=20)[-1],
            statistics.quantiles(cpu, n=20)[-1],
        )
        print(line + f"{p50:>9.1f}{p95:>9.1f}{cpu_p95:>9.1f}")
        rows.append(row | {"p50_ms": round(p50, 2), "p95_ms": round(p95, 2), "cpu_p95_ms": round(cpu_p95, 2)})
    return rows


def main() -> None:
    rows = []
    for name, kinds in (
        ("naver-categories/naver_categories.csv", KOREAN),
        ("shopify-taxonomy/categories_en_ko_ja.csv", ENGLISH),
    ):
        if not (DATA / name).exists():
            print(f"Nothing measured: there is no {DATA / name}.")
            continue
        with tempfile.TemporaryDirectory() as folder:
            runtime = open_runtime(Settings(data_dir=Path(folder), person="bench"))
            import_taxonomy_file(runtime, sign_in_local(runtime, "bench"), DATA / name)
            rows += run(runtime, name.split("/")[0], kinds)
            runtime.close()
    if "--json" in sys.argv:
        print(json.dumps(rows, ensure_ascii=False))


if __name__ == "__main__":
    main()
