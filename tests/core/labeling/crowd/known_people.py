"""A crowd whose truth is known: people of given accuracy, errors spread over the other categories."""

from collections.abc import Sequence

import numpy as np


def simulate(
    accuracies: Sequence[float], n: int, n_categories: int, votes: int, seed: int = 1
) -> tuple[list[int], list[tuple[int, int, int]]]:
    """The truth by product, and (product, person, category): products from 0, people from 100, categories from 1000."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, n_categories, n)
    found = []
    for product in range(n):
        for person in rng.choice(len(accuracies), votes, replace=False).tolist():
            is_right = rng.random() < accuracies[person]
            error = 0 if is_right else 1 + int(rng.integers(0, n_categories - 1))
            found.append((product, 100 + person, 1000 + (int(truth[product]) + error) % n_categories))
    return (truth + 1000).tolist(), found
