"""Attributes read from titles: words, compounds, sizes, amounts, and what only looks like one."""

import unicodedata

import pytest

from core.catalogue.attributes.lexicon import shown_value
from core.catalogue.attributes.reading import read_attributes


def pairs(text: str) -> set[tuple[str, str]]:
    return {(attribute.name, attribute.value) for attribute in read_attributes(text)}


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        (
            "[르네뷔] 여성 울혼방 니트 블랙 55-88",
            {("gender", "women"), ("material", "wool"), ("colour", "black"), ("size", "55~88")},
        ),
        (
            "24FW 남자 소가죽 구두 270mm",
            {("season", "winter"), ("gender", "men"), ("material", "leather"), ("size", "270mm")},
        ),
        ("스카이블루원피스 S~XL", {("colour", "sky_blue"), ("size", "S~XL")}),
        ("인조가죽 소파 아이보리", {("material", "faux_leather"), ("colour", "ivory")}),
        ("샴푸 500ml 1+1", {("quantity", "500 ml"), ("quantity", "1+1")}),
        ("강아지 사료 1,5 kg 2팩", {("quantity", "1.5 kg"), ("quantity", "2 packs")}),
        ("봄가을 트렌치", {("season", "spring"), ("season", "autumn")}),
        ("Damen Pullover schwarz 2XL", {("gender", "women"), ("colour", "black"), ("size", "2XL")}),
        ("Leche 1 L", {("quantity", "1 l")}),
        ("러그 150x200cm", {("size", "150x200cm")}),
    ],
)
def test_what_a_title_says(title: str, expected: set[tuple[str, str]]) -> None:
    assert expected <= pairs(title)
    assert pairs(unicodedata.normalize("NFD", title)) == pairs(title)


@pytest.mark.parametrize(
    "title",
    ["블루투스 이어폰", "여자친구 선물", "곰탕면", "redmi note", "", "감귤 레드향", "아메리카노", "100% 정품"],
)
def test_what_only_looks_like_an_attribute(title: str) -> None:
    assert pairs(title) == set()


def test_a_word_that_tells_other_things_is_marked_ambiguous() -> None:
    (attribute,) = read_attributes("면")
    assert (attribute.value, attribute.is_ambiguous) == ("cotton", True)
    assert not read_attributes("순면")[0].is_ambiguous


def test_values_are_shown_in_the_language_of_the_person() -> None:
    assert shown_value("colour", "sky_blue", "ko") == "스카이블루"
    assert shown_value("colour", "sky_blue", "en") == "skyblue"
    assert shown_value("quantity", "500 ml", "ko") == "500 ml"
    assert shown_value("quantity", "2 kinds", "ko") == "2종"
    assert shown_value("quantity", "2 kinds", "en") == "2 kinds"
    assert shown_value("size", "super single", "ko") == "슈퍼싱글"
