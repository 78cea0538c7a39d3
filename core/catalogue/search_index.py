"""The searchable form of a taxonomy: built once per revision, then read by all threads without a lock."""

import re
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from core.catalogue.hangul import half_typed_pattern, is_consonant, split_words, strict_pattern, to_keys
from core.catalogue.taxonomy import Category, Taxonomy

Floats = NDArray[np.float32]

HEAD = 32  # letters from the beginning of a unit that are looked at one by one
END = "\n"  # between units in the blob; no folded word holds one
EQUAL, PREFIX, INSIDE = 1.0, 0.84, 0.62  # how well a word answers a name, 0..1; the gaps are filled by length
HALF_TYPED, INITIALS = 0.93, 0.88  # what a match by half a syllable or by initial consonants is worth of that
WORD_OF_NAME, WORD_SHARE = 0.9, 0.08  # a match with one word of a longer name, more the more of it that is
SIMILAR, PER_SLIP = 0.68, 0.12  # a match with slips: SIMILAR less PER_SLIP for each
SIMILAR_PREFIX = 0.85  # ... when the slip is in the beginning of a longer name
SIMILAR_BELOW = 0.58  # any score under this came through a slip of the finger


@dataclass(frozen=True)
class Match:
    """How well one word answers each category: by its own name, and by the best of its ancestors'. 0..1."""

    own: Floats
    above: Floats
    is_known: bool  # a name, or a word of one, begins with it as it is


