"""The demo's category tree, read from the word lists in leaves/*.toml. docs/demo.md explains their fields."""

import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from core.catalogue.demo.words import COLOURED_LINES, split_words

FOLDER = Path(__file__).parent / "leaves"
AMBIGUOUS_PARENTS = 5  # a leaf name under this many parents is an ambiguous family

Words = tuple[str, ...]


@dataclass(frozen=True)
class Leaf:
    """A category that products lie in, and the words that its sellers use."""

    path: Words
    path_en: Words
    weight: float  # wanted products when 6,000 are made
    nouns: Words  # what the thing is called, most usual first
    words: Words  # what sellers say about this thing only
    shared: Words  # what they say about all things of its group
    generic: Words  # vague names that fit the whole group
    audience: Words  # for whom; empty where everybody buys it
    line: str  # whose brands and colours: women, food ...
    spec: Words  # sizes or amounts; '@women' names a list of words.py
    season: str  # a curve of seasons.py; '' is flat
    price: tuple[int, int]  # thousand won
    shape: str  # a drawing of shapes.py
    like: tuple[Words, ...]  # paths of the leaves it is mistaken for, nearest first
    is_catch_all: bool
    is_coloured: bool
    mall_words: Words  # what malls call its group
    guidelines: str | None

    @property
    def name(self) -> str:
        return self.path[-1]

    @property
    def area(self) -> str:
        """The root it lies under."""
        return self.path[0]


class Tree:
    """All leaves in a fixed order. `ambiguous_names` stand under so many parents that a bare title says too little."""

    def __init__(self, leaves: tuple[Leaf, ...]) -> None:
        self.leaves = leaves
        self._by_path = {leaf.path: leaf for leaf in leaves}
        counts = Counter(leaf.name for leaf in leaves)
        self.ambiguous_names = frozenset(name for name, count in counts.items() if count >= AMBIGUOUS_PARENTS)

    def at(self, path: Words) -> Leaf:
        return self._by_path[path]


@cache
def load_tree() -> Tree:
    """The tree of leaves/*.toml. ValueError names a `like` that fits no leaf, or a path that comes twice."""
    raw: list[tuple[Words, dict[str, Any]]] = []
    for file in sorted(FOLDER.glob("*.toml")):
        for group in tomllib.loads(file.read_text("utf-8"))["group"]:
            leaves = group.pop("leaf")
            raw += [(_path(group["path"], leaf["name"]), _merged(group, leaf)) for leaf in leaves]
    paths = [path for path, _ in raw]
    if len(set(paths)) != len(paths):
        raise ValueError(f"twice in the demo's tree: {next(path for path in paths if paths.count(path) > 1)}")
    return Tree(tuple(_leaf(path, entry, _confused_with(path, entry, paths)) for path, entry in raw))


def _merged(group: dict[str, Any], leaf: dict[str, Any]) -> dict[str, Any]:
    """A leaf's fields over its group's; the group's own path and English path stay beside them."""
    return group | leaf | {"en": group["en"] + " > " + leaf["en"]}


def _leaf(path: Words, entry: dict[str, Any], like: tuple[Words, ...]) -> Leaf:
    low, high = entry["price"].split("-")
    return Leaf(
        path=path,
        path_en=tuple(entry["en"].split(" > ")),
        weight=float(entry["n"]),
        nouns=split_words(entry["nouns"]),
        words=split_words(entry["words"]),
        shared=split_words(entry.get("shared", "")),
        generic=split_words(entry.get("generic", "")),
        audience=split_words(entry.get("audience", "")),
        line=entry["line"],
        spec=split_words(entry.get("spec", "")),
        season=entry.get("season", ""),
        price=(int(low), int(high)),
        shape=entry["shape"],
        like=like,
        is_catch_all=entry.get("catch_all", False),
        is_coloured=entry.get("coloured", entry["line"] in COLOURED_LINES),
        mall_words=split_words(entry.get("aka", "")),
        guidelines=entry.get("guidelines"),
    )


def _path(parent: str, name: str) -> Words:
    return (*parent.split(" > "), name)


def _confused_with(path: Words, entry: dict[str, Any], paths: list[Words]) -> tuple[Words, ...]:
    """The leaves named in `like` (by the end of their path), then the leaf's siblings."""
    named: list[Words] = []
    for text in split_words(entry.get("like", "")):
        ending = tuple(text.split(" > "))
        found = [other for other in paths if other[-len(ending) :] == ending]
        if len(found) != 1:
            raise ValueError(f"{path}: '{text}' fits {len(found)} leaves of the demo's tree")
        named += found
    siblings = [other for other in paths if other[:-1] == path[:-1] and other != path and other not in named]
    return (*named, *siblings)
