"""The made-up titles of the image bench tell the kind exactly as often as the bench says."""

import numpy as np

from bench.images import make_titles


def test_titles_tell_the_kind_in_the_share_that_is_asked_for() -> None:
    labels = np.random.default_rng(0).integers(0, 5, 2_000)
    titles = make_titles(labels, 0.8, seed=1)
    told = [[word for word in title.split() if word.startswith("kind")] for title in titles]
    assert abs(np.mean([bool(words) for words in told]) - 0.8) < 0.03
    assert all(words[0][4] == str(label) for words, label in zip(told, labels, strict=True) if words)
    assert titles == make_titles(labels, 0.8, seed=1)
