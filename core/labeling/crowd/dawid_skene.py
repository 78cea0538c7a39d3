"""One-coin Dawid-Skene: one accuracy a person, errors spread evenly over the other categories. Arrays in, arrays out.

Dawid and Skene (Applied Statistics 28, 1979) give each person a table of K x K errors, which thousands of categories
forbid; the one-coin model (Ghosh, Kale and McAfee, EC 2011; Zhang, Chen, Zhou and Jordan, JMLR 17, 2016) keeps the
diagonal alone, fitted by expectation-maximisation. It takes errors for independent: where people fall for the same
look-alike it calls them better than they are, which only gold can show.
"""

from dataclasses import dataclass

import numpy as np

from core.labeling.crowd.vote_table import Floats, VoteTable

STEPS = 200
TOLERANCE = 1e-6


@dataclass(frozen=True)
class OneCoin:
    """`accuracy` (people,), `truth` (votes,): the probability that each vote is right.

    `consensus` (products,): the most probable category as a place in the table; `confidence` its probability.
    """

    accuracy: Floats
    truth: Floats
    consensus: np.ndarray
    confidence: Floats


def fit_one_coin(table: VoteTable, n_categories: int | None = None) -> OneCoin:
    """`n_categories` is K, the categories that could have been said; none: those that were.

    Prior: categories as often as the posterior says them, +1 vote each; accuracies have one right and one wrong vote
    beforehand, so that nobody is perfect.
    """
    n_classes = max(n_categories or len(table.category_ids), 2)
    n_products, n_people = table.n_products, len(table.person_ids)
    # A candidate is a (product, category) that somebody said; all others of a product share one remainder.
    keys, candidate = np.unique(table.product * len(table.category_ids) + table.category, return_inverse=True)
    product_of, category_of = np.divmod(keys, len(table.category_ids))
    votes = np.bincount(candidate).astype(float)
    per_product = table.per_product()
    posterior = votes / per_product[product_of]
    n_votes = np.bincount(table.person, minlength=n_people)
    accuracy = np.full(n_people, 0.5)
    for _ in range(STEPS):
        right = np.bincount(table.person, weights=posterior[candidate], minlength=n_people)
        before, accuracy = accuracy, (right + 1) / (n_votes + 2)
        mass = np.bincount(category_of, weights=posterior, minlength=len(table.category_ids))
        prior = (mass + 1) / (n_products + n_classes)
        wrong = np.log((1 - accuracy) / (n_classes - 1))
        gain = np.log(accuracy) - wrong  # what a vote adds to its category
        score = np.log(prior[category_of]) + np.bincount(candidate, weights=gain[table.person])
        top = np.full(n_products, -np.inf)
        np.maximum.at(top, product_of, score)
        weight = np.exp(score - top[product_of])
        said = np.bincount(product_of, weights=prior[category_of], minlength=n_products)
        rest = np.maximum(1 - said, 1e-12) * np.exp(-top)  # nobody said it: no vote adds to it
        total = np.bincount(product_of, weights=weight, minlength=n_products) + rest
        posterior = weight / total[product_of]
        if np.abs(accuracy - before).max(initial=0.0) < TOLERANCE:
            break
    best = np.lexsort((-posterior, product_of))
    first = np.unique(product_of[best], return_index=True)[1]
    return OneCoin(accuracy, posterior[candidate], category_of[best][first], posterior[best][first])
