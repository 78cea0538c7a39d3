"""Near-duplicate titles: which products say the same with other digits, order, spacing or a slip of the finger.

Three nets, from coarse to fine; what any of them ties together is one group:
1. the same words in any order, without digits, units and shop boilerplate ("[무료배송] 우유 1L x 2" = "우유 500ml");
2. the same letters without spaces ("무선 청소기" = "무선청소기");
3. character pairs with a Jaccard similarity of at least `SIMILAR` (one wrong letter in about 20), found by
   MinHash and banding (Leskovec, Rajaraman, Ullman: Mining of Massive Datasets, ch. 3) and then measured exactly.

The threshold is strict on purpose: groups are chains of pairs, and a lax one would chain a whole brand together.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

SIMILAR = 0.8  # Jaccard of character pairs, 0..1
N_BANDS, BAND_ROWS = 16, 5  # finds 99.8 % of the pairs at .8, every second pair at .56
CHUNK = 100_000  # titles hashed at a time
ALL_PAIRS = 40  # a bigger bucket is compared in a chain, not pair by pair
PAIR_KEYS = np.random.default_rng(20261120).integers(1, 2**63, (2, N_BANDS * BAND_ROWS), dtype=np.uint64) | np.uint64(1)

UNITS = (
    "mm|cm|km|kg|mg|ml|cl|dl|ltr|liter|litre|stk|stück|pack|pck|pcs|pc|ea|oz|lb|inch|w|v|kw|mah|gb|tb|mb|hz|"
    "개입|개월|개|입|매|장|병|팩|박스|세트|켤레|단|호|종|구|인용|인치|g|l|m|x"
)
NUMBER = re.compile(rf"\d+(?:[.,/x*×+~-]\d+)*\s*(?:(?:{UNITS})(?![^\W\d_]))?")
WORD = re.compile(r"[^\W_]+")
# fmt: off
BOILERPLATE = frozenset((
    "무료배송", "무배", "당일발송", "당일출고", "당일배송", "국내배송", "해외직구", "해외배송", "구매대행", "정품",
    "정품보장", "국내정품", "병행수입", "특가", "초특가", "세일", "할인", "핫딜", "신상", "신상품", "신제품", "사은품",
    "사은품증정", "증정", "공식", "공식판매", "공식몰", "본사", "본사직영", "최저가", "인기", "추천",
    "베스트", "한정수량",
    "free", "shipping", "sale", "new", "official", "best", "hot", "deal", "offer",
    "aktion", "angebot", "neu", "gratis", "gratisversand", "envío", "oferta", "nuevo",
))
# fmt: on


def fold_title(title: str) -> list[str]:
    """The words that identify a product: NFKC, lower case, without digits with their units, without boilerplate.

    A title of nothing else keeps all its words.
    """
    text = unicodedata.normalize("NFKC", title).casefold()
    words = [word for word in WORD.findall(NUMBER.sub(" ", text)) if word not in BOILERPLATE]
    return words or WORD.findall(text) or [text.strip() or "?"]


def group_titles(
    titles: Sequence[str], on_progress: Callable[[float], None] = lambda fraction: None
) -> NDArray[np.int64]:
    """(N,) for each title the position of its group's first title. Same titles, same groups, in whatever process.

    About 20 µs a title; memory about 300 bytes a title on top of the titles.
    """
    parents = np.arange(len(titles), dtype=np.int64)
    squeezed: list[str] = []
    representatives: list[int] = []  # of each distinct squeezed title, its first position
    by_words: dict[bytes, int] = {}
    by_letters: dict[bytes, int] = {}
    for position, title in enumerate(titles):
        words = fold_title(title)
        letters = "".join(words)
        letters_key = _digest(letters)
        first = by_letters.setdefault(letters_key, position)
        if first == position:
            squeezed.append(letters)
            representatives.append(position)
        else:
            _join(parents, first, position)
        first = by_words.setdefault(_digest(" ".join(sorted(words))), position)
        if first != position:
            _join(parents, first, position)
        if position % 50_000 == 0:
            on_progress(0.4 * position / len(titles))
    del by_words, by_letters
    positions = np.asarray(representatives, dtype=np.int64)
    for done, pairs in enumerate(_similar_pairs(squeezed)):
        for one, other in pairs:
            _join(parents, int(positions[one]), int(positions[other]))
        on_progress(0.4 + 0.6 * (done + 1) / N_BANDS)
    return np.asarray([_root(parents, position) for position in range(len(parents))], dtype=np.int64)


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).digest()


def _root(parents: NDArray[np.int64], position: int) -> int:
    while parents[position] != position:
        parents[position] = parents[parents[position]]
        position = int(parents[position])
    return position


def _join(parents: NDArray[np.int64], one: int, other: int) -> None:
    """The smaller position becomes the group's first."""
    one, other = _root(parents, one), _root(parents, other)
    if one != other:
        parents[max(one, other)] = min(one, other)


