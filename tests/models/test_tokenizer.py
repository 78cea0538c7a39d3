"""Normal form, and subwords of catalogues of any size."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest

from models.tokenizer import Tokenizer, normalise, train_tokenizer


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("", ""),
        ("   \t\n ", ""),
        ("Nike  에어  맥스", "nike 에어 맥스"),
        ("ＮＩＫＥ　１２３", "nike 123"),  # full width
        (unicodedata.normalize("NFD", "청바지 여성"), "청바지 여성"),
        ("a\x00b\x07c", "a b c"),
        ("zero\u200bwidth", "zero width"),
        ("\ud83d half of a pair", "half of a pair"),
        ("👖👖 jeans", "👖👖 jeans"),
        ("ㅋㅋ", "ᄏᄏ"),  # NFKC makes loose letters one kind of jamo
    ],
)
def test_normal_form(text: str, normal: str) -> None:
    assert normalise(text, 100) == normal


def test_normal_form_of_a_normal_form_is_itself() -> None:
    for text in ("Ⅷ ½ ﬁne", "청바지", "İstanbul", "Straße ẞ", "ㅋㅋ", "①②"):
        assert normalise(normalise(text, 100), 100) == normalise(text, 100)


def test_a_title_of_100_kilobytes_is_cut() -> None:
    assert normalise("바지 " * 30_000, 500) == ("바지 " * 200).strip()[:500].rstrip()


def test_a_decomposed_title_is_cut_at_the_same_place() -> None:
    title = "각" * 1000
    assert normalise(unicodedata.normalize("NFD", title), 500) == normalise(title, 500) == title[:500]


@pytest.mark.parametrize(
    "titles",
    [
        ["a"],
        ["", ""],
        ["사과", "바나나", "x", "y z", "딸기"],
        ["👖", "ᄏᄏ", "한"],
        ["same title"] * 30,
        ["가" * 500],
    ],
)
def test_a_tiny_catalogue_gets_a_small_vocabulary(titles: list[str]) -> None:
    tokenizer = train_tokenizer(titles, 20_000, seed=1)
    assert 1 <= tokenizer.vocabulary_size < 600
    pieces, owners = tokenizer.encode(titles)
    assert len(pieces) == len(owners)
    assert set(owners.tolist()) == {row for row, title in enumerate(titles) if title}


def test_the_model_travels_as_bytes_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    titles = [f"titel nummer {n} für tests" for n in range(200)]
    tokenizer = train_tokenizer(titles, 50, seed=1)
    again = Tokenizer(tokenizer.model)
    assert (again.encode(titles)[0] == tokenizer.encode(titles)[0]).all()
    assert tokenizer.vocabulary_size <= 50
    assert not list(tmp_path.iterdir())


def test_the_same_titles_give_the_same_model() -> None:
    titles = [f"produkt {n} 상품" for n in range(300)]
    assert train_tokenizer(titles, 100, seed=1).model == train_tokenizer(titles, 100, seed=1).model


@pytest.mark.parametrize("size", [1, 5, 20_000, 10_000_000])
def test_any_vocabulary_size_works_whatever_the_corpus_carries(size: int) -> None:
    titles = ["청바지 여성", "운동화 남성", "청바지 남성"]
    tokenizer = train_tokenizer(titles, size, seed=1)
    assert 10 <= tokenizer.vocabulary_size < 60
    assert len(set(tokenizer.encode(titles)[1].tolist())) == 3


def test_titles_of_the_blank_sign_alone_give_no_pieces() -> None:
    tokenizer = train_tokenizer(["\u2581", " "], 100, seed=1)
    assert tokenizer.vocabulary_size == 1
    assert not len(tokenizer.encode(["\u2581"])[0])
    assert tokenizer.cuts(["\u2581"], 2)[2].tolist() == [[0.0, -np.inf]]


def pieces_of(tokenizer: Tokenizer, found: np.ndarray, owners: np.ndarray, owner: int) -> list[str]:
    return [tokenizer.piece(int(number)) for number in found[owners == owner]]


def test_a_title_can_be_cut_in_several_ways_the_likeliest_first() -> None:
    titles = ["", "x", *[f"produkt nummer {n} für tests" for n in range(200)]]
    tokenizer = train_tokenizer(titles, 200, seed=1)
    plain, plain_owners = tokenizer.encode(titles)
    pieces, owners, logs = tokenizer.cuts(titles, 4)
    assert logs.shape == (202, 4)
    assert np.isfinite(logs[2:, :2]).all()
    assert (logs[2:, 0] >= logs[2:, 1]).all()
    assert logs[0].tolist() == [0.0, -np.inf, -np.inf, -np.inf]
    for row in (1, 2, 99, 201):
        ways = [pieces_of(tokenizer, pieces, owners, row * 4 + place) for place in range(4)]
        ways = [way for way, log in zip(ways, logs[row], strict=True) if np.isfinite(log)]
        assert ways[0] == pieces_of(tokenizer, plain, plain_owners, row)
        assert {"".join(way) for way in ways} == {f" {titles[row]}"}
        assert len({tuple(way) for way in ways}) == len(ways)


def test_symbols_are_never_cut() -> None:
    symbols = ["1+1", "free gift", "a,b"]
    titles = ["sac à main 1+1", "free gift sac", "a,b sac", "sac de voyage"] * 20
    tokenizer = train_tokenizer(titles, 60, seed=1, symbols=symbols)
    again = Tokenizer(tokenizer.model)
    pieces, owners, logs = again.cuts(titles, 3)
    for row, symbol in ((0, "1+1"), (1, "free gift"), (2, "a,b")):
        assert symbol in pieces_of(tokenizer, *again.encode(titles), row)
        assert symbol in pieces_of(tokenizer, pieces, owners, 3 * row)
        assert np.isfinite(logs[row]).tolist() == [True, False, False]
    assert np.isfinite(logs[3]).all()
