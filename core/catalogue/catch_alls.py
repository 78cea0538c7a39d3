"""Catch-alls ('other', '기타', 'Sonstiges'): where people put what they were unsure of. Found by name, as a proposal."""

import re

from core.catalogue.taxonomy import Category, load_categories
from core.runtime import Runtime

# whole words; a name such as 'Other Stories' or '기타리스트' is none of them
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
_BRACKETS = re.compile(r"[()\[\]{}<>‹›\"'.]")


def is_catch_all_name(name: str) -> bool:
    """Whether a leaf of this name is likely a catch-all."""
    return _NAME.fullmatch(" ".join(_BRACKETS.sub(" ", name).split())) is not None


def propose_catch_alls(runtime: Runtime) -> list[Category]:
    """Leaves in use that are named like a catch-all and not marked as one, by path. Nothing is changed."""
    return sorted(
        (
            category
            for category in load_categories(runtime).values()
            if category.is_leaf
            and not category.is_catch_all
            and category.retired_at is None
            and any(is_catch_all_name(name) for name in (category.name, category.name_en) if name)
        ),
        key=lambda category: category.path,
    )
