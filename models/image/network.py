"""The image classifier: trunk, added fully connected layer, categories. A category without pictures stays neutral."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from models.artifact import nest, read_json, write_json
from models.calibration import log_probabilities
from models.category_model import BaseCategoryModel
from models.device import resolve_device
from models.errors import BrokenArtifact
from models.image.config import ImageConfig
from models.image.reading import read_files
from models.image.trunk import N_FEATURES, SIDE, ImageTrunk, read_trunk_facts
from models.types import Calibration, ProductImages, Products, Writer

KIND = "image-mobilenet-v2"
FORMAT = 1
ROWS_AT_ONCE = 4_096  # whose probabilities are in memory together


class ImageHead(nn.Module):
    """Features (B, 1280), made even -> added layer -> scores (B, K)."""

    mean: Tensor
    deviation: Tensor
    seen: Tensor

    def __init__(self, n_classes: int, config: ImageConfig) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(N_FEATURES))
        self.register_buffer("deviation", torch.ones(N_FEATURES))
        self.register_buffer("seen", torch.ones(n_classes, dtype=torch.bool))  # has training pictures
        self.added = nn.Linear(N_FEATURES, config.fc_dim)
        self.out = nn.Linear(config.fc_dim, n_classes)
        self.dropout, self.hidden_dropout = config.dropout, config.hidden_dropout

    def prepare(self, features: NDArray[np.float16] | NDArray[np.float32], labels: NDArray[np.int64]) -> None:
        """Learn how features spread, and which categories have pictures; features (N, 1280), labels (N,)."""
        mean, deviation = features.mean(0, dtype=np.float64), features.std(0, dtype=np.float64)
        self.mean.copy_(torch.from_numpy(mean))
        self.deviation.copy_(torch.from_numpy(deviation + 1e-3))
        self.seen.zero_()[torch.from_numpy(np.unique(labels))] = True

    def forward(self, features: Tensor) -> Tensor:
        even = (features.float() - self.mean) / self.deviation
        hidden = functional.relu(self.added(functional.dropout(even, self.dropout, self.training)))
        return self.out(functional.dropout(hidden, self.hidden_dropout, self.training))


class ImageModel(BaseCategoryModel):
    """Says the category of a product by its image alone; without one all categories are equally likely."""

    kind = KIND

    def __init__(
        self,
        trunk: ImageTrunk,
        head: ImageHead,
        class_ids: NDArray[np.int64],
        settings: ImageConfig,
        calibration: Calibration,
        facts: dict[str, Any],
        device: str = "cpu",
    ) -> None:
        self.trunk, self.head = trunk, head.to(device).eval()
        self.class_ids, self.settings, self.calibration, self.facts = class_ids, settings, calibration, facts
        self.device = device

    @property
    def config(self) -> dict[str, Any]:
        """Settings, and in `facts` what happened: rows with a picture, whether the trunk was fine-tuned."""
        about = {"scaling": self.trunk.scaling, "source": self.trunk.source, "hash": self.trunk.hash}
        return {
            "format": FORMAT,
            "kind": KIND,
            "settings": self.settings.to_dict(),
            "trunk": about,
            "facts": self.facts,
        }

    def forward(self, pixels: Tensor) -> Tensor:
        """Scores (B, K) of scaled pictures (B, 3, 224, 224): gradients flow through every layer."""
        return self.head(self.trunk.blocks(pixels).mean((2, 3)))

    def log_probabilities(self, products: Products) -> Iterator[Tensor]:
        """Log of the calibrated probabilities, (B, K); equal ones where there is no image."""
        for start in range(0, len(products), ROWS_AT_ONCE):
            part = products.slice(start, min(len(products), start + ROWS_AT_ONCE))
            logs = torch.full((len(part), len(self.class_ids)), -float(np.log(len(self.class_ids))))
            if part.images is not None:
                images = own_features(part.images, self.trunk)
                here = np.flatnonzero(images.present)
                logs[torch.from_numpy(here)] = self.answer(images.features[here])
            yield logs

    def answer(self, features: NDArray[np.float16] | NDArray[np.float32]) -> Tensor:
        """Log of the calibrated probabilities (N, K), on the CPU, of features (N, 1280) of its own trunk."""
        with torch.inference_mode():
            scores = self.head(torch.from_numpy(np.ascontiguousarray(features)).to(self.device)).cpu()
            return neutral(log_probabilities(scores, self.calibration), self.head.seen.cpu())

    def files(self) -> dict[str, Writer]:
        tensors = {name: tensor.cpu().contiguous() for name, tensor in self.head.state_dict().items()}
        return {
            "config.json": lambda path: write_json(path, self.config),
            "calibration.json": lambda path: write_json(path, vars(self.calibration)),
            "categories.json": lambda path: write_json(path, {"class_ids": self.class_ids.tolist()}),
            "head.safetensors": lambda path: save_file(tensors, path),
            **nest("trunk", self.trunk.files()),
        }

    @classmethod
    def read(cls, folder: Path, device: str = "cpu") -> "ImageModel":
        """The model of `files`. Raises BrokenArtifact naming the file that cannot be used."""
        device = resolve_device(device)
        try:
            config = read_json(folder, "config.json")
            if (config["format"], config["kind"]) != (FORMAT, KIND):
                raise BrokenArtifact(folder, "config.json", "is of another kind or format of model")
            settings, facts = ImageConfig.from_dict(config["settings"]), dict(config["facts"])
            class_ids = np.array(read_json(folder, "categories.json")["class_ids"], np.int64)
            calibration = Calibration(**read_json(folder, "calibration.json"))
            head = ImageHead(len(class_ids), settings)
            head.load_state_dict(load_file(folder / "head.safetensors"))
        except (KeyError, TypeError, ValueError, RuntimeError, OSError, SafetensorError) as error:
            raise BrokenArtifact(folder, "its content", f"does not fit together ({error})") from error
        return cls(ImageTrunk.read(folder / "trunk", device), head, class_ids, settings, calibration, facts, device)


def neutral(logs: Tensor, seen: Tensor) -> Tensor:
    """Log probabilities (B, K) in which a category without training pictures has the average of the others.

    Its picture was never seen, so that the image says nothing for or against it.
    """
    n_seen, n = int(seen.sum()), len(seen)
    if n_seen == n or not n_seen:
        return logs
    logs = logs.masked_fill(~seen, -torch.inf).log_softmax(1) + float(np.log(n_seen / n))
    return logs.masked_fill(~seen, -float(np.log(n)))


def own_features(images: ProductImages, trunk: ImageTrunk) -> ProductImages:
    """The images as this trunk sees them: read again from their files where another trunk made the features.

    An image that another trunk saw and whose file is not known counts as absent.
    """
    if images.trunk is None or read_trunk_facts(images.trunk)["hash"] == trunk.hash:
        return images
    features = np.zeros((len(images), N_FEATURES), np.float16)
    present = np.zeros(len(images), bool)
    names = images.files or [None] * len(images)
    rows = [row for row in np.flatnonzero(images.present).tolist() if names[row]]
    done = 0
    for part in read_files([str(names[row]) for row in rows], SIDE):
        places = [rows[done + at] for at, picture in enumerate(part) if picture.pixels is not None]
        if places:
            pixels = np.stack([picture.pixels for picture in part if picture.pixels is not None])
            features[places], present[places] = trunk.features(pixels), True
        done += len(part)
    return replace(images, features=features, present=present, trunk=None)
