"""Finding a keyword in a title, Korean included: normal form, whole words, taking a word out."""

import re
import unicodedata

from db.enums import KeywordMatch

# letters that stand together as one word are of one script: '여성nike90' is three words
_SCRIPTS = (
    r"가-힣ᄀ-ᇿ㄰-㆏",  # Hangul: syllables, jamo, lone letters
    r"一-鿿㐀-䶿",  # Han
    r"぀-ヿ",  # kana
    r"0-9",
)
_OTHER_LETTERS = rf"[^\W_{''.join(_SCRIPTS)}]"  # Latin, Cyrillic ...


def normal_form(text: str) -> str:
    """NFKC, lower case, single blanks: decomposed Korean, full-width letters and line ends are written one way."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.lower().split())


def keyword_pattern(keyword: str, match: KeywordMatch) -> re.Pattern[str]:
    """What finds `keyword`, in normal form, in a text in normal form.

    A blank in the keyword also matches none: '여성 의류' finds '여성의류'. As a whole word, a keyword ends where its
    script ends: at blanks, punctuation, or a change between Hangul, Han, kana, digits and other letters. So '여성'
    is found in '여성 청바지', '[여성]' and 'nike여성', but not in '여성용': that is a word of its own, or a substring.
    """
    body = r"\s?".join(re.escape(part) for part in keyword.split())
    if match == KeywordMatch.SUBSTRING:
        return re.compile(body)
    before, after = _script(keyword[0]), _script(keyword[-1])
    return re.compile((rf"(?<!{before})" if before else "") + body + (rf"(?!{after})" if after else ""))


def _script(letter: str) -> str | None:
    """The class of letters that would go on with the same word; none beside punctuation."""
    for script in _SCRIPTS:
        if re.match(f"[{script}]", letter):
            return f"[{script}]"
    return _OTHER_LETTERS if re.match(_OTHER_LETTERS, letter) else None


def without(text: str, pattern: re.Pattern[str]) -> str:
    """`text` with a blank for each find: what stood on both sides does not become a new word."""
    return " ".join(pattern.sub(" ", text).split())
