"""Validation rows whose label is suspected to be wrong do not take part in choosing the temperature."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.runtime import Runtime
from core.training.learning_rows import LearningRows, Rows
from db import suspected_labels

MOST = 0.5  # of the validation rows: with more suspected than that, the suspicion is not to be trusted


def has_suspects(runtime: Runtime) -> bool:
    """Whether a search for label issues, or SELFIE, has called any label wrong that still stands."""
    with runtime.sessions.read() as session:
        return bool(suspected_labels.list_suspected(session))


def set_suspects_aside(runtime: Runtime, rows: LearningRows) -> tuple[LearningRows, dict[str, int]]:
    """The rows with weight 0 for suspected validation rows, and how many those are. Nothing else changes."""
    with runtime.sessions.read() as session:
        suspected = suspected_labels.list_suspected(session)
    validation = rows.validation
    found = np.array([product_id in suspected for product_id in validation.product_ids], np.bool_)
    validation, n_aside = set_aside(validation, found)
    return replace(rows, validation=validation), {"rows": n_aside}


def set_aside(validation: Rows, suspected: NDArray[np.bool_]) -> tuple[Rows, int]:
    """The rows, those `suspected` (N,) with weight 0, and how many those are; none when that leaves too few."""
    weights = np.where(suspected, np.float32(0), validation.labeled.weights)
    if not suspected.any() or (weights == 0).mean() > MOST:
        return validation, 0
    return replace(validation, labeled=replace(validation.labeled, weights=weights)), int(suspected.sum())
