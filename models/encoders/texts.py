"""Products to tokens: SentencePiece pieces and hashed n-grams of each field, each field a segment of its own."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.encoders.config import EncoderConfig
from models.ngrams import hash_char_ngrams, hash_word_ngrams
from models.tokenizer import Tokenizer, normalise
from models.types import Products

TITLE, MALL_CATEGORY, BRAND = range(3)
N_FIELDS = 3
_NOT_A_WORD = re.compile(r"[\W_]+")
_CHUNK = 10_000  # products hashed at a time: bounds the memory


@dataclass(frozen=True)
class Ragged:
    """Rows of different lengths, one behind the other: row i holds values[starts[i]:starts[i + 1]]."""

    values: NDArray[np.int32]  # (n,)
    starts: NDArray[np.int64]  # (R + 1,)

    @classmethod
    def of(cls, values: NDArray[np.int64], owners: NDArray[np.int64], n_rows: int) -> "Ragged":
        """From values and the row of each; owners rise."""
        sizes = np.bincount(owners, minlength=n_rows)
        return cls(values.astype(np.int32), np.concatenate([[0], np.cumsum(sizes)]))

    @property
    def sizes(self) -> NDArray[np.int64]:
        return np.diff(self.starts)

    def take(self, rows: NDArray[np.int64]) -> "Ragged":
        sizes = self.sizes[rows]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        places = np.arange(starts[-1]) + np.repeat(self.starts[rows] - starts[:-1], sizes)
        return Ragged(self.values[places], starts)

    def keep(self, kept: NDArray[np.bool_]) -> "Ragged":
        """Without the values where `kept` (n,) is false."""
        before = np.concatenate([[0], np.cumsum(kept)])
        return Ragged(self.values[kept], before[self.starts])


@dataclass(frozen=True)
class Tokens:
    """N products as tokens: positions in the table of embeddings. Each field has pieces, and n-grams if there are any.

    Row i of field f in `parts[f]` (pieces) and `parts[N_FIELDS + f]` (n-grams).
    """

    parts: tuple[Ragged, ...]
    weights: NDArray[np.float32]  # (N_FIELDS, N) how much each field counts; 0 is exactly an empty field

    def __len__(self) -> int:
        return int(self.weights.shape[1])

    def take(self, rows: NDArray[np.int64]) -> "Tokens":
        return Tokens(tuple(part.take(rows) for part in self.parts), self.weights[:, rows])

    def renumber(self) -> tuple[NDArray[np.int64], "Tokens"]:
        """(the U embeddings in use, rising; the same tokens as places among them)."""
        together = np.concatenate([part.values for part in self.parts])
        used, places = np.unique(together, return_inverse=True)
        cuts = np.split(places.astype(np.int32), np.cumsum([len(part.values) for part in self.parts])[:-1])
        parts = tuple(Ragged(cut, part.starts) for cut, part in zip(cuts, self.parts, strict=True))
        return used.astype(np.int64), Tokens(parts, self.weights)

    def lengths(self) -> NDArray[np.int64]:
        """(N,) pieces of all fields."""
        return np.sum([part.sizes for part in self.parts[:N_FIELDS]], axis=0)


@dataclass(frozen=True)
class TitleCuts:
    """N titles, each cut into pieces in C ways: cut c of title i is row i * C + c of `pieces`."""

    pieces: Ragged
    chances: NDArray[np.float32]  # (N, C) rising to 1: how likely it is one of the cuts up to here

    def choose(self, rows: NDArray[np.int64], chance: np.random.Generator) -> Ragged:
        """A cut of each of these titles, by chance."""
        passed = self.chances[rows, :-1] < chance.random(len(rows))[:, None]
        return self.pieces.take(rows * self.chances.shape[1] + passed.sum(1))


@dataclass(frozen=True)
class NormalFields:
    """The three fields in normal form, N entries each."""

    fields: tuple[list[str], list[str], list[str]]  # title, mall category, brand
    weights: NDArray[np.float32]  # (N_FIELDS, N)

    def __len__(self) -> int:
        return len(self.fields[TITLE])

    def corpus(self) -> list[str]:
        """What a tokenizer learns from: every title, each other text once."""
        return [*self.fields[TITLE], *sorted(set(self.fields[MALL_CATEGORY])), *sorted(set(self.fields[BRAND]))]


def normalise_fields(products: Products, config: EncoderConfig) -> NormalFields:
    """Normal form of every field. Without mall weights every mall category counts fully; one of weight 0 is ''."""
    weights = np.ones((N_FIELDS, len(products)), np.float32)
    mall_categories = products.mall_categories
    if products.mall_weights is not None:
        weights[MALL_CATEGORY] = np.clip(products.mall_weights, 0.0, 1.0)
        pairs = zip(mall_categories, weights[MALL_CATEGORY], strict=True)
        mall_categories = [text if weight > 0 else "" for text, weight in pairs]
    return NormalFields(
        (
            _normalise(products.titles, config.max_title_characters),
            _normalise(mall_categories, config.max_title_characters),
            _normalise(products.brands, config.max_title_characters),
        ),
        weights,
    )


def choose_buckets(texts: NormalFields, config: EncoderConfig) -> int:
    """How many embeddings the n-grams share: about two for each n-gram there is, a power of two, 0 for no n-grams."""
    if not config.max_ngram_buckets:
        return 0
    seen = np.empty(0, np.uint32)
    for hashes, _ in (_hash(field, number, config) for number, field in enumerate(texts.fields)):
        seen = np.union1d(seen, hashes)
        if 2 * len(seen) >= config.max_ngram_buckets:
            return config.max_ngram_buckets
    return min(config.max_ngram_buckets, 1 << int(2 * len(seen)).bit_length())


def encode_tokens(texts: NormalFields, tokenizer: Tokenizer, n_buckets: int, config: EncoderConfig) -> Tokens:
    """Tokens of the products; rows are independent of each other."""
    size, n = tokenizer.vocabulary_size, len(texts)
    parts = []
    for number, field in enumerate(texts.fields):
        pieces, owners = tokenizer.encode(field)
        parts.append(Ragged.of(pieces + number * size, owners, n))
    for number, field in enumerate(texts.fields if n_buckets else ()):
        hashes, owners = _hash(field, number, config)
        parts.append(Ragged.of(hashes.astype(np.int64) % n_buckets + N_FIELDS * size, owners, n))
    return Tokens(tuple(parts), texts.weights)


def cut_titles(texts: NormalFields, tokenizer: Tokenizer, config: EncoderConfig) -> TitleCuts | None:
    """Every way to cut each title; none when there is one way only."""
    most = config.subword_cuts
    if most == 1:
        return None
    titles, pieces, sizes, chances = texts.fields[TITLE], [], [], []
    for start in range(0, len(titles), _CHUNK):
        cut = titles[start : start + _CHUNK]
        found, owners, logs = tokenizer.cuts(cut, most)
        pieces.append(found.astype(np.int32))
        sizes.append(np.bincount(owners, minlength=logs.size))
        shares = np.exp(config.subword_alpha * (logs - logs[:, :1]))
        chances.append((shares.cumsum(1) / shares.sum(1, keepdims=True)).astype(np.float32))
    starts = np.concatenate([[0], np.cumsum(np.concatenate(sizes))])
    return TitleCuts(Ragged(np.concatenate(pieces), starts), np.concatenate(chances))


def drop_by_chance(
    tokens: Tokens, cuts: TitleCuts | None, rows: NDArray[np.int64], config: EncoderConfig, chance: np.random.Generator
) -> Tokens:
    """What training sees of these rows this time: titles cut by chance, some fields and some tokens gone."""
    found = tokens.take(rows)
    parts, weights = list(found.parts), found.weights
    if cuts is not None:
        parts[TITLE] = cuts.choose(rows, chance)  # the title's segment of the table begins at 0
    for field, share in ((MALL_CATEGORY, config.mall_category_dropout), (BRAND, config.brand_dropout)):
        weights[field, chance.random(len(rows)) < share] = 0.0
    if config.token_dropout:
        parts = [part.keep(chance.random(len(part.values)) >= config.token_dropout) for part in parts]
    return Tokens(tuple(parts), weights)


def _normalise(texts: Sequence[str], max_characters: int) -> list[str]:
    """Mall categories and brands repeat: each is normalised once."""
    known: dict[str, str] = {}
    return [known[text] if text in known else known.setdefault(text, normalise(text, max_characters)) for text in texts]


def _hash(texts: list[str], field: int, config: EncoderConfig) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Hashed letters and words of one field of many products, and the product each is from, rising."""
    hashes, owners = [np.empty(0, np.uint32)], [np.empty(0, np.int64)]
    for start in range(0, len(texts), _CHUNK):
        cut = texts[start : start + _CHUNK]
        letters = hash_char_ngrams(cut, config.char_ngrams, 2 * field)
        words = hash_word_ngrams(
            [_NOT_A_WORD.sub(" ", text).strip() for text in cut], config.word_ngrams, 2 * field + 1
        )
        found, rows = np.concatenate([letters[0], words[0]]), np.concatenate([letters[1], words[1]])
        order = np.argsort(rows, kind="stable")
        hashes.append(found[order])
        owners.append(rows[order] + start)
    return np.concatenate(hashes), np.concatenate(owners)
