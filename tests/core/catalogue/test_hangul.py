"""Letters: folding, keys, and what a half-typed syllable may become."""

import re
import unicodedata

import pytest

from core.catalogue.hangul import (
    fold,
    half_typed_pattern,
    join_syllable,
    split_syllable,
    split_words,
    spread_consonants,
    strict_pattern,
    to_keys,
)


@pytest.mark.parametrize("syllable", ["가", "힣", "밝", "쌌", "의", "뷁"])
def test_a_syllable_comes_apart_and_together(syllable: str) -> None:
    assert join_syllable(*split_syllable(syllable)) == syllable


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Gemüse", "gemuse"),
        ("ＳＳＤ", "ssd"),
        ("STRAẞE", "strasse"),
        (unicodedata.normalize("NFD", "바지"), "바지"),
        (unicodedata.normalize("NFKC", "ㅂㅈ"), "ㅂㅈ"),  # NFKC makes conjoining jamo of them
        (unicodedata.normalize("NFKD", "바ㅈ"), "바ㅈ"),
        ("ﾊ", "ハ"),
    ],
)
def test_folding(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_words() -> None:
    assert split_words("Men's 김/해초 (국산) T-Shirts_2") == ["mens", "김", "해초", "국산", "t", "shirts", "2"]
    assert split_words(" >/ ") == []


def test_keys_are_those_of_a_korean_keyboard() -> None:
    assert to_keys("값비싼 봐 tv") == "ㄱㅏㅂㅅㅂㅣㅆㅏㄴ ㅂㅗㅏ tv"


def test_initials_that_an_input_method_joined_come_apart() -> None:
    assert spread_consonants("ㄳ") == "ㄱㅅ"
    assert spread_consonants("값ㅄ") == "값ㅂㅅ"


@pytest.mark.parametrize(
    ("typed", "becomes", "never"),
    [
        ("바", ["바", "밤", "밝"], ["배", "파"]),
        ("고", ["고", "과", "괜", "굉"], ["가", "교"]),
        ("밪", ["밪", "바지", "바자"], ["바치", "배지"]),
        ("발", ["발", "밝", "밟", "바로"], ["바시"]),
        ("밝", ["밝", "발가"], ["바가"]),
        ("값", ["값", "갑시"], ["가시"]),
        ("있", ["있", "이써"], ["이서"]),
        ("남성바", ["남성밤"], ["남성"]),
    ],
)
def test_a_half_typed_word(typed: str, becomes: list[str], never: list[str]) -> None:
    pattern = half_typed_pattern(typed)
    assert pattern
    assert all(re.fullmatch(pattern, word) for word in becomes)
    assert not any(re.fullmatch(pattern, word) for word in never)


def test_nothing_is_half_typed_about_letters_and_initials() -> None:
    assert half_typed_pattern("tv") is None
    assert half_typed_pattern("바ㅈ") is None
    assert half_typed_pattern("") is None


def test_initials_stand_for_their_syllables() -> None:
    assert re.fullmatch(strict_pattern("ㅂㅈ"), "바지")
    assert re.fullmatch(strict_pattern("바ㅈ"), "바지")
    assert not re.fullmatch(strict_pattern("ㅂㅈ"), "빠지")
    assert re.fullmatch(strict_pattern("a.c"), "a.c")
    assert not re.fullmatch(strict_pattern("a.c"), "abc")
