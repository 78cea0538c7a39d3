"""Cells: prices and dates as shops write them, text made clean, the rest refused."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from core.catalogue.values import Bad, Memo, clean_text, to_price, to_text, to_time, to_title


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("2.99", "2.99"),
        ("1,234.50", "1234.50"),
        ("1.234,50", "1234.50"),
        ("12 900원", "12900"),
        ("₩12,900", "12900"),
        ("3,99", "3.99"),
        ("1,234,567", "1234567"),
        ("1'299.00 CHF", "1299"),
        ("EUR 3.-", "3"),
        ("０", "0"),
        (".5", "0.5"),
    ],
)
def test_prices(text: str, price: str) -> None:
    assert to_price(text) == Decimal(price)


def test_a_point_before_three_digits_separates_thousands_where_commas_are_decimal() -> None:
    assert to_price("12.900") == Decimal("12.90")
    assert to_price("12.900", decimal_comma=True) == Decimal("12900")
    assert to_price("12,900", decimal_comma=True) == Decimal("12.90")


@pytest.mark.parametrize("text", ["", "-", "NaN", "null", "N/A"])
def test_words_for_nothing(text: str) -> None:
    assert to_price(text) is to_text(text) is to_time(text) is None


@pytest.mark.parametrize("text", ["ask us", "-3", "2 x 5", "9999999999999", "1e5", "1\0"])
def test_what_is_no_price(text: str) -> None:
    assert isinstance(to_price(text), Bad)


@pytest.mark.parametrize(
    "text",
    [
        "2023-05-15",
        "20230515",
        "2023.05.15",
        "2023/5/15",
        "2023. 5. 15.",
        "2023년 5월 15일",
        "15.05.2023",
        "05/15/2023",
    ],
)
def test_dates(text: str) -> None:
    assert to_time(text) == datetime(2023, 5, 15, tzinfo=UTC)


def test_times_and_zones() -> None:
    assert to_time("2023-05-15T09:30:00+09:00") == datetime(2023, 5, 15, 0, 30, tzinfo=UTC)
    assert to_time("2023.05.15 10:11:12") == datetime(2023, 5, 15, 10, 11, 12, tzinfo=UTC)
    assert to_time("1684108800") == datetime(2023, 5, 15, tzinfo=UTC)
    assert to_time("03/04/2023", date_order="mdy") == datetime(2023, 3, 4, tzinfo=UTC)
    assert to_time("03/04/2023", date_order="dmy") == datetime(2023, 4, 3, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2023-13-01", "yesterday", "20231345", "0001-01-01", "99999999999999", "03/04/2023"])
def test_what_is_no_date(text: str) -> None:
    assert isinstance(to_time(text), Bad)


def test_text_is_made_clean() -> None:
    assert clean_text(" a\u00a0 b\t\u0007c\ufeff ") == "a b c"
    assert clean_text("\u1112\u1161\u11ab") == "한"
    assert clean_text("👩\u200d🔧") == "👩\u200d🔧"
    assert clean_text("x\ud800y\u202e") == "x y"
    assert isinstance(to_title(" \u200b"), Bad)
    assert isinstance(to_title("x" * 2_001), Bad)
    assert to_title("None") == "None"  # a title may be such a word


def test_a_memo_stays_small() -> None:
    calls: list[str] = []

    def convert(text: str) -> str:
        calls.append(text)
        return text.upper()

    memo = Memo(convert, limit=2)
    assert [memo[text] for text in "aabbca"] == ["A", "A", "B", "B", "C", "A"]
    assert calls == ["a", "b", "c", "a"]
    assert len(memo) <= 2
