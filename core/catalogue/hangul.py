"""Letters for searching: folding, the keys a Korean keyboard needs, and patterns for half-typed words."""

import re
import unicodedata
from functools import lru_cache

FIRST, LAST = "가", "힣"
INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
MEDIALS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
FINALS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
PER_INITIAL = len(MEDIALS) * len(FINALS)  # 588 syllables begin with one consonant
_MEDIAL_KEYS = "ㅘㅗㅏ ㅙㅗㅐ ㅚㅗㅣ ㅝㅜㅓ ㅞㅜㅔ ㅟㅜㅣ ㅢㅡㅣ"
_FINAL_KEYS = "ㄳㄱㅅ ㄵㄴㅈ ㄶㄴㅎ ㄺㄹㄱ ㄻㄹㅁ ㄼㄹㅂ ㄽㄹㅅ ㄾㄹㅌ ㄿㄹㅍ ㅀㄹㅎ ㅄㅂㅅ"
COMPOUNDS = {letters[0]: letters[1:] for letters in (*_MEDIAL_KEYS.split(), *_FINAL_KEYS.split())}  # of two key presses
_CONJOINING = {
    **{chr(0x1100 + i): jamo for i, jamo in enumerate(INITIALS)},
    **{chr(0x1161 + i): jamo for i, jamo in enumerate(MEDIALS)},
    **{chr(0x11A7 + i): jamo for i, jamo in enumerate(FINALS) if jamo},
}
_APOSTROPHES = re.compile("['’‘`´]")
_WORD = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """NFC, no case, no accents, full width made narrow; a jamo that stands alone is a compatibility jamo."""
    return "".join(map(_fold_char, unicodedata.normalize("NFC", text)))


@lru_cache(maxsize=20_000)
def _fold_char(char: str) -> str:
    if FIRST <= char <= LAST or "ㄱ" <= char <= "ㅣ":
        return char
    if ord(char) < 0x0600:  # Latin, Greek, Cyrillic: the letter without its accents
        plain = "".join(part for part in unicodedata.normalize("NFKD", char) if not unicodedata.combining(part))
    else:
        plain = unicodedata.normalize("NFKC", char)
    return "".join(_CONJOINING.get(part, part) for part in plain.casefold())


def split_words(text: str) -> list[str]:
    """The folded words of `text`: letters and digits; `Men's` is one word."""
    return _WORD.findall(_APOSTROPHES.sub("", fold(text)))


def is_syllable(char: str) -> bool:
    return FIRST <= char <= LAST


def is_consonant(char: str) -> bool:
    return "ㄱ" <= char <= "ㅎ"


def split_syllable(char: str) -> tuple[str, str, str]:
    """Initial, medial and final (or '') of a syllable: 밝 -> ㅂ, ㅏ, ㄺ."""
    number = ord(char) - ord(FIRST)
    return (
        INITIALS[number // PER_INITIAL],
        MEDIALS[number % PER_INITIAL // len(FINALS)],
        FINALS[number % len(FINALS)],
    )


def join_syllable(initial: str, medial: str, final: str = "") -> str:
    number = (INITIALS.index(initial) * len(MEDIALS) + MEDIALS.index(medial)) * len(FINALS) + FINALS.index(final)
    return chr(ord(FIRST) + number)


def to_keys(text: str) -> str:
    """The keys that type `text` on a Korean keyboard, so that a slip of the finger is one letter: 봐 -> ㅂㅗㅏ."""
    return "".join(map(_keys_of, text))


@lru_cache(maxsize=20_000)
def _keys_of(char: str) -> str:
    parts = split_syllable(char) if is_syllable(char) else (char,)
    return "".join(COMPOUNDS.get(part, part) for part in parts)


def spread_consonants(text: str) -> str:
    """ㄳ is ㄱㅅ where it stands alone: an input method joins them while initials are typed."""
    return "".join(COMPOUNDS.get(char, char) if is_consonant(char) else char for char in text)


def _starting_with(initial: str) -> str:
    """A character class: all syllables that begin with this consonant."""
    if initial not in INITIALS:
        return re.escape(initial)
    start = ord(FIRST) + INITIALS.index(initial) * PER_INITIAL
    return f"[{chr(start)}-{chr(start + PER_INITIAL - 1)}]"


def strict_pattern(word: str) -> str:
    """A regular expression for `word`: syllables as they are, a lone consonant for any syllable it begins."""
    return "".join(_starting_with(char) if is_consonant(char) else re.escape(char) for char in word)


def half_typed_pattern(word: str) -> str | None:
    """What `word` may become when its last syllable is still being typed; None when it cannot.

    바 may become 방 (a final follows), 고 may become 과, 밪 may become 바지, 밝 may become 발가.
    """
    if not word or not is_syllable(word[-1]):
        return None
    initial, medial, final = split_syllable(word[-1])
    if not final:
        medials = [medial, *(whole for whole, keys in COMPOUNDS.items() if keys[0] == medial)]
        ranges = "".join(f"{join_syllable(initial, m)}-{join_syllable(initial, m, FINALS[-1])}" for m in medials)
        return f"{strict_pattern(word[:-1])}[{ranges}]"
    grown = [whole for whole, keys in COMPOUNDS.items() if keys[0] == final and whole in FINALS]
    kept, moved = tuple(COMPOUNDS.get(final) or ("", final))
    ends = [join_syllable(initial, medial, whole) for whole in (final, *grown)]
    ends.append(join_syllable(initial, medial, kept) + _starting_with(moved))
    return f"{strict_pattern(word[:-1])}(?:{'|'.join(ends)})"
