"""Near-duplicates: what belongs together, what does not, and that no chain swallows a shelf."""

import random

import pytest

from core.training.near_duplicates import fold_title, group_titles, is_similar
from tests.core.training.shelf import make_titles

SAME = [
    ("서울우유 흰우유 1L x 2개", "[무료배송] 서울우유 흰우유 500ml"),
    ("나이키 에어맥스 운동화 270mm", "운동화 나이키 에어맥스 (정품) 265"),
    ("다이슨 무선 청소기 V12", "다이슨 무선청소기 V10"),
    ("Clever Bio-Vollmilch 3,5% 1 Liter", "CLEVER Bio Vollmilch 0.5l"),
    ("Manner Original Neapolitaner Schnitten", "Manner Original Neapolitaner Schniten"),
    ("ＮＩＫＥ　에어포스 화이트 스니커즈", "nike 에어포스 화이트 스니커즈"),
]
OTHER = [
    ("나이키 남성 운동화 블랙", "아디다스 여성 슬리퍼 화이트"),
    ("Clever Joghurt Erdbeer", "Clever Joghurt Himbeere Banane"),
    ("Rauch Eistee Pfirsich", "Rauch Orangensaft"),
    ("청바지", "반바지"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_variants_of_one_title_share_a_group(one: str, other: str) -> None:
    groups = group_titles([one, "something else entirely", other])
    assert groups.tolist() == [0, 1, 0]


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_other_products_do_not(one: str, other: str) -> None:
    assert group_titles([one, other]).tolist() == [0, 1]


@pytest.mark.parametrize("title", ["", " ", "!!!", "12345", "1+1", "무료배송", "\ud800", "a", "가" * 5_000])
def test_any_title_has_a_group(title: str) -> None:
    assert fold_title(title)
    assert group_titles([title, "x", title]).tolist()[2] == 0
    assert group_titles([]).tolist() == []


def test_all_similar_pairs_are_found_whatever_the_order() -> None:
    chance = random.Random(2)
    titles = [f"{one} {other}" for one, other in zip(make_titles("바지", 150), make_titles("신발", 150), strict=True)]
    slips = []
    for title in titles:
        place = chance.randrange(3, len(title) - 1)
        slips.append(title[:place] + "휗" + title[place + 1 :])  # one wrong letter
    shuffled = titles + slips
    chance.shuffle(shuffled)
    groups = dict(zip(shuffled, group_titles(shuffled).tolist(), strict=True))
    similar = [
        (a, b) for a, b in zip(titles, slips, strict=True) if is_similar(*("".join(fold_title(t)) for t in (a, b)))
    ]
    assert len(similar) > 100
    assert all(groups[a] == groups[b] for a, b in similar)
    again = group_titles(sorted(shuffled)).tolist()
    assert len(set(again)) == len(set(groups.values()))


def test_a_family_of_products_does_not_chain_into_one_group() -> None:
    words = ["apfel", "birne", "kirsche", "traube", "mango", "kiwi", "pflaume", "quitte", "zitrone", "orange"]
    titles = [f"Landliebe {one} {other} Joghurt" for one in words for other in words if one != other]
    groups = group_titles(titles).tolist()
    assert max(groups.count(group) for group in set(groups)) <= 2  # the same two fruits in the other order
