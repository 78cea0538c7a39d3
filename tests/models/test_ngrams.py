"""Hashed n-grams against a plain loop over the same texts."""

import itertools

import numpy as np
import pytest

from models.ngrams import Hashes, Owners, hash_char_ngrams, hash_edge_words, hash_word_ngrams

TEXTS = ["blue jeans", "", "a", "청바지 여성 청바지", "x y z", "👖", "jeans blue", "one-word"]


def char_ngrams(text: str, lengths: tuple[int, int]) -> list[str]:
    return [
        padded[start : start + n]
        for n in range(lengths[0], lengths[1] + 1)
        for padded in (f" {word} " for word in text.split())
        for start in range(len(padded) - n + 1)
        if padded[start : start + n].strip()
    ]


def same_grouping(names: list[tuple[int, str]], hashes: Hashes, owners: Owners) -> None:
    """Every text has as many n-grams as expected, and equal ones, and only those, have equal hashes."""
    for row in range(len(TEXTS)):
        assert (owners == row).sum() == sum(owner == row for owner, _ in names)
    counts = sorted(np.unique([name for _, name in names], return_counts=True)[1].tolist())
    assert sorted(np.unique(hashes, return_counts=True)[1].tolist()) == counts


@pytest.mark.parametrize("lengths", [(2, 5), (1, 1), (1, 3), (3, 3), (4, 8)])
def test_letters_in_words(lengths: tuple[int, int]) -> None:
    hashes, owners = hash_char_ngrams(TEXTS, lengths, space=0)
    same_grouping(
        [(row, gram) for row, text in enumerate(TEXTS) for gram in char_ngrams(text, lengths)], hashes, owners
    )


@pytest.mark.parametrize("lengths", [(1, 1), (1, 2), (2, 2)])
def test_words_and_pairs(lengths: tuple[int, int]) -> None:
    names = []
    for row, text in enumerate(TEXTS):
        words = text.split()
        names += [(row, word) for word in words] if lengths[0] == 1 else []
        names += [(row, f"{a} {b}") for a, b in itertools.pairwise(words)] if lengths[1] == 2 else []
    hashes, owners = hash_word_ngrams(TEXTS, lengths, space=1)
    same_grouping(names, hashes, owners)


def test_a_text_alone_has_the_hashes_it_has_among_others() -> None:
    together, owners = hash_char_ngrams(TEXTS, (2, 5), space=0)
    alone, _ = hash_char_ngrams([TEXTS[3]], (2, 5), space=0)
    assert sorted(together[owners == 3].tolist()) == sorted(alone.tolist())


def test_the_order_of_two_words_is_another_pair() -> None:
    forth, _ = hash_word_ngrams(["blue jeans"], (2, 2), space=0)
    back, _ = hash_word_ngrams(["jeans blue"], (2, 2), space=0)
    assert forth.tolist() != back.tolist()


def test_the_first_and_the_last_word() -> None:
    hashes, owners = hash_edge_words(TEXTS, space=0)
    assert sorted(owners.tolist()) == sorted([row for row, text in enumerate(TEXTS) if text] * 2)
    edge = {row: hashes[owners == row].tolist() for row in range(len(TEXTS))}
    assert edge[0][0] != edge[6][0]  # "blue jeans", "jeans blue": other words in the same places
    assert not set(edge[0]) & set(edge[6])  # the same words in other places
    assert len(set(edge[2])) == 2  # one word is both


def test_another_field_has_other_hashes() -> None:
    title, _ = hash_char_ngrams(["jeans"], (2, 5), space=0)
    mall, _ = hash_char_ngrams(["jeans"], (2, 5), space=2)
    assert not set(title.tolist()) & set(mall.tolist())


def test_no_texts_have_no_ngrams() -> None:
    for texts in ([], ["", ""]):
        assert len(hash_char_ngrams(texts, (2, 5), space=0)[0]) == 0
        assert len(hash_word_ngrams(texts, (1, 2), space=0)[0]) == 0
        assert len(hash_edge_words(texts, space=0)[0]) == 0
