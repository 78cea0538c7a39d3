"""Products to numbers: weighted n-grams of every field and SentencePiece ids, as sparse matrices."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.config import TitleModelConfig
from models.ngrams import Hashes, Owners, hash_char_ngrams, hash_edge_words, hash_word_ngrams
from models.tokenizer import Tokenizer, normalise
from models.types import Products

TITLE_LETTERS, TITLE_WORDS, MALL_LETTERS, MALL_WORDS, BRAND = range(5)
N_SEGMENTS = 5
N_PIECE_FIELDS = 3  # title, mall category, brand
CHUNK = 10_000  # products hashed at a time: bounds the memory
_NOT_A_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class NormalTexts:
    """Texts in normal form, one entry a product."""

    titles: list[str]
    mall_categories: list[str]
    brands: list[str]
    mall_weights: NDArray[np.float32]  # (N,)


@dataclass(frozen=True)
class Encoded:
    """N products as two sparse matrices, and where the mall category's columns lie in them."""

    ngrams: sparse.csr_matrix  # (N, R) float32: tf-idf, each segment of a row of length 1
    pieces: sparse.csr_matrix  # (N, 3 * V) float32: 1 / number of pieces, one block of V a field
    mall_ngrams: tuple[int, int]  # columns from, to
    mall_pieces: tuple[int, int]

    def __len__(self) -> int:
        return int(self.ngrams.shape[0])


@dataclass(frozen=True)
class NgramVocabulary:
    """The n-grams a model knows. A column of `Encoded.ngrams` is a position here."""

    hashes: NDArray[np.uint32]  # (R,) rising within a segment
    idf: NDArray[np.float32]  # (R,) >= 1, high is rare; to the power of config.idf_power
    starts: NDArray[np.int64]  # (N_SEGMENTS + 1,) where a segment begins

    def __len__(self) -> int:
        return len(self.hashes)

    def find(self, segment: int, hashes: Hashes) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """(columns, whether it is known) of n-grams of one segment."""
        first, last = self.starts[segment], self.starts[segment + 1]
        known = self.hashes[first:last]
        if not len(known):
            return np.zeros(len(hashes), np.int64), np.zeros(len(hashes), bool)
        places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
        return places + first, known[places] == hashes


def normalise_texts(texts: Products, max_characters: int) -> NormalTexts:
    """Normal form of every field. Without mall weights every mall category counts fully."""
    weights = np.ones(len(texts), np.float32) if texts.mall_weights is None else texts.mall_weights
    return NormalTexts(
        _normalised(texts.titles, max_characters),
        _normalised(texts.mall_categories, max_characters),
        _normalised(texts.brands, max_characters),
        np.asarray(weights, np.float32),
    )


def _normalised(texts: Sequence[str], max_characters: int) -> list[str]:
    return [normalise(text, max_characters) if text else "" for text in texts]  # many have no mall category or brand


def learn_vocabulary(texts: NormalTexts, config: TitleModelConfig, max_rows: int) -> NgramVocabulary:
    """The n-grams of the training texts; of more than `max_rows` those in the most products are kept."""
    names: list[Hashes] = [np.empty(0, np.uint32)] * N_SEGMENTS
    counts: list[NDArray[np.int64]] = [np.empty(0, np.int64)] * N_SEGMENTS
    for start in range(0, len(texts.titles), CHUNK):
        for segment, hashes, owners in _hash_segments(_cut(texts, start), config):
            once = np.unique(hashes.astype(np.uint64) << np.uint64(32) | owners.astype(np.uint64))
            found, n = np.unique((once >> np.uint64(32)).astype(np.uint32), return_counts=True)
            names[segment], counts[segment] = _add_counts(names[segment], counts[segment], found, n)
    least = _least_count(np.concatenate(counts), config.min_ngram_rows, max_rows)
    kept = [n >= least for n in counts]
    n_rows = np.concatenate([n[keep] for n, keep in zip(counts, kept, strict=True)])  # (R,)
    idf = np.log((1 + len(texts.titles)) / (1 + n_rows)) + 1
    return NgramVocabulary(
        hashes=np.concatenate([name[keep] for name, keep in zip(names, kept, strict=True)]),
        idf=(idf**config.idf_power).astype(np.float32),
        starts=np.cumsum([0, *(int(keep.sum()) for keep in kept)]),
    )


def encode(texts: NormalTexts, vocabulary: NgramVocabulary, tokenizer: Tokenizer, config: TitleModelConfig) -> Encoded:
    """Both matrices of the products. Rows are independent of each other."""
    size = tokenizer.vocabulary_size
    return Encoded(
        ngrams=encode_ngrams(texts, vocabulary, config),
        pieces=_stack([_encode_pieces(cut, tokenizer) for cut in _cuts(texts)]),
        mall_ngrams=(int(vocabulary.starts[MALL_LETTERS]), int(vocabulary.starts[BRAND])),
        mall_pieces=(size, 2 * size),
    )


