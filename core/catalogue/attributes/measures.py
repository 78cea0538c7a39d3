"""Patterns of sizes, quantities and seasons written as numbers and letters, the surest first."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from core.catalogue.attributes.lexicon import HANGUL, LETTER

SURE, LIKELY, AMBIGUOUS = 0.95, 0.8, 0.5  # stands alone | inside a compound | tells something else as often


def _number(text: str) -> str:
    return f"{float(text.replace(',', '.')):g}"


_START, _END = rf"(?<![{LETTER}.])", rf"(?![{LETTER}])"
_NUMBER = r"\d{1,5}(?:[.,]\d{1,3})?"
_UNITS = {
    "ml": "ml", "밀리": "ml", "cl": "cl", "l": "l", "리터": "l", "g": "g", "그램": "g", "gr": "g", "kg": "kg",
    "킬로": "kg", "mg": "mg", "oz": "oz",
}  # fmt: skip
_COUNTS = {
    "개": "pieces", "개입": "pieces", "입": "pieces", "p": "pieces", "ea": "pieces", "pcs": "pieces", "stk": "pieces",
    "stück": "pieces", "ud": "pieces", "uds": "pieces", "unidades": "pieces", "팩": "packs", "pack": "packs",
    "매": "sheets", "매입": "sheets", "장": "sheets", "병": "bottles", "캔": "cans", "박스": "boxes", "box": "boxes",
    "롤": "rolls", "rolls": "rolls", "rollen": "rolls", "세트": "sets", "set": "sets", "종": "kinds", "종세트": "kinds",
    "켤레": "pairs", "정": "tablets", "포": "sachets",
}  # fmt: skip
_LETTER_SIZE = r"(?:\d?x{1,3}[sl]|[2-5]xl|xl|xs|s|m|l|free|프리사이즈|프리|one ?size|빅사이즈)"
_BED = {
    "싱글": "single",
    "슈퍼싱글": "super single",
    "퀸": "queen",
    "킹": "king",
    "ss": "super single",
    "더블": "double",
}


@dataclass(frozen=True)
class Measure:
    """A pattern that tells the attribute `name`, and how its match becomes the canonical value."""

    name: str
    pattern: re.Pattern[str]
    value: Callable[[re.Match[str]], str]
    confidence: float


def _any_of(words: dict[str, str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def _plain(match: re.Match[str]) -> str:
    return re.sub(r"\s+", "", match[0]).replace("-", "~").replace("/", "~").upper()


_AFTER_UNIT = rf"(?![{LETTER}{HANGUL}])"
MEASURES = (
    Measure(
        "quantity",
        re.compile(rf"{_START}({_NUMBER})\s?({_any_of(_UNITS)})(?![a-zà-öø-ÿ])"),
        lambda match: f"{_number(match[1])} {_UNITS[match[2]]}",
        SURE,
    ),
    Measure(
        "quantity",
        re.compile(rf"{_START}(\d{{1,4}})\s?({_any_of(_COUNTS)}){_AFTER_UNIT}"),
        lambda match: f"{int(match[1])} {_COUNTS[match[2]]}",
        SURE,
    ),
    Measure(
        "quantity", re.compile(r"(?<!\d)([1-9])\s?\+\s?([1-9])(?!\d)"), lambda match: f"{match[1]}+{match[2]}", SURE
    ),
    Measure(
        "size",
        re.compile(rf"{_START}\d{{1,4}}(?:\s?[x×*]\s?\d{{1,4}}){{1,2}}\s?(?:cm|mm)?{_END}"),
        lambda match: re.sub(r"\s", "", match[0]).replace("×", "x").replace("*", "x"),
        LIKELY,
    ),
    Measure(
        "size",
        re.compile(rf"{_START}\d{{1,4}}(?:[.,]\d)?(?:\s?[~-]\s?\d{{1,4}})?\s?(?:cm|mm|inch|인치){_END}"),
        lambda match: re.sub(r"\s", "", match[0]).replace("-", "~"),
        SURE,
    ),
    Measure("size", re.compile(r"(?<!\d)(\d{1,2})\s?(호|개월)(?![가-힣])"), lambda match: match[1] + match[2], LIKELY),
    Measure("size", re.compile(rf"{_START}{_LETTER_SIZE}\s?[~/-]\s?{_LETTER_SIZE}{_END}"), _plain, SURE),
    Measure(
        "size",
        re.compile(rf"{_START}(?:2xl|3xl|4xl|xl|xs|xxl|free|프리사이즈){_AFTER_UNIT}(?!\s?[~/-])"),
        lambda match: {"프리사이즈": "FREE"}.get(match[0], match[0].upper()),
        SURE,
    ),
    Measure("size", re.compile(rf"{_START}[sml]{_END}(?!\s?[~/-])"), lambda match: match[0].upper(), AMBIGUOUS),
    Measure(
        "size",
        re.compile(rf"{_START}(?:2[1-9][05])(?:\s?[~-]\s?2[1-9][05])?(?:mm)?{_AFTER_UNIT}"),
        lambda match: re.sub(r"\s|mm", "", match[0]).replace("-", "~"),
        AMBIGUOUS,
    ),
    Measure(
        "size",
        re.compile(rf"{_START}(?:44|55|66|77|88|[89]0|95|1[0-5]0|105|115)(?:\s?[~-]\s?(?:77|88|99|1[0-5][05]))?{_AFTER_UNIT}(?!\s?%)"),
        lambda match: re.sub(r"\s", "", match[0]).replace("-", "~"),
        AMBIGUOUS,
    ),
    Measure(
        "size",
        re.compile(rf"(?<![{LETTER}{HANGUL}])({_any_of(_BED)}){_AFTER_UNIT}"),
        lambda match: _BED[match[1]],
        AMBIGUOUS,
    ),
    Measure(
        "season",
        re.compile(rf"{_START}(?:20)?\d{{2}}\s?(fw|ss|f/w|s/s){_END}|{_START}(f/w|fw|s/s){_END}"),
        lambda match: {"f": "winter", "s": "summer"}[(match[1] or match[2])[0]],
        LIKELY,
    ),
)  # fmt: skip
