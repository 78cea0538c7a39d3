"""Words that demo titles of many categories share, read from shared_words.toml: brands, sizes, colours, boilerplate."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "shared_words.toml"

COLOURED_LINES = frozenset({"women", "men", "kids", "bags_shoes", "home", "sports", "digital"})
FASHION_LINES = frozenset({"women", "men", "kids", "bags_shoes"})
SEASONAL_LINES = frozenset({"women", "men", "kids", "home", "sports"})
MODEL_LINES = {"digital": 0.45, "sports": 0.22, "bags_shoes": 0.2, "men": 0.12, "women": 0.1, "home": 0.12}


@dataclass(frozen=True)
class Brand:
    """An invented brand in both spellings; `english` may be empty."""

    korean: str
    english: str


@dataclass(frozen=True)
class Colour:
    """A colour as sellers write it and as '#rrggbb'."""

    korean: str
    english: str
    rgb: str


@dataclass(frozen=True)
class SharedWords:
    """The lists of shared_words.toml; `brands`, `misleading` by line, `specs` by the name leaves use ('@women')."""

    brands: dict[str, tuple[Brand, ...]]
    common_brands: tuple[Brand, ...]
    specs: dict[str, tuple[str, ...]]
    colours: tuple[Colour, ...]
    painted: dict[str, tuple[Colour, ...]]  # of things whose title names no colour, by line
    warm: tuple[str, ...]
    cool: tuple[str, ...]
    neutral: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    misleading: dict[str, tuple[str, ...]]


@cache
def load_words() -> SharedWords:
    raw = tomllib.loads(FILE.read_text("utf-8"))
    brands = {line: tuple(_brand(text) for text in split_words(texts)) for line, texts in raw["brands"].items()}
    named = raw["colours"]
    colours = tuple(Colour(*text.split("/")) for text in split_words(named.pop("all")))
    by_name = {colour.korean: colour for colour in colours}
    return SharedWords(
        brands={line: names for line, names in brands.items() if line != "common"},
        common_brands=brands["common"],
        specs={f"@{name}": split_words(texts) for name, texts in raw["specs"].items()},
        colours=colours,
        painted={line: tuple(by_name[name] for name in split_words(texts)) for line, texts in named.items()},
        warm=split_words(raw["seasonal"]["warm"]),
        cool=split_words(raw["seasonal"]["cool"]),
        neutral=split_words(raw["bare"]["neutral"]),
        before=split_words(raw["boilerplate"]["before"]),
        after=split_words(raw["boilerplate"]["after"]),
        misleading={line: split_words(texts) for line, texts in raw["misleading"].items()},
    )


def split_words(text: str) -> tuple[str, ...]:
    """The words of a comma-separated list, without blanks around them."""
    return tuple(word for part in text.split(",") if (word := part.strip()))


def _brand(text: str) -> Brand:
    korean, _, english = text.partition("/")
    return Brand(korean, english)
