"""Keywords found in titles: whole words in Korean and elsewhere, substrings, one normal form."""

import unicodedata

import pytest

from core.curation.keywords import keyword_pattern, normal_form, without
from db.enums import KeywordMatch


def finds(keyword: str, title: str, match: KeywordMatch = KeywordMatch.WHOLE_WORD) -> bool:
    return keyword_pattern(normal_form(keyword), match).search(normal_form(title)) is not None


TITLES = ("여성 청바지", "청바지(여성)", "남성/여성 공용", "nike여성 티", "90여성", "여성")


@pytest.mark.parametrize("title", [*TITLES, unicodedata.normalize("NFD", "여성 바지")])
def test_a_korean_word_ends_at_signs_and_other_scripts(title: str) -> None:
    assert finds("여성", title)


@pytest.mark.parametrize("title", ["여성용 청바지", "남여성", "여 성", ""])
def test_a_korean_word_with_more_hangul_is_another_word(title: str) -> None:
    assert not finds("여성", title)
    assert finds("여성", title, KeywordMatch.SUBSTRING) == ("여성" in title)


@pytest.mark.parametrize(
    ("keyword", "title", "found"),
    [
        ("Wein", "ROTWEIN trocken", False),
        ("wein", "Wein, rot", True),
        ("größe", "GRÖSSE 5", False),  # two spellings are two keywords
        ("women", "ＷＯＭＥＮ jeans", True),  # full-width letters
        ("90", "키즈90", True),
        ("90", "190 cm", False),
        ("a/s", "무료 A/S 포함", True),
        ("c++", "c++ 책", True),
        ("여성 의류", "여성의류 모음", True),  # a blank also matches none
        ("여성 의류", "여성 의류모음", False),
        ("a.c", "abc", False),  # no sign has a meaning
    ],
)
def test_whole_words(keyword: str, title: str, found: bool) -> None:
    assert finds(keyword, title) == found


def test_what_stood_on_both_sides_stays_apart() -> None:
    pattern = keyword_pattern("여성", KeywordMatch.SUBSTRING)
    assert without("빨간여성용 여성", pattern) == "빨간 용"
