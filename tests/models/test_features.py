"""Products as sparse rows: lengths, unknown n-grams, the mall category's columns."""

from dataclasses import replace

import numpy as np
import pytest

from models import features
from models.features import N_SEGMENTS, NormalTexts, encode, learn_vocabulary, normalise_texts
from models.fit import drop_columns
from models.tokenizer import train_tokenizer
from models.types import Products
from tests.models.made_up import QUICK, make_rows


def normal(texts: Products) -> NormalTexts:
    return normalise_texts(texts, 500)


@pytest.fixture
def texts() -> NormalTexts:
    return normal(make_rows(50).products)


def test_every_segment_of_a_row_has_length_1(texts: NormalTexts) -> None:
    vocabulary = learn_vocabulary(texts, QUICK, 10**6)
    encoded = encode(texts, vocabulary, train_tokenizer(texts.titles, 300, 1), QUICK)
    for segment in range(N_SEGMENTS):
        columns = slice(int(vocabulary.starts[segment]), int(vocabulary.starts[segment + 1]))
        lengths = np.sqrt(encoded.ngrams[:, columns].power(2).sum(1))
        assert np.all((np.abs(lengths - 1) < 0.2) | (lengths == 0))  # repeated n-grams add up after the division
    assert encoded.ngrams.shape == (50, len(vocabulary))


def test_pieces_of_a_field_are_averaged(texts: NormalTexts) -> None:
    tokenizer = train_tokenizer(texts.titles, 300, 1)
    pieces = encode(texts, learn_vocabulary(texts, QUICK, 10**6), tokenizer, QUICK).pieces
    title = pieces[:, : tokenizer.vocabulary_size].sum(1)
    assert np.allclose(title, 1.0)


def test_unknown_ngrams_are_left_out(texts: NormalTexts) -> None:
    vocabulary = learn_vocabulary(texts, QUICK, 10**6)
    stranger = normal(Products(["ЖЖЖЖ"], [""], [""]))
    encoded = encode(stranger, vocabulary, train_tokenizer(texts.titles, 300, 1), QUICK)
    assert encoded.ngrams.nnz == 0


def test_a_chunk_boundary_changes_nothing(texts: NormalTexts, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = train_tokenizer(texts.titles, 300, 1)
    vocabulary = learn_vocabulary(texts, QUICK, 10**6)
    whole = encode(texts, vocabulary, tokenizer, QUICK)
    monkeypatch.setattr(features, "CHUNK", 7)
    again = learn_vocabulary(texts, QUICK, 10**6)
    assert (again.hashes == vocabulary.hashes).all()
    assert np.allclose(again.idf, vocabulary.idf)
    cut = encode(texts, vocabulary, tokenizer, QUICK)
    assert abs(cut.ngrams - whole.ngrams).max() < 1e-6
    assert abs(cut.pieces - whole.pieces).max() < 1e-6


def test_of_too_many_ngrams_the_frequent_ones_stay(texts: NormalTexts) -> None:
    everything = learn_vocabulary(texts, QUICK, 10**6)
    few = learn_vocabulary(texts, QUICK, 100)
    assert 0 < len(few) <= 100
    assert set(few.hashes.tolist()) < set(everything.hashes.tolist())
    assert few.idf.max() <= everything.idf.max()
    frequent = learn_vocabulary(texts, replace(QUICK, min_ngram_rows=5), 10**6)
    assert 0 < len(frequent) < len(everything)


def test_the_mall_category_can_be_dropped_row_by_row() -> None:
    texts = normal(Products(["바지", "바지"], ["의류>바지", "의류>바지"], ["", ""]))
    vocabulary = learn_vocabulary(texts, QUICK, 10**6)
    encoded = encode(texts, vocabulary, train_tokenizer(["바지", "의류"], 300, 1), QUICK)
    dropped = drop_columns(encoded.ngrams[[0, 1]], encoded.mall_ngrams, np.array([True, False]))
    mall = slice(*encoded.mall_ngrams)
    assert dropped[[0], mall].sum() == 0
    assert dropped[[1], mall].sum() > 0
    assert abs(dropped[[0], : mall.start] - encoded.ngrams[[0], : mall.start]).max() == 0
