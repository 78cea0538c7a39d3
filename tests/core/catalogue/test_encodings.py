"""Encodings and delimiters told from a sample."""

from pathlib import Path

import pytest

from core.catalogue.encodings import check_delimiter, check_encoding, detect_delimiter, detect_encoding
from core.errors import InvalidInput

KOREAN = "상품명,가격\n여름 원피스 무료배송,1000\n남성 운동화 정품,2000\n똠방각하 뷁,3\n"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (KOREAN.encode(), "utf-8"),
        (KOREAN.encode("utf-8-sig"), "utf-8"),
        (KOREAN.encode("cp949"), "cp949"),
        (KOREAN.replace("똠방각하 뷁", "가방").encode("euc-kr"), "cp949"),
        (KOREAN.encode("utf-16"), "utf-16"),
        (b"title\ncap\n", "utf-8"),
        ("name;preis\n" + "Käse für Grünzeug, süß;1\nMöhren größer;2\n" * 30, "cp1252"),
        (b"title\n" + b"cap\n" * 300_000 + "모자\n".encode("cp949") * 3, "cp949"),
    ],
    ids=["utf-8", "bom", "cp949", "euc-kr", "utf-16", "ascii", "latin", "korean late in the file"],
)
def test_encodings(tmp_path: Path, content: bytes | str, encoding: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content.encode("cp1252") if isinstance(content, str) else content)
    assert detect_encoding(path) == encoding


def test_names_of_encodings() -> None:
    assert [check_encoding(name) for name in ("UTF8", "utf-8-sig", "EUC-KR", "ks_c_5601-1987", "MS949")] == [
        "utf-8",
        "utf-8",
        "cp949",
        "cp949",
        "cp949",
    ]
    for wrong in ("klingon", "base64", ""):
        with pytest.raises(InvalidInput):
            check_encoding(wrong)


@pytest.mark.parametrize(
    ("sample", "delimiter"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b;c\n1,5;2;3\n4,5;6;7\n", ";"),
        ("a\tb\nx, y\tz\n", "\t"),
        ("a|b\n1|2\n", "|"),
        ('a;b\n"x;y,z";2\n', ";"),
        ("title\nonly one\n", ","),
    ],
)
def test_delimiters(sample: str, delimiter: str) -> None:
    assert detect_delimiter(sample) == delimiter


def test_names_of_delimiters() -> None:
    assert [check_delimiter(name) for name in ("tab", "\\t", ";", "pipe", "^")] == ["\t", "\t", ";", "|", "^"]
    for wrong in ("ab", '"', "x", "\n", ""):
        with pytest.raises(InvalidInput):
            check_delimiter(wrong)
