"""Logit adjustment (Menon et al. 2021) of any model: frequent categories are held back, rare ones get their chance."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.answering import log_probabilities as log_probabilities_of
from models.artifact import check_format, nest, read_json, write_json
from models.calibration import SIGMOID, SOFTMAX, fit_temperature, log_probabilities
from models.category_model import BaseCategoryModel
from models.errors import BrokenArtifact
from models.types import Calibration, CategoryModel, LabeledProducts, Products, Writer

FORMAT = 1
PART = "model"  # the folder of the model below
MAX_VALUES = 200_000_000  # scores held while the temperature is chosen: 0.8 GB


class AdjustedModel(BaseCategoryModel):
    """A model whose log probabilities have tau x the log of each class's share of the training rows taken off."""

    kind = "adjusted"

    def __init__(
        self, model: CategoryModel, tau: float, offsets: NDArray[np.float32], calibration: Calibration
    ) -> None:
        self.model, self.tau, self.offsets = model, tau, offsets  # (K,), what is taken off
        self.class_ids = model.class_ids
        self.calibration = calibration

    @property
    def config(self) -> dict[str, Any]:
        return {"format": FORMAT, "kind": self.kind, "logit_adjustment": self.tau, PART: self.model.config}

    def log_probabilities(self, products: Products) -> Iterator[Tensor]:
        offsets = torch.from_numpy(self.offsets)
        for logs in log_probabilities_of(self.model, products):
            yield log_probabilities(logs - offsets.to(logs.device), self.calibration)

    def files(self) -> dict[str, Writer]:
        adjustment = {"offsets": self.offsets.tolist(), "calibration": vars(self.calibration)}
        return {
            "config.json": lambda path: write_json(path, self.config),
            "adjustment.json": lambda path: write_json(path, adjustment),
            **nest(PART, self.model.files()),
        }

    @classmethod
    def read(cls, folder: Path, device: str) -> "AdjustedModel":
        """The model in a folder whose files were checked. One that does not fit together raises BrokenArtifact."""
        from models.family import read_model

        model = read_model(folder / PART, device)
        try:
            stored, config = read_json(folder, "adjustment.json"), read_json(folder, "config.json")
            offsets = np.asarray(stored["offsets"], np.float32)
            check_format(folder, config, FORMAT)
            if offsets.shape != model.class_ids.shape:
                raise BrokenArtifact(folder, "adjustment.json", "is of another model")
            return cls(model, float(config["logit_adjustment"]), offsets, Calibration(**stored["calibration"]))
        except (KeyError, TypeError, ValueError) as error:
            raise BrokenArtifact(folder, "adjustment.json", f"does not fit together ({error})") from error


def adjust_model(
    model: CategoryModel, tau: float, train_labels: NDArray[np.int64], validation: LabeledProducts
) -> CategoryModel:
    """The model with tau x ln(share of training rows) taken off, made probabilities again on the validation rows.

    tau 0 is the model itself, 1 the published default. Many rows x classes are calibrated on a random part.
    """
    if not tau:
        return model
    counts = np.bincount(train_labels, minlength=len(model.class_ids))
    offsets = (tau * np.log(np.maximum(counts, 1) / max(1, counts.sum()))).astype(np.float32)
    n = max(1, MAX_VALUES // len(offsets))
    if len(validation) > n:
        validation = validation.take(np.sort(np.random.default_rng(7).permutation(len(validation))[:n]))
    scores = [logs.cpu().numpy() - offsets for logs in log_probabilities_of(model, validation.products)]
    rows = np.concatenate(scores) if scores else np.empty((0, len(offsets)), np.float32)
    fitted = [fit_temperature(rows, validation.labels, validation.weights, kind) for kind in (SOFTMAX, SIGMOID)]
    best = min(fitted, key=lambda calibration: calibration.details.get("nll", 0.0))  # the first where there are no rows
    return AdjustedModel(model, tau, offsets, best)
