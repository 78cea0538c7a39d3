"""Finding a category by what somebody types: any word order, no spaces, a slip, half a syllable, initials."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from core.catalogue.hangul import is_consonant, split_words, spread_consonants
from core.catalogue.per_revision import PerRevision
from core.catalogue.search_index import PER_SLIP, SIMILAR, SIMILAR_BELOW, Floats, Match, SearchIndex
from core.catalogue.taxonomy import Category, load_taxonomy
from core.runtime import Runtime

MAX_TYPED = 120  # characters that are looked at
MAX_WORDS = 8
MAX_SPLITS = 8  # ways of cutting an unspaced query that are tried
ABOVE = 0.9  # a word that an ancestor answers, beside one that the name itself answers
ONLY_ABOVE = 0.5  # no word answers the name itself
WORD_MISSING = 0.75  # a word that answers nothing, beside others that do
CUT = 0.97  # the query was cut where it has no space
CUT_LETTER = 0.8  # ... leaving a single letter
SURE = 0.9  # a reading this good needs no cutting
INNER = 0.88  # an inner node, beside a leaf that matches as well


class Matched(StrEnum):
    """How a hit was found, best first."""

    CODE = "code"  # the code, or the whole path
    NAME = "name"
    PREFIX = "prefix"
    WORDS = "words"  # inside the name, or with the help of its ancestors
    INITIALS = "initials"
    SIMILAR = "similar"


@dataclass(frozen=True, slots=True)
class CategoryHit:
    """A category that answers a search; `score` in 0..1, higher is better."""

    category: Category
    score: float
    matched: Matched


@dataclass(frozen=True)
class Found:
    """The best hits, and how many categories answered at all."""

    hits: list[CategoryHit]
    n_found: int


_index = PerRevision("taxonomy", lambda runtime, session: SearchIndex(load_taxonomy(runtime)))


def search_categories(runtime: Runtime, words: str, limit: int = 20) -> list[CategoryHit]:
    """The categories that best answer what was typed, leaves before inner nodes; retired ones never."""
    return find_categories(runtime, words, limit).hits


def find_categories(runtime: Runtime, words: str, limit: int = 20) -> Found:
    """`search_categories`, with the number of all that answer."""
    index = _index.get(runtime)
    typed = [spread_consonants(word) for word in split_words(words[:MAX_TYPED])][:MAX_WORDS]
    if not typed or not index.categories:
        return Found([], 0)
    return _Search(index, typed).run(limit)


class _Search:
    """One search: several readings of what was typed, and the best of them for each category."""

    def __init__(self, index: SearchIndex, typed: list[str]) -> None:
        self.index, self.typed = index, typed
        self.joined = "".join(typed)
        self.matches: dict[str, Match] = {}
        self.best = np.zeros(len(index.categories), np.float32)
        self.weakest = np.ones(len(index.categories), np.float32)  # score of the worst word, in the best reading

    def run(self, limit: int) -> Found:
        self._read([self.joined])
        if len(self.typed) > 1:
            self._read(self.typed)
        for words in self._cuts():
            self._read(words, CUT if min(map(len, words)) > 1 else CUT_LETTER)
        scores = self.best * np.where(self.index.is_leaf, 1.0, INNER).astype(np.float32)
        scores -= 0.01 * (self.index.is_catch_all & (scores > 0))
        exact = self._exact()
        if exact is not None:
            scores[exact] = 1.0 + INNER
        n_found = int(np.count_nonzero(scores > 0))
        order = np.argsort(-scores, kind="stable")[: min(limit, n_found)]
        return Found([self._hit(int(i), float(scores[i]), i == exact) for i in order], n_found)

    def _exact(self) -> int | None:
        """A whole path pasted, or a code."""
        found = self.index.by_code.get(self.joined)
        return self.index.by_path.get(self.joined) if found is None else found

    def _match(self, word: str) -> Match:
        if word not in self.matches:
            self.matches[word] = self.index.match(word, is_alone=word == self.joined)
        return self.matches[word]

    def _read(self, words: list[str], worth: float = 1.0) -> None:
        """Score all categories for this reading and keep it where it is the best so far."""
        matches = [self._match(word) for word in words]
        weights = np.array([len(word) for word in words], np.float32)
        by_word = np.stack([np.maximum(match.own, ABOVE * match.above) for match in matches])
        answered = by_word > 0
        total = (weights[:, None] * by_word).sum(0) / weights.sum()
        has_own = np.any(np.stack([match.own for match in matches]) > 0, axis=0)
        total *= np.where(has_own, 1.0, ONLY_ABOVE)
        total *= np.where(answered.all(0), 1.0, WORD_MISSING)
        total[(weights[:, None] * answered).sum(0) < weights.sum() / 2] = 0.0
        total = (total * worth).astype(np.float32)
        better = total > self.best
        self.best[better] = total[better]
        self.weakest[better] = np.where(answered, by_word, 1.0).min(0)[better]

    def _cuts(self) -> list[list[str]]:
        """Readings of the first word that answers nothing as it is, cut into two or three that do."""
        if self.best.max() >= SURE:
            return []
        if len(self.typed) > 1 and min(map(len, self.typed)) == 1:  # spaces where none belong: 남성 바 지
            return [list(pieces) for pieces in self._cut(self.joined)]
        for i, word in enumerate(self.typed):
            if len(word) >= 3 and not self._match(word).is_known:
                return [[*self.typed[:i], *pieces, *self.typed[i + 1 :]] for pieces in self._cut(word)]
        return []

    def _cut(self, word: str) -> list[tuple[str, ...]]:
        """`word` in two or three pieces that names begin with; in two also where one piece has a slip."""
        n = len(word)
        has_slip = float(self._match(word).own.max()) >= SIMILAR - PER_SLIP  # as a whole it is like some name
        shortest = 2 if is_consonant(word[0]) else 1
        heads = [False] + [self.index.occurs(word[:a], False) for a in range(1, n)]
        tails = [False] + [self.index.occurs(word[a:], True) for a in range(1, n)]
        whole: list[tuple[str, ...]] = []
        slipped: list[tuple[str, ...]] = []
        for a in range(shortest, n - shortest + 1):
            pieces = (word[:a], word[a:])
            if heads[a] and tails[a]:
                whole.append(pieces)
            elif (heads[a] or tails[a]) and min(a, n - a) >= 2 and not has_slip:
                slipped.append((*pieces, word[:a] if heads[a] else word[a:]))
            whole.extend(
                (word[:a], word[a:b], word[b:])
                for b in range(a + 2, n - 1)
                if a >= 2 and heads[a] and tails[b] and self.index.occurs(word[a:b], False)
            )
        # Even pieces say more than a long one beside a single letter, and few more than many.
        whole.sort(key=lambda pieces: (min(map(len, pieces)) == 1, len(pieces), -min(map(len, pieces))))
        slipped.sort(key=lambda pieces: -len(pieces[2]))  # the longest known piece first
        return [*whole[:MAX_SPLITS], *(pieces[:2] for pieces in slipped[: MAX_SPLITS // 2])]

    def _hit(self, i: int, score: float, is_exact: bool) -> CategoryHit:
        return CategoryHit(self.index.categories[i], round(min(score, 1.0), 4), self._matched(i, is_exact))

    def _matched(self, i: int, is_exact: bool) -> Matched:
        if is_exact:
            return Matched.CODE
        if self.weakest[i] < SIMILAR_BELOW:
            return Matched.SIMILAR
        if any(is_consonant(char) for char in self.joined):
            return Matched.INITIALS
        own: Floats = self._match(self.joined).own
        return Matched.NAME if own[i] >= 0.99 else Matched.PREFIX if own[i] >= 0.8 else Matched.WORDS
