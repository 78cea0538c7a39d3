"""Late fusion: a title's classifier and an image's, joined by a gate that learned from out-of-fold answers.

A product without an image gets exactly the title's answer, so that removing all images can cost nothing beside the
title alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from models.artifact import check_format, nest, read_json, write_folder, write_json
from models.calibration import SOFTMAX, fit_temperature, log_probabilities
from models.checkpoint import Checkpoints, fingerprint_fit
from models.device import one_thread
from models.errors import BrokenArtifact, NotEnoughImages
from models.folds import assign_folds
from models.fusion_gate import FusionGate, fit_gate
from models.image.config import ImageConfig
from models.image.fit import fit_image
from models.image.network import ImageModel
from models.image.rows import check_images, is_enough, with_image
from models.types import (
    Calibration,
    CategoryModel,
    FitProgress,
    FitTask,
    LabeledProducts,
    OnProgress,
    Products,
    Writer,
)

KIND = "fused-title-image"
FORMAT = 1
WEIGHING = "learning how far to trust the image"  # the stage of all that folds need
ROWS_AT_ONCE = 2_048
MOST_SCORES = 20_000_000  # of the gate's training rows times classes; 80 MB each for title and image
_LEAST = 1e-30


class FusedModel:
    """A `CategoryModel` that reads titles and images; its parts are `text` and `image`."""

    def __init__(
        self, text: CategoryModel, image: ImageModel, gate: FusionGate, calibration: Calibration, facts: dict[str, Any]
    ) -> None:
        self.text, self.image, self.gate = text, image, gate
        self.class_ids = text.class_ids
        self.calibration, self.facts = calibration, facts

    @property
    def config(self) -> dict[str, Any]:
        """What it is and how it was made, for JSON."""
        parts = {"text": self.text.config, "image": self.image.config}
        return {"format": FORMAT, "kind": KIND, "uses_images": True, "fusion": self.facts, **parts}

    def predict_proba(self, products: Products) -> NDArray[np.float32]:
        """pred_probs (N, K), calibrated, rows sum to 1. Without an image a row is the title's, to the last digit."""
        found = [np.empty((0, len(self.class_ids)), np.float32)]
        for start in range(0, len(products), ROWS_AT_ONCE):
            part = products.slice(start, min(len(products), start + ROWS_AT_ONCE))
            probs = self.text.predict_proba(part)
            here = _places_with_image(part)
            if len(here):
                probs[here] = self._fused(probs[here], part.take(here))
            found.append(probs)
        return np.concatenate(found)

    def predict_top(self, products: Products, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The k best category ids and their probabilities, both (N, min(k, K)), best first; k >= 1."""
        k = min(k, len(self.class_ids))
        ids, confidences = np.empty((len(products), k), np.int64), np.empty((len(products), k), np.float32)
        here = _places_with_image(products)
        others = np.setdiff1d(np.arange(len(products)), here)
        if len(others):
            ids[others], confidences[others] = self.text.predict_top(products.take(others), k)
        for start in range(0, len(here), ROWS_AT_ONCE):
            rows = here[start : start + ROWS_AT_ONCE]
            best = torch.topk(torch.from_numpy(self.predict_proba(products.take(rows))), k, 1)
            ids[rows], confidences[rows] = self.class_ids[best.indices.numpy()], best.values.numpy()
        return ids, confidences

    def _fused(self, text: NDArray[np.float32], products: Products) -> NDArray[np.float32]:
        """Probabilities (B, K) of the title's (B, K) and of images that are all there."""
        with one_thread(), torch.inference_mode():
            scores = self.gate(_logs(text), torch.cat(list(self.image.log_probabilities(products))))
            return log_probabilities(scores, self.calibration).exp().numpy()

    def files(self) -> dict[str, Writer]:
        """The files of its artifact: its parts lie in the folders text/ and image/."""
        gate = {name: tensor.contiguous() for name, tensor in self.gate.state_dict().items()}
        return {
            "config.json": lambda path: write_json(path, self.config),
            "calibration.json": lambda path: write_json(path, vars(self.calibration)),
            "gate.safetensors": lambda path: save_file(gate, path),
            **nest("text", self.text.files()),
            **nest("image", self.image.files()),
        }

    def save(self, folder: Path) -> str:
        """Write the artifact folder whole or not at all; returns its hash."""
        return write_folder(folder, self.files())

    @classmethod
    def read(cls, folder: Path, device: str = "cpu") -> "FusedModel":
        """The model of `files`. Raises BrokenArtifact naming the file that cannot be used."""
        from models.family import read_model

        config = read_json(folder, "config.json")
        text, image = read_model(folder / "text", device), ImageModel.read(folder / "image", device)
        gate = FusionGate()
        try:
            check_format(folder, config, FORMAT)
            gate.load_state_dict(load_file(folder / "gate.safetensors"))
            calibration, facts = Calibration(**read_json(folder, "calibration.json")), config["fusion"]
        except (KeyError, TypeError, ValueError, RuntimeError, OSError, SafetensorError) as error:
            raise BrokenArtifact(folder, "its content", f"does not fit together ({error})") from error
        if not np.array_equal(text.class_ids, image.class_ids):
            raise BrokenArtifact(folder, "image/categories.json", "names other categories than text/")
        return cls(text, image, gate.eval(), calibration, facts)


def fit_fused(encoder: str, task: FitTask) -> FusedModel:
    """Train title and image, and the gate on answers to rows that neither had learned from.

    `task.train.products.images` must be there. `task.config['image']` holds the values of `ImageConfig`; the rest are
    the encoder's. Raises what the encoder's fit raises, and NotEnoughImages.
    """
    from models.family import fit_text

    config = ImageConfig.from_dict({"seed": task.config.get("seed", 7)} | task.config.get("image", {}))
    text_task = _text_task(task)
    check_images(task.train)
    work = _Work(task, text_task, config, encoder, lambda part: fit_text(encoder, part))
    answers = work.out_of_fold()
    if not len(answers.labels):
        found = with_image(task.train)
        raise NotEnoughImages(len(found), len(np.unique(found.labels)))
    image = fit_image(replace(task, folder=task.folder / "image", on_progress=work.share(0.5, 0.6)), config)
    text = fit_text(encoder, replace(text_task, on_progress=work.share(0.6, 1.0, keep_epochs=True)))
    with one_thread():
        gate = fit_gate(
            answers.text, answers.image, answers.labels, answers.weights, config.modality_dropout, config.seed
        )
        facts = {"rows": len(answers.labels), "folds": answers.n_folds, "modality_dropout": config.modality_dropout}
        model = FusedModel(text, image, gate, Calibration(kind=SOFTMAX), facts)
        model.calibration = _calibrate(model, with_image(task.validation))
    return model


@dataclass(frozen=True)
class Answers:
    """What models said of rows that they had not learned from: log probabilities (N, K)."""

    text: NDArray[np.float32]
    image: NDArray[np.float32]
    labels: NDArray[np.int64]  # (N,)
    weights: NDArray[np.float32]  # (N,)
    n_folds: int


@dataclass(frozen=True)
class _Work:
    """A fit of both, and what its steps share."""

    task: FitTask
    text_task: FitTask
    config: ImageConfig
    encoder: str
    fit_text: Callable[[FitTask], CategoryModel]

    def share(self, first: float, last: float, keep_epochs: bool = False, stage: str | None = None) -> OnProgress:
        """Progress of a part, as this part of the whole."""

        def tell(progress: FitProgress) -> None:
            told = replace(progress, fraction=first + (last - first) * progress.fraction)
            if not keep_epochs:  # the curve of a job shows the title's own training alone
                told = replace(told, epoch=None, n_epochs=None, loss=None, validation_p_at_1=None)
            self.task.on_progress(replace(told, stage=stage or progress.stage))

        return tell

    def out_of_fold(self) -> Answers:
        """Answers to training rows with an image, as many folds as give enough of them."""
        config, train = self.config, self.task.train
        folds = assign_folds(train, config.folds, config.seed)
        images = train.products.images
        present = np.zeros(len(train), bool) if images is None else images.present
        most = max(200, min(config.fusion_rows, MOST_SCORES // len(self.task.class_ids)))
        parts: list[tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]] = []
        n_found, n_done = 0, 0
        for fold in range(config.folds):
            asked = np.flatnonzero((folds == fold) & present)[: most - n_found]
            if not len(asked):
                continue
            learned = np.flatnonzero(folds != fold)
            if not is_enough(train.take(learned)):
                continue
            parts.append((*self._fold(fold, learned, asked), asked))
            n_found, n_done = n_found + len(asked), n_done + 1
            if n_found >= most:
                break
        n_classes = len(self.task.class_ids)
        text, image = (
            np.concatenate([np.empty((0, n_classes), np.float32), *(part[place] for part in parts)])  # type: ignore[misc]
            for place in (0, 1)
        )
        rows = np.concatenate([np.empty(0, np.int64), *(part[2] for part in parts)])
        return Answers(text, image, train.labels[rows], train.weights[rows], n_done)

    def _fold(
        self, fold: int, learned: NDArray[np.int64], asked: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Log probabilities (n, K) of title and image for the rows `asked`, by models of the rows `learned`."""
        n, folder = self.config.folds, self.task.folder / f"fold-{fold}"
        first, middle, last = (0.5 * (fold + part) / n for part in (0.0, 0.3, 1.0))
        task = replace(
            self.task,
            train=self.task.train.take(learned),
            folder=folder,
            warm_start=None,  # an earlier version may have learned from the rows asked
            selector=None,  # it knows the rows by their places among all, not within a fold
            on_progress=self.share(middle, last, stage=WEIGHING),
        )
        known_by = {"encoder": self.encoder, "text": self.text_task.config, "image": self.config.to_dict()}
        kept = Checkpoints(folder, fingerprint_fit(self.task, known_by), self.config.checkpoint_seconds)
        found = kept.find_prepared_files(("answers.safetensors",))
        if found is None:
            tell = self.share(first, middle, stage=WEIGHING)
            image = fit_image(replace(task, folder=folder / "image", on_progress=tell), self.config)
            text = self.fit_text(_text_task(task))
            products = self.task.train.products.take(asked)
            answers = {
                "text": _logs(text.predict_proba(products)),
                "image": torch.cat(list(image.log_probabilities(products))),
            }
            kept.save_prepared_files({"answers.safetensors": lambda path: save_file(answers, path)})
        else:
            answers = load_file(found / "answers.safetensors")
        return answers["text"].numpy(), answers["image"].numpy()


def _text_task(task: FitTask) -> FitTask:
    """The title's part of a task."""

    def without(rows: LabeledProducts) -> LabeledProducts:
        return replace(rows, products=replace(rows.products, images=None))

    config = {name: value for name, value in task.config.items() if name != "image"}
    return replace(
        task,
        train=without(task.train),
        validation=without(task.validation),
        config=config,
        folder=task.folder / "text",
    )


def _calibrate(model: FusedModel, held_out: LabeledProducts) -> Calibration:
    """Temperature of the fused scores, on validation rows with an image."""
    if not len(held_out):
        return Calibration(kind=SOFTMAX)
    most = max(1, MOST_SCORES // len(model.class_ids))
    rows = held_out.take(np.arange(len(held_out))[:most])
    scores = [np.empty((0, len(model.class_ids)), np.float32)]
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = rows.products.slice(start, min(len(rows), start + ROWS_AT_ONCE))
        logs = torch.cat(list(model.image.log_probabilities(part)))
        with torch.inference_mode():
            scores.append(model.gate(_logs(model.text.predict_proba(part)), logs).numpy())
    return fit_temperature(np.concatenate(scores), rows.labels, rows.weights, SOFTMAX)


def find_fused(model: CategoryModel) -> FusedModel | None:
    """The model itself, or what it wraps, where that reads images."""
    inner: CategoryModel | None = model
    while inner is not None and not isinstance(inner, FusedModel):
        inner = getattr(inner, "model", None)
    return inner


def _places_with_image(products: Products) -> NDArray[np.int64]:
    return np.empty(0, np.int64) if products.images is None else np.flatnonzero(products.images.present)


def _logs(probs: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(np.maximum(probs, _LEAST)).log()