def _similar_pairs(texts: list[str]) -> Iterator[list[tuple[int, int]]]:
    """Pairs of positions with similar texts, band by band; a pair may come again."""
    bands = _band_keys(texts)
    for band in range(bands.shape[1]):
        keys = bands[:, band]
        order = np.argsort(keys, kind="stable")
        edges = np.flatnonzero(np.diff(keys[order])) + 1
        starts, stops = np.concatenate(([0], edges)), np.concatenate((edges, [len(order)]))
        shared = stops - starts > 1
        pairs = []
        for start, stop in zip(starts[shared], stops[shared], strict=True):
            bucket = order[start:stop].tolist()
            pairs += [(one, other) for one, other in _candidates(bucket) if is_similar(texts[one], texts[other])]
        yield pairs


def _candidates(bucket: list[int]) -> Iterator[tuple[int, int]]:
    near = len(bucket) if len(bucket) <= ALL_PAIRS else 3
    for place, one in enumerate(bucket):
        for other in bucket[place + 1 : place + 1 + near]:
            yield one, other


def is_similar(one: str, other: str) -> bool:
    """Do two squeezed titles share at least `SIMILAR` of their character pairs?"""
    short, long = sorted((len(one), len(other)))
    if short < SIMILAR * (long - 1) / 1.2:  # far apart in length: no need to look
        return False
    pairs_one, pairs_other = _character_pairs(one), _character_pairs(other)
    shared = len(pairs_one & pairs_other)
    return shared >= SIMILAR * (len(pairs_one) + len(pairs_other) - shared)


def _character_pairs(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(max(1, len(text) - 1))}


def _band_keys(texts: list[str]) -> NDArray[np.uint64]:
    """(N, bands) a key for each band of the MinHash signature; equal keys make a candidate pair."""
    keys = np.empty((len(texts), N_BANDS), dtype=np.uint64)
    for start in range(0, len(texts), CHUNK):
        chunk = texts[start : start + CHUNK]
        lengths = np.fromiter(map(len, chunk), dtype=np.int64, count=len(chunk))
        stops = np.cumsum(lengths)
        codes = np.frombuffer("".join(chunk).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
        # a pair runs from each letter to the next; the last letter of a title pairs with nothing
        following = np.append(codes[1:], np.uint64(0))
        following[stops - 1] = 0
        pairs = codes << np.uint64(21) | following
        with_next = np.ones(len(codes), dtype=bool)
        with_next[stops[lengths > 1] - 1] = False  # (a one-letter title keeps its letter)
        starts = np.concatenate(([0], np.cumsum(np.maximum(lengths - 1, 1))[:-1]))
        keys[start : start + len(chunk)] = _signature_keys(_mix(pairs[with_next]), starts)
    return keys


def _signature_keys(hashes: NDArray[np.uint64], starts: NDArray[np.int64]) -> NDArray[np.uint64]:
    keys = np.empty((len(starts), N_BANDS), dtype=np.uint64)
    for band in range(N_BANDS):
        key = np.zeros(len(starts), dtype=np.uint64)
        for row in range(band * BAND_ROWS, (band + 1) * BAND_ROWS):
            permuted = hashes * PAIR_KEYS[0, row] + PAIR_KEYS[1, row]
            permuted ^= permuted >> np.uint64(32)
            key = _mix(key + np.minimum.reduceat(permuted, starts))
        keys[:, band] = key
    return keys


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread the bits (the end of splitmix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