class SearchIndex:
    """`units` are the distinct folded names, and words of names, that a typed word is held against."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self.categories: list[Category] = []
        self._collect(taxonomy, None)
        place = {category.id: i for i, category in enumerate(self.categories)}
        self.is_leaf = np.array([category.is_leaf for category in self.categories], bool)
        self.is_catch_all = np.array([category.is_catch_all for category in self.categories], bool)
        parents = [place.get(category.parent_id or 0, -1) for category in self.categories]
        depths = np.array([category.depth for category in self.categories], np.int16)
        self._parents = np.array(parents, np.int32)
        self._levels = [np.flatnonzero(depths == depth) for depth in range(2, int(depths.max(initial=1)) + 1)]
        self._index_names()
        self.by_path: dict[str, int] = {}
        self.by_code: dict[str, int] = {}
        for i, category in enumerate(self.categories):
            for path in (category.path, category.path_en):
                if path and category.depth > 1:
                    self.by_path.setdefault("".join(split_words(path)), i)
            if category.code:
                self.by_code.setdefault("".join(split_words(category.code)), i)

    def _collect(self, taxonomy: Taxonomy, parent_id: int | None) -> None:
        """In the order of the tree; what lies under a retired node is as unreachable as the node."""
        waiting = list(reversed(taxonomy.children.get(parent_id, ())))
        while waiting:
            category = waiting.pop()
            self.categories.append(category)
            waiting.extend(reversed(taxonomy.children.get(category.id, ())))

    def _index_names(self) -> None:
        units: dict[str, int] = {}
        pairs: list[tuple[int, float]] = []
        starts: list[int] = []
        for category in self.categories:
            starts.append(len(pairs))
            for name in dict.fromkeys((category.name, category.name_en or category.name)):
                words = split_words(name)
                whole = "".join(words)
                pairs.append((units.setdefault(whole, len(units)), 1.0))
                for word in words if len(words) > 1 else ():
                    worth = WORD_OF_NAME + WORD_SHARE * len(word) / len(whole)
                    pairs.append((units.setdefault(word, len(units)), worth))
        self._units = list(units)
        self._pair_units = np.array([unit for unit, _ in pairs], np.int32)
        self._pair_worth = np.array([worth for _, worth in pairs], np.float32)
        self._pair_starts = np.array(starts, np.int64)
        lengths = np.array([len(unit) for unit in self._units], np.int64)
        self._unit_lengths = lengths
        self._unit_starts = np.concatenate(([0], np.cumsum(lengths + 1)))[: len(lengths)] + 1
        self._blob = END + END.join(self._units) + END
        self._sorted_units = sorted(self._units)
        self._keys = [to_keys(unit) for unit in self._units]
        self._key_lengths = np.array([len(keys) for keys in self._keys], np.int64)
        self._letters = _letters_of_heads(self._keys)

    def occurs(self, word: str, is_last: bool) -> bool:
        """Whether a name, or a word of one, begins with `word`; the last of a query may be half typed."""
        if any(map(is_consonant, word)):
            return re.search(END + strict_pattern(word), self._blob) is not None
        place = bisect_left(self._sorted_units, word)
        if place < len(self._sorted_units) and self._sorted_units[place].startswith(word):
            return True
        half_typed = half_typed_pattern(word) if is_last else None
        return half_typed is not None and re.search(END + half_typed, self._blob) is not None

    def match(self, word: str, is_alone: bool = False) -> Match:
        """How well the folded, unspaced `word` answers each category.

        A single letter counts inside a name only when it `is_alone`, all that was typed.
        """
        scores = np.zeros(len(self._units), np.float32)
        worth = INITIALS if any(map(is_consonant, word)) else 1.0
        inside = is_alone or len(word) > 1
        self._score_pattern(strict_pattern(word), len(word), worth, inside, scores)
        is_known = bool(scores.max() > PREFIX * worth)
        half_typed = half_typed_pattern(word)
        if half_typed:
            self._score_pattern(half_typed, len(word), worth * HALF_TYPED, inside, scores, equal=PREFIX + 0.1)
        if worth == 1.0:
            self._score_similar(word, bool(scores.any()), scores)
        own = np.maximum.reduceat(scores[self._pair_units] * self._pair_worth, self._pair_starts)
        above = np.zeros_like(own)
        for level in self._levels:
            parents = self._parents[level]
            above[level] = np.maximum(own[parents], above[parents])
        return Match(own, above, is_known)

    def _score_pattern(
        self, pattern: str, length: int, worth: float, inside: bool, scores: Floats, equal: float = EQUAL
    ) -> None:
        if not inside:
            pattern = f"(?<={END}){pattern}"
        spans = np.array([found.span() for found in re.finditer(pattern, self._blob)], np.int64).reshape(-1, 2)
        if not len(spans):
            return
        units = np.searchsorted(self._unit_starts, spans[:, 0], side="right") - 1
        at_start = spans[:, 0] == self._unit_starts[units]
        at_end = spans[:, 1] == self._unit_starts[units] + self._unit_lengths[units]
        share = np.minimum(length / np.maximum(self._unit_lengths[units], 1), 1.0)
        quality = np.where(at_start, PREFIX + 0.1 * share, INSIDE + 0.1 * share)
        quality = np.where(at_start & at_end, equal, quality)
        np.maximum.at(scores, units, (quality * worth).astype(np.float32))

    def _score_similar(self, word: str, is_known: bool, scores: Floats) -> None:
        """One or two slips of the finger: a wrong, missing, extra or swapped letter or jamo."""
        keys = to_keys(word)
        slips = 0 if len(keys) < 4 else 1 if len(keys) < 9 else 2
        if slips == 0:
            return
        near = np.flatnonzero(
            (np.abs(self._key_lengths - len(keys)) <= slips) & self._shares_letters(keys, HEAD, slips)
        )
        self._raise_similar(keys, [self._keys[i] for i in near], near, slips, 1.0, scores)
        if len(word) >= 2 and keys != word:  # a whole syllable may be wrong
            near = np.flatnonzero((self._unit_lengths == len(word)) & self._shares_letters(keys, HEAD, 3))
            self._raise_similar(word, [self._units[i] for i in near], near, 1, 0.9 - 0.4 / len(word), scores)
        if not is_known and len(keys) >= 5:
            for cut in (len(keys), len(keys) + 1, len(keys) - 1):
                longer = np.flatnonzero((self._key_lengths > len(keys)) & self._shares_letters(keys, cut, slips))
                heads = [self._keys[i][:cut] for i in longer]
                self._raise_similar(keys, heads, longer, slips, SIMILAR_PREFIX, scores)

    def _shares_letters(self, keys: str, cut: int, slips: int) -> NDArray[np.bool_]:
        """Which units may be like `keys` in their first `cut` letters: a slip takes away one letter at most."""
        mask = np.uint64(_letters(keys))
        return np.bitwise_count(mask & ~self._letters[min(cut, HEAD) - 1]) <= slips

    def _raise_similar(
        self, typed: str, candidates: list[str], units: NDArray[np.int64], slips: int, worth: float, scores: Floats
    ) -> None:
        if not candidates:
            return
        distances = cdist([typed], candidates, scorer=OSA.distance, score_cutoff=slips, dtype=np.uint8)[0]
        close = distances <= slips
        quality = (SIMILAR - PER_SLIP * np.maximum(distances[close], 1)) * worth
        scores[units[close]] = np.maximum(scores[units[close]], quality)


def _letters(keys: str) -> int:
    """A set of letters as 64 bits; two letters may share one."""
    bits = 0
    for letter in keys:
        bits |= 1 << (ord(letter) & 63)
    return bits


def _letters_of_heads(units: list[str]) -> NDArray[np.uint64]:
    """uint64 (HEAD, units): the letters of the first 1, 2 ... of each unit; the last row those of all."""
    heads = np.zeros((len(units), HEAD), np.uint64)
    for i, keys in enumerate(units):
        bits = [1 << (ord(letter) & 63) for letter in keys]
        heads[i, : min(len(bits), HEAD)] = bits[:HEAD]
        if len(bits) > HEAD:
            heads[i, -1] = _letters(keys)
    return np.ascontiguousarray(np.bitwise_or.accumulate(heads, axis=1).T)
