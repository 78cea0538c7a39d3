"""A cap on the training rows of a category: crowded categories give rows away so that small ones are heard.

No cap gives the best precision over all rows; a cap is fairer to small categories (Bunjang's comparison, which
`cli.py experiment` repeats on one's own data). Which rows stay is drawn, not chosen: the newest would forget goods out
of season. The draw depends on seed and product alone, so the next version keeps nearly the same rows. A person's
decisions stay before imported labels. The tokenizer learns its pieces from the rows that stay.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

USUAL_CONSTANT = {"log": 1_000, "uniform": 10_000}


def row_limits(counts: NDArray[np.int64], cap: str, constant: int | None = None) -> NDArray[np.int64]:
    """How many rows each category keeps, (K,), of `counts` (K,).

    `cap` is 'none' (all), 'log' (constant x natural log of the count) or 'uniform' (the constant). No category that
    has rows is left without one.
    """
    if cap == "none":
        return counts.copy()
    constant = constant or USUAL_CONSTANT[cap]
    if cap == "uniform":
        wanted = np.full(len(counts), constant, np.int64)
    else:
        wanted = np.floor(constant * np.log(np.maximum(counts, 1))).astype(np.int64)
    return np.minimum(counts, np.maximum(wanted, 1))


def kept_rows(
    labels: NDArray[np.int64],
    product_ids: NDArray[np.int64],
    is_human: NDArray[np.bool_],
    cap: str,
    constant: int | None,
    seed: int,
) -> NDArray[np.int64]:
    """The places of the rows that stay, ascending. All arguments are (N,) and about the same rows."""
    if cap == "none" or not len(labels):
        return np.arange(len(labels))
    limits = row_limits(np.bincount(labels), cap, constant)
    order = np.lexsort((_drawn(product_ids, seed), ~is_human, labels))  # by category, people's rows first
    sorted_labels = labels[order]
    first_of_category = np.searchsorted(sorted_labels, sorted_labels)
    place_in_category = np.arange(len(order)) - first_of_category
    return np.sort(order[place_in_category < limits[sorted_labels]])


def summarise_cap(before: NDArray[np.int64], after: NDArray[np.int64]) -> dict[str, Any]:
    """What a cap did, from the counts (K,) of each category before and after: for the version's facts."""
    capped = after < before
    kept = after[after > 0]
    return {
        "rows_before": int(before.sum()),
        "rows_after": int(after.sum()),
        "categories_capped": int(capped.sum()),
        "most_rows_before": int(before.max(initial=0)),
        "most_rows_after": int(after.max(initial=0)),
        "median_rows_after": float(np.median(kept)) if len(kept) else 0.0,
    }


def _drawn(product_ids: NDArray[np.int64], seed: int) -> NDArray[np.uint64]:
    """A number (N,) for each product as if drawn by lot: splitmix64 of id and seed."""
    start = np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
    mixed = product_ids.astype(np.uint64) + start
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    found: NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
    return found
