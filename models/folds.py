"""Folds for out-of-fold answers: alike rows together, every category in every fold's training rows."""

import numpy as np
from numpy.typing import NDArray

from models.tokenizer import normalise
from models.types import LabeledProducts

NEVER = -1  # a row that is always learned from
_TITLE_CHARACTERS = 500


def assign_folds(rows: LabeledProducts, n_folds: int, seed: int) -> NDArray[np.int64]:
    """The fold (N,) 0..n_folds-1 of each row, or NEVER where its category would have no training row left.

    Rows with the same normalised title, of the same group of near-duplicates, or with the same image features share a
    fold. The groups of a category are dealt out evenly.
    """
    groups = _groups(rows)
    chance = np.random.default_rng(seed)
    order = chance.permutation(len(rows))
    first = order[np.unique(groups[order], return_index=True)[1]]  # a row of each group decides its category
    dealt = first[np.lexsort((chance.random(len(first)), rows.labels[first]))]
    fold_of_group = np.empty(groups.max(initial=-1) + 1, np.int64)
    fold_of_group[groups[dealt]] = np.arange(len(dealt)) % n_folds
    folds = fold_of_group[groups]
    n_rows = np.bincount(rows.labels)
    for fold in range(n_folds):
        inside = folds == fold
        all_inside = np.bincount(rows.labels[inside], minlength=len(n_rows)) == n_rows
        folds[inside & all_inside[rows.labels]] = NEVER
    return folds


def _groups(rows: LabeledProducts) -> NDArray[np.int64]:
    """The number of the group (N,) of each row."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    keys: dict[str | bytes | int, int] = {}
    titles = [keys.setdefault(normalise(title, _TITLE_CHARACTERS), len(keys)) for title in rows.products.titles]
    links = list(enumerate(titles))
    if rows.groups is not None:
        links += [(row, keys.setdefault(group, len(keys))) for row, group in enumerate(rows.groups.tolist())]
    images = rows.products.images
    if images is not None:
        for row in np.flatnonzero(images.present).tolist():
            links.append((row, keys.setdefault(images.features[row].tobytes(), len(keys))))
    left, right = np.array(links, np.int64).reshape(-1, 2).T
    n = len(rows)
    graph = coo_matrix((np.ones(len(left), np.int8), (left, right + n)), shape=(n + len(keys),) * 2)
    return np.asarray(np.unique(connected_components(graph, directed=False)[1][:n], return_inverse=True)[1], np.int64)
