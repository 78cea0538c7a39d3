"""What all classifiers share: answers from log probabilities, chunk by chunk, and the artifact folder."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.artifact import write_folder
from models.types import Calibration, Products, Writer


class BaseCategoryModel(ABC):
    """A `CategoryModel` once it can say log probabilities and which files hold it."""

    kind: str  # its name in `models.family.KINDS`
    class_ids: NDArray[np.int64]  # (K,)
    calibration: Calibration

    @property
    @abstractmethod
    def config(self) -> dict[str, Any]:
        """What it is and how it was made, for JSON; holds 'kind'."""

    @abstractmethod
    def log_probabilities(self, products: Products) -> Iterator[Tensor]:
        """Log of the calibrated probabilities, (B, K), chunk by chunk so that the memory stays bounded."""

    @abstractmethod
    def files(self) -> dict[str, Writer]:
        """The files of its artifact, each with what writes it."""

    def predict_proba(self, products: Products) -> NDArray[np.float32]:
        """pred_probs (N, K), calibrated, rows sum to 1; column j is class_ids[j]."""
        found = [logs.exp().cpu().numpy() for logs in self.log_probabilities(products)]
        return np.concatenate(found) if found else np.empty((0, len(self.class_ids)), np.float32)

    def predict_top(self, products: Products, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The k best category ids and their probabilities, both (N, min(k, K)), best first; k >= 1."""
        k = min(k, len(self.class_ids))
        ids, confidences = [np.empty((0, k), np.int64)], [np.empty((0, k), np.float32)]
        for logs in self.log_probabilities(products):
            best, places = torch.topk(logs, k, 1)  # (B, k)
            ids.append(self.class_ids[places.cpu().numpy()])
            confidences.append(best.exp().cpu().numpy())
        return np.concatenate(ids), np.concatenate(confidences)

    def save(self, folder: Path) -> str:
        """Write the artifact folder whole or not at all; returns its hash."""
        return write_folder(folder, self.files())
