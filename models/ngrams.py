"""Word and character n-grams of many texts at once, hashed without a Python loop over them."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Hashes: TypeAlias = NDArray[np.uint32]  # 32-bit names of n-grams
Owners: TypeAlias = NDArray[np.int64]  # the text an n-gram is from

_BLANK = ord(" ")
_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD6E8FEB86659FD93)


def hash_char_ngrams(texts: Sequence[str], lengths: tuple[int, int], space: int) -> tuple[Hashes, Owners]:
    """Every n-gram inside a word, a blank at the word's edges counting as one letter: (n,) hashes, (n,) owners.

    `texts` are normalised: words separated by one blank. `space` names the namespace: another gives other hashes.
    """
    codes, rows = _code_points(texts)  # (L,), (L,)
    blanks = np.concatenate([[0], np.cumsum(codes == _BLANK)])  # (L+1,) how many before a position
    rolling = np.zeros(len(codes), np.uint64)  # hash of the n letters that start at a position
    hashes, owners = [], []
    for n in range(1, min(lengths[1], len(codes)) + 1):
        count = len(codes) - n + 1
        rolling = rolling[:count] * _BASE + codes[n - 1 :]
        if n < lengths[0]:
            continue
        inside = blanks[n - 1 : n - 1 + count] - blanks[1 : count + 1] if n > 2 else 0  # more than one word
        all_blank = blanks[n : n + count] - blanks[:count] == n
        kept = np.flatnonzero((inside == 0) & ~all_blank)
        hashes.append(_finish(rolling[kept], space * 16 + n))
        owners.append(rows[kept])
    return _join(hashes, owners)


def hash_word_ngrams(texts: Sequence[str], lengths: tuple[int, int], space: int) -> tuple[Hashes, Owners]:
    """Words (if lengths[0] is 1) and pairs of neighbours (if lengths[1] is 2): (n,) hashes, (n,) owners."""
    words, rows = _words(texts)  # (W,), (W,)
    hashes, owners = [], []
    if lengths[0] == 1:
        hashes.append(_finish(words, space * 16 + 1))
        owners.append(rows)
    if lengths[1] == 2:
        pairs = np.flatnonzero(rows[1:] == rows[:-1])
        hashes.append(_finish(words[pairs] * _MIX + words[pairs + 1], space * 16 + 2))
        owners.append(rows[pairs])
    return _join(hashes, owners)


def hash_edge_words(texts: Sequence[str], space: int) -> tuple[Hashes, Owners]:
    """The first and the last word of every text, as features beside the same words elsewhere."""
    words, rows = _words(texts)  # (W,), (W,)
    new = rows[1:] != rows[:-1]
    first, last = np.flatnonzero(np.append(True, new)), np.flatnonzero(np.append(new, True))
    if not len(words):
        return _join([], [])
    hashes = [_finish(words[first], space * 16 + 3), _finish(words[last], space * 16 + 4)]
    return _join(hashes, [rows[first], rows[last]])


def _words(texts: Sequence[str]) -> tuple[NDArray[np.uint64], Owners]:
    """A number for every word in order, and the text it is from."""
    codes, rows = _code_points(texts)  # (L,), (L,)
    letters = codes != _BLANK
    starts = np.flatnonzero(letters[1:] & ~letters[:-1]) + 1  # every text begins with a blank
    if not len(starts):
        return np.empty(0, np.uint64), np.empty(0, np.int64)
    place = np.arange(len(codes)) - starts[np.cumsum(_marks(starts, len(codes))) - 1]  # in its word; wrong before it
    powers = _BASE ** np.arange(1, 1 + max(1, int(place.max()) + 1), dtype=np.uint64)
    weighed = np.where(letters, codes * powers[np.maximum(place, 0)], np.uint64(0))
    return np.add.reduceat(weighed, starts), rows[starts]


def _code_points(texts: Sequence[str]) -> tuple[NDArray[np.uint64], Owners]:
    """All letters in a row, each text between two blanks, and the text each letter is from."""
    joined = "".join(f" {text} " for text in texts)
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    sizes = np.fromiter((len(text) + 2 for text in texts), np.int64, len(texts))
    return codes, np.repeat(np.arange(len(texts)), sizes)


def _marks(places: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    marks = np.zeros(size, np.int64)
    marks[places] = 1
    return marks


def _finish(values: NDArray[np.uint64], space: int) -> Hashes:
    """Mix the bits so that 32 of them name the n-gram; a pair in 4 billion meets."""
    salt = np.uint64((space * int(_BASE)) % 2**64)
    mixed = (values ^ (values >> np.uint64(29))) * _MIX + salt
    mixed = (mixed ^ (mixed >> np.uint64(32))) * _BASE
    return (mixed >> np.uint64(32)).astype(np.uint32)


def _join(hashes: list[Hashes], owners: list[Owners]) -> tuple[Hashes, Owners]:
    if not hashes:
        return np.empty(0, np.uint32), np.empty(0, np.int64)
    return np.concatenate(hashes), np.concatenate(owners)
