"""Catch-alls ('other', '기타', 'Sonstiges'), where people put what they were unsure of: proposed by their names."""

import re

from core.catalogue.taxonomy import Category, load_categories
from core.runtime import Runtime

# whole words: '기타리스트' (guitarist) is none of them
_WORDS = (
    "other|others|misc|miscellaneous|etc|uncategori[sz]ed|unsorted|various|everything else"  # English
    "|기타|그 ?외|미분류|etc"  # Korean
    "|sonstige[sn]?|andere[sn]?|diverses?|verschiedenes"  # German
    "|otros?|otras?|varios|varias|resto"  # Spanish
    "|autres?|divers"  # French
    "|その他|其他|其它"  # Japanese, Chinese
)
# alone, before a noun of the parent ('other shoes', '기타 신발', 'otros quesos') or after one ('신발 기타')
_NAME = re.compile(rf"(?:{_WORDS})|(?:{_WORDS})[ /·,]+\S+(?: \S+)?|\S+(?: \S+)?[ /·,]+(?:{_WORDS})\.?", re.IGNORECASE)
_AND = re.compile(
    rf"(?:\b(?:and|y|e|und|et)|&|및|과|와) (?:{_WORDS})", re.IGNORECASE
)  # 'lentils and others' is about lentils
_GUITAR = re.compile("악기|guitar|음향|뮤직", re.IGNORECASE)  # '기타' is a guitar as well
_BRACKETS = re.compile(r"[()\[\]{}<>‹›\"'.]")


def is_catch_all_name(name: str, path: str = "") -> bool:
    """Whether a leaf of this name is likely a catch-all; `path` tells a 기타 among instruments for the guitar it is."""
    words = " ".join(_BRACKETS.sub(" ", name).split())
    is_guitar = "기타" in words and words != "기타" and _GUITAR.search(path)
    return _NAME.fullmatch(words) is not None and not _AND.search(words) and not is_guitar


def propose_catch_alls(runtime: Runtime) -> list[Category]:
    """Leaves in use that are named like a catch-all and not marked as one, by path. Nothing is changed."""
    return sorted(
        (
            category
            for category in load_categories(runtime).values()
            if category.is_leaf
            and not category.is_catch_all
            and category.retired_at is None
            and any(is_catch_all_name(name, category.path) for name in (category.name, category.name_en) if name)
        ),
        key=lambda category: category.path,
    )
