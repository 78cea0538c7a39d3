"""Which titles read alike: the cosine of their weighted character n-grams.

In plain Python: a few hundred short titles take some ten milliseconds, less than loading a library would.
"""

import math
from collections import Counter
from collections.abc import Sequence

SIZES = (2, 3, 4)
LEAST_ALIKE = 0.15
"""Below this cosine (0 nothing in common .. 1 the same) a title is not called alike."""


def most_alike(titles: Sequence[str], chosen: int, limit: int) -> list[int]:
    """Places of up to `limit` titles most like the chosen one, which comes first; those with little in common are none.

    Weights are TF-IDF over the given titles: log-damped counts times the log of how rare an n-gram is among them.
    """
    counts = [_ngrams(title) for title in titles]
    rows_with = Counter(ngram for count in counts for ngram in count)
    n = len(titles)

    def weight(count: Counter[str]) -> dict[str, float]:
        raw = {ngram: (1 + math.log(k)) * (1 + math.log(n / rows_with[ngram])) for ngram, k in count.items()}
        length = math.sqrt(sum(value * value for value in raw.values())) or 1.0
        return {ngram: value / length for ngram, value in raw.items()}

    wanted = weight(counts[chosen])
    likeness = {
        place: sum(value * wanted[ngram] for ngram, value in weight(count).items() if ngram in wanted)
        for place, count in enumerate(counts)
        if place != chosen
    }
    near = sorted((place for place, value in likeness.items() if value >= LEAST_ALIKE), key=lambda p: -likeness[p])
    return [chosen, *near][:limit]


def _ngrams(title: str) -> Counter[str]:
    words = title.casefold().split()
    padded = [f" {word} " for word in words]
    return Counter(word[i : i + size] for word in padded for size in SIZES for i in range(len(word) - size + 1))