def encode_ngrams(texts: NormalTexts, vocabulary: NgramVocabulary, config: TitleModelConfig) -> sparse.csr_matrix:
    """(N, R) float32, the n-grams alone: `Encoded.ngrams`."""
    return _stack([_encode_ngrams(cut, vocabulary, config) for cut in _cuts(texts)])


def _encode_ngrams(texts: NormalTexts, vocabulary: NgramVocabulary, config: TitleModelConfig) -> sparse.csr_matrix:
    n = len(texts.titles)
    columns, rows, values = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0, np.float32)]
    for segment, hashes, owners in _hash_segments(texts, config):
        found, known = vocabulary.find(segment, hashes)
        found, owners = found[known], owners[known]
        weights = vocabulary.idf[found]
        length = np.sqrt(np.bincount(owners, weights.astype(np.float64) ** 2, n))  # (N,) of the segment's vector
        weights = weights / np.maximum(length, 1e-9).astype(np.float32)[owners]
        if segment in (MALL_LETTERS, MALL_WORDS):
            weights = weights * texts.mall_weights[owners]
        columns.append(found)
        rows.append(owners)
        values.append(weights.astype(np.float32))
    triplets = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.csr_matrix(triplets, shape=(n, len(vocabulary)))  # adds up repeated n-grams


def _encode_pieces(texts: NormalTexts, tokenizer: Tokenizer) -> sparse.csr_matrix:
    n, size = len(texts.titles), tokenizer.vocabulary_size
    columns, rows, values = [], [], []
    for field, words in enumerate((texts.titles, texts.mall_categories, texts.brands)):
        pieces, owners = tokenizer.encode(words)
        weights = 1.0 / np.maximum(np.bincount(owners, minlength=n), 1)[owners]
        if field == 1:
            weights = weights * texts.mall_weights[owners]
        columns.append(pieces + field * size)
        rows.append(owners)
        values.append(weights.astype(np.float32))
    triplets = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.csr_matrix(triplets, shape=(n, N_PIECE_FIELDS * size))


def _hash_segments(texts: NormalTexts, config: TitleModelConfig) -> Iterator[tuple[int, Hashes, Owners]]:
    """(segment, hashes of its n-grams, the product each is from)."""
    titles, malls, brands = texts.titles, texts.mall_categories, texts.brands
    yield TITLE_LETTERS, *hash_char_ngrams(titles, config.char_ngrams, TITLE_LETTERS)
    words = [_words(text) for text in titles]
    inner, edges = hash_word_ngrams(words, config.word_ngrams, TITLE_WORDS), hash_edge_words(words, TITLE_WORDS)
    yield TITLE_WORDS, np.concatenate([inner[0], edges[0]]), np.concatenate([inner[1], edges[1]])
    if any(malls):
        yield MALL_LETTERS, *hash_char_ngrams(malls, config.char_ngrams, MALL_LETTERS)
        yield MALL_WORDS, *hash_word_ngrams([_words_and_all(text) for text in malls], config.word_ngrams, MALL_WORDS)
    if any(brands):
        yield BRAND, *hash_word_ngrams([_words_and_all(text) for text in brands], (1, 1), BRAND)


def _words(text: str) -> str:
    return _NOT_A_WORD.sub(" ", text).strip()


def _words_and_all(text: str) -> str:
    """The words and, as one word more, all of them: a whole path or brand name is a feature of its own."""
    words = _words(text)
    return f"{words} {words.replace(' ', '')}" if " " in words else words


def _cuts(texts: NormalTexts) -> list[NormalTexts]:
    return [_cut(texts, start) for start in range(0, max(1, len(texts.titles)), CHUNK)]


def _cut(texts: NormalTexts, start: int) -> NormalTexts:
    part = slice(start, start + CHUNK)
    return NormalTexts(texts.titles[part], texts.mall_categories[part], texts.brands[part], texts.mall_weights[part])


def _add_counts(
    names: Hashes, counts: NDArray[np.int64], more: Hashes, n: NDArray[np.int64]
) -> tuple[Hashes, NDArray[np.int64]]:
    """Two sorted lists of names with counts as one."""
    merged, places = np.unique(np.concatenate([names, more]), return_inverse=True)
    total = np.bincount(places, np.concatenate([counts, n]), len(merged))
    return merged, total.astype(np.int64)


def _least_count(counts: NDArray[np.int64], least: int, max_rows: int) -> int:
    """The smallest count, at least `least`, from which on no more than `max_rows` n-grams remain."""
    if (counts >= least).sum() <= max_rows:
        return least
    return int(np.partition(counts, len(counts) - max_rows)[len(counts) - max_rows]) + 1


def _stack(parts: list[sparse.csr_matrix]) -> sparse.csr_matrix:
    return parts[0] if len(parts) == 1 else sparse.vstack(parts, format="csr")
