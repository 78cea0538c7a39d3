"""Columns: proposed from English, Korean, German and Spanish headings; separators and decimal signs told."""

from pathlib import Path

import pytest

from core.catalogue.columns import (
    check_columns,
    detect_decimal_comma,
    detect_separator,
    is_taxonomy,
    parse_columns,
    propose_columns,
    unique_headings,
)
from core.catalogue.import_options import ImportOptions
from core.catalogue.import_plan import plan_import
from core.errors import InvalidInput

ALL = "external_id,title,brand,mall,category,price,image,registered_at"


@pytest.mark.parametrize(
    ("headings", "expected"),
    [
        ("id,title,brand,mall,category,price,image,date", ALL),
        ("상품번호,상품명,브랜드,쇼핑몰,카테고리,판매가,이미지 URL,등록일", ALL),
        ("artikelnummer,Bezeichnung,Marke,Händler,Kategorie,Preis,Bild,Datum", ALL),
        ("id,nombre,marca,tienda,categoría,precio,imagen,fecha", ALL),
        ("Product ID,Product_Name,Store,Store Category", "external_id,title,mall,mall_category"),
    ],
)  # fmt: skip
def test_headings_of_four_languages(headings: str, expected: str) -> None:
    proposal = propose_columns(headings.split(","))
    assert proposal == {field: (name,) for field, name in zip(expected.split(","), headings.split(","), strict=True)}


@pytest.mark.parametrize(
    ("headings", "levels"),
    [
        ("name,level2,level1,category_code", ("level1", "level2")),
        ("상품명,대분류,중분류,소분류", ("대분류", "중분류", "소분류")),
        ("nombre,categoria_L1,categoria_L2,categoria_L3", ("categoria_L1", "categoria_L2", "categoria_L3")),
        ("title,1차 카테고리,2차 카테고리", ("1차 카테고리", "2차 카테고리")),
        ("title,category_code", ("category_code",)),
    ],
)
def test_a_category_in_levels_or_as_a_code(headings: str, levels: tuple[str, ...]) -> None:
    assert propose_columns(headings.split(","))["category"] == levels


@pytest.mark.real_data
def test_the_real_files_map_by_themselves(real_data: Path) -> None:
    plan = plan_import(real_data / "heissepreise/products_labelled.csv.gz", ImportOptions())
    assert plan.options.columns == {
        "title": ("name",),
        "external_id": ("id",),
        "category": ("level1", "level2"),
        "mall": ("store",),
        "price": ("price",),
        "registered_at": ("first_seen",),
    }
    assert (plan.shape.encoding, plan.shape.delimiter, plan.bad) == ("utf-8", ",", [])
    spanish = plan_import(real_data / "mercadona/productos.csv", ImportOptions())
    assert spanish.options.columns["category"] == ("categoria_L1", "categoria_L2", "categoria_L3")
    assert spanish.options.columns["title"] == ("nombre",)
    for name in ("naver-categories/naver_categories.csv", "shopify-taxonomy/categories_en_ko_ja.csv"):
        assert plan_import(real_data / name, ImportOptions()).is_taxonomy


def test_product_files_are_no_taxonomies() -> None:
    assert not is_taxonomy(["name", "category"])
    assert not is_taxonomy(["image", "label"])
    assert is_taxonomy(["code", "level1", "level2"])


@pytest.mark.parametrize(
    ("values", "separator"),
    [
        (["패션>의류", "식품>과일"], ">"),
        (["A | B", "C | D"], "|"),
        (["A::B", "C"], "::"),
        (["의류/액세서리", "식품", "가전"], ""),
        (["패션/의류", "식품/과일"], "/"),
        (["A, B", "C"], ""),
        (["", " "], ""),
    ],
)
def test_separators(values: list[str], separator: str) -> None:
    assert detect_separator(values) == separator


def test_decimal_comma_only_without_points() -> None:
    assert detect_decimal_comma(["3,99", "12,5 €"])
    assert not detect_decimal_comma(["3,99", "1.50"])
    assert not detect_decimal_comma(["12,900원"])


def test_columns_as_text() -> None:
    assert parse_columns("title=name, id=no,category=level1+level2,brand=") == {
        "title": ("name",),
        "external_id": ("no",),
        "category": ("level1", "level2"),
        "brand": (),
    }
    for wrong in ("title", "name=title", "=x", "titel=name"):
        with pytest.raises(InvalidInput):
            parse_columns(wrong)


def test_columns_are_checked_against_the_file() -> None:
    check_columns({"title": ("a",), "category": ("b", "c")}, ["a", "b", "c"])
    for wrong in ({}, {"title": ("x",)}, {"title": ("a",), "brand": ("b", "c")}):
        with pytest.raises(InvalidInput):
            check_columns(wrong, ["a", "b", "c"])


def test_headings_are_told_apart() -> None:
    assert unique_headings(["a", "a", " b\n c ", "", "a (2)"]) == (
        ["a", "a (2)", "b c", "column 4", "a (2) (2)"],
        ["a", "a (2)"],
    )
