"""Validation rows whose label is suspected to be wrong do not take part in choosing the temperature.

Who is suspected is asked once, when a training or tuning begins, and kept with it: the weights are part of what a fit
is known by, and a decision in between would make a killed one begin again.
"""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.runtime import Runtime
from core.training.learning_rows import LearningRows, Rows
from db import suspected_labels

MOST = 0.5  # of the validation rows: with more suspected than that, the suspicion is not to be trusted


def list_suspects(runtime: Runtime, rows: LearningRows) -> list[int]:
    """Ids of the validation rows whose label, still standing, a search for label issues or SELFIE calls wrong."""
    with runtime.sessions.read() as session:
        suspected = suspected_labels.list_suspected(session)
    return [product_id for product_id in rows.validation.product_ids if product_id in suspected]


def set_suspects_aside(suspects: Collection[int], rows: LearningRows) -> tuple[LearningRows, dict[str, int]]:
    """The rows with weight 0 for suspected validation rows, and how many those are. Nothing else changes."""
    validation, suspected = rows.validation, set(suspects)
    found = np.array([product_id in suspected for product_id in validation.product_ids], np.bool_)
    validation, n_aside = set_aside(validation, found)
    return replace(rows, validation=validation), {"rows": n_aside}


def set_aside(validation: Rows, suspected: NDArray[np.bool_]) -> tuple[Rows, int]:
    """The rows, those `suspected` (N,) with weight 0, and how many those are; none when that leaves too few."""
    weights = np.where(suspected, np.float32(0), validation.labeled.weights)
    if not suspected.any() or (weights == 0).mean() > MOST:
        return validation, 0
    return replace(validation, labeled=replace(validation.labeled, weights=weights)), int(suspected.sum())
