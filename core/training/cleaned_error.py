"""The calibration error without held-out rows whose label is suspected to be wrong.

A row that the model contradicts surely counts as a mistake, and a wrong label makes every right answer one: against
all labels a well calibrated model looks too sure. Without the suspected ones it is flattered: a search suspects some
labels for no better reason than that models get them wrong.
"""

import numpy as np
from numpy.typing import NDArray

from core.runtime import Runtime
from core.training.suspected_labels import MOST
from core.training.versions import CleanedError
from db import suspected_labels
from models.calibration_error import expected_calibration_error


def measure_cleaned_error(
    runtime: Runtime, product_ids: list[int], confidences: NDArray[np.float32], is_right: NDArray[np.bool_]
) -> CleanedError | None:
    """Of N held-out rows, (N,) each. None where the newest search for label issues did not look at all of them,
    or suspects more than half: then the suspicion is not to be trusted."""
    with runtime.sessions.read() as session:
        path = suspected_labels.find_searched_snapshot(session)
        suspected = suspected_labels.list_suspected(session) if path else set()
    if path is None or not set(product_ids) <= _products_of(runtime, path):
        return None
    stays = np.array([product_id not in suspected for product_id in product_ids], np.bool_)
    n_aside = int((~stays).sum())
    if not len(stays) or n_aside > MOST * len(stays):
        return None
    error = expected_calibration_error(confidences[stays], is_right[stays])
    return CleanedError(error, len(stays) - n_aside, n_aside)


def _products_of(runtime: Runtime, path: str) -> set[int]:
    """Ids of the products in a snapshot's file; none when it is gone."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return set(pq.read_table(runtime.data_dir / path, columns=["product_id"]).column(0).to_pylist())
    except (OSError, pa.ArrowInvalid):
        return set()
