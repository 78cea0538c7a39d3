"""Months sampled evenly: a row of a rare month of the year counts more, so that out-of-season goods are not forgotten.

NAVER's remedy against the trend: history is kept and every month of the year counts about the same. A row weighs
1 / rows of its month of the year, over all years, clipped to [1/2, 2]; the mean month weighs 1.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST, MOST = 0.5, 2.0


def month_weights(registered_at: Sequence[datetime | None]) -> NDArray[np.float32]:
    """Weights (N,) in [1/2, 2]. A row without a date weighs 1, and so do all rows of a single month."""
    months = months_of_year(registered_at)
    counts = np.bincount(months, minlength=13)
    dated = counts[1:]
    weights = np.ones(13, np.float32)  # place 0: no date
    if (dated > 0).sum() > 1:
        usual = dated.sum() / (dated > 0).sum()
        weights[1:] = np.clip(usual / np.maximum(dated, 1), LEAST, MOST)
    return weights[months]


def months_of_year(registered_at: Sequence[datetime | None]) -> NDArray[np.int64]:
    """1..12 of each row, (N,); 0 where there is no date."""
    return np.fromiter((at.month if at else 0 for at in registered_at), np.int64, len(registered_at))


def summarise_months(registered_at: Sequence[datetime | None], weights: NDArray[np.float32]) -> dict[str, Any]:
    """Rows and weight of each month of the year, for the version's facts. `weights` as `month_weights` gave them."""
    months = months_of_year(registered_at)
    counts = np.bincount(months, minlength=13)
    weight_of = {int(month): float(weights[np.argmax(months == month)]) for month in np.flatnonzero(counts)}
    return {
        "rows": {str(month): int(counts[month]) for month in range(1, 13) if counts[month]},
        "weights": {str(month): round(weight, 3) for month, weight in weight_of.items() if month},
        "without_date": int(counts[0]),
    }


def count_by_month(registered_at: Sequence[datetime | None], right: NDArray[np.bool_]) -> dict[str, list[int]]:
    """Month of the year -> [rows answered right, rows], of judged rows (N,); rows without a date are left out."""
    months = months_of_year(registered_at)
    found = {month: months == month for month in range(1, 13)}
    return {str(month): [int(right[at].sum()), int(at.sum())] for month, at in found.items() if at.any()}
