"""The words that tell an attribute, read from lexicon.toml, and the patterns that find them in a text."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "lexicon.toml"
SHOWN = "shown"  # the part of the file that only says how units are shown
LETTER = r"0-9a-zà-öø-ÿ"  # of what a Latin word is made
HANGUL = r"가-힣"


@dataclass(frozen=True)
class Word:
    """A word that tells `value` of the attribute `name`."""

    name: str
    value: str
    text: str
    is_ambiguous: bool  # tells something else as often


@dataclass(frozen=True)
class Lexicon:
    """All words, and one pattern that finds the longest of them first."""

    words: dict[str, tuple[Word, ...]]  # by text; 봄가을 tells spring and autumn
    hidden: frozenset[str]  # found, so that what is inside them is not
    pattern: re.Pattern[str]
    shown: dict[tuple[str, str, str], str]  # (name, value, language) -> the word it is shown as


@cache
def load_lexicon() -> Lexicon:
    raw = tomllib.loads(FILE.read_text("utf-8"))
    units = raw.pop(SHOWN)
    words: dict[str, list[Word]] = {}
    hidden: set[str] = set()
    shown: dict[tuple[str, str, str], str] = {}
    for name, values in raw.items():
        for value, languages in values.items():
            for language, texts in languages.items():
                for text in map(str.strip, texts.lower().split(",")):
                    if text.startswith("!"):
                        hidden.add(text[1:])
                        continue
                    word = Word(name, value, text.lstrip("?"), text.startswith("?"))
                    words.setdefault(word.text, []).append(word)
                    shown.setdefault((name, value, language), word.text)
    for value, languages in units.items():
        shown |= {(SHOWN, value.replace("_", " "), language): text for language, text in languages.items()}
    hidden -= words.keys()
    by_text = {text: tuple(found) for text, found in words.items()}
    return Lexicon(by_text, frozenset(hidden), _pattern([*words, *hidden]), shown)


def shown_value(name: str, value: str, language: str) -> str:
    """A canonical value as people of this language call it: 'sky_blue' is 스카이블루, '2 kinds' is 2종."""
    shown = load_lexicon().shown
    if word := shown.get((name, value, language)) or shown.get((name, value, "en")):
        return word
    if word := shown.get((SHOWN, value, language)):
        return word
    number, _, unit = value.partition(" ")
    if word := shown.get((SHOWN, unit, language)):
        return f"{number}{word}" if language == "ko" else f"{number} {word}"
    return value


def _pattern(texts: list[str]) -> re.Pattern[str]:
    """Latin words stand alone; Korean ones are found inside compounds too, since sellers leave out spaces."""
    ordered = sorted(set(texts), key=lambda text: (-len(text), text))
    latin = "|".join(re.escape(text) for text in ordered if not re.search(f"[{HANGUL}]", text))
    korean = "|".join(re.escape(text) for text in ordered if re.search(f"[{HANGUL}]", text))
    return re.compile(f"(?<![{LETTER}])(?:{latin})(?![{LETTER}])|(?:{korean})")
