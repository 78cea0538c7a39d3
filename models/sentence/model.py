"""A tuned sentence encoder with its answering layer: probabilities out, artifact folder in and out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from torch import Tensor

from models.artifact import check_format, nest, read_json, write_json
from models.calibration import log_probabilities
from models.category_model import BaseCategoryModel
from models.device import one_thread, resolve_device
from models.errors import BrokenArtifact
from models.sentence.config import SentenceConfig
from models.sentence.network import EMBED_ROWS, embed, load_network, network_files
from models.tokenizer import normalise
from models.types import Calibration, Products, Writer

FORMAT = 1  # of the artifact folder; another number is refused
NETWORK = "network"  # its folder in the artifact


class SentenceModel(BaseCategoryModel):
    """Classifies products by embeddings of title and of mall category and brand; a `CategoryModel`.

    The mall category's embedding is multiplied by its mall's weight: 0 is exactly an empty field.
    """

    kind = "sentence"

    def __init__(
        self,
        network: Any,
        network_folder: Path,
        weights: NDArray[np.float32],
        bias: NDArray[np.float32],
        class_ids: NDArray[np.int64],
        settings: SentenceConfig,
        calibration: Calibration,
    ) -> None:
        self.network, self._network_folder = network, network_folder
        self.weights, self.bias = weights, bias  # (2 D, K), (K,)
        self.class_ids = class_ids
        self.settings = settings
        self.calibration = calibration

    @property
    def config(self) -> dict[str, Any]:
        """What it is and how it was made, for JSON."""
        return {"format": FORMAT, "kind": self.kind, **self.settings.to_dict()}

    def log_probabilities(self, products: Products) -> Iterator[Tensor]:
        """Log of the calibrated probabilities, (B, K), of the next products."""
        for start in range(0, len(products), EMBED_ROWS):
            features = embed_products(self.network, products.slice(start, start + EMBED_ROWS), self.settings)
            scores = torch.from_numpy(features @ self.weights + self.bias)
            yield log_probabilities(scores, self.calibration)

    def files(self) -> dict[str, Writer]:
        tensors = {"weights": self.weights, "bias": self.bias}
        return {
            "config.json": lambda path: write_json(path, self.config),
            "head.safetensors": lambda path: save_file(tensors, path),
            "categories.json": lambda path: write_json(path, {"class_ids": self.class_ids.tolist()}),
            "calibration.json": lambda path: write_json(path, vars(self.calibration)),
            **nest(NETWORK, network_files(self._network_folder)),
        }

    @classmethod
    def read(cls, folder: Path, device: str) -> "SentenceModel":
        """The model in a folder whose files were checked. Raises BrokenArtifact; NoSentenceWeights without library."""
        stored = read_json(folder, "config.json")
        check_format(folder, stored, FORMAT)
        try:
            settings = SentenceConfig.from_dict({k: v for k, v in stored.items() if k not in ("format", "kind")})
            class_ids = np.array(read_json(folder, "categories.json")["class_ids"], np.int64)
            calibration = Calibration(**read_json(folder, "calibration.json"))
            tensors = load_file(folder / "head.safetensors")
            network = load_network(str(folder / NETWORK), resolve_device(device))
            weights, bias = tensors["weights"], tensors["bias"]
            if weights.shape != (2 * network.get_embedding_dimension(), len(class_ids)) or len(bias) != len(class_ids):
                raise ValueError("the answering layer is of another size")
        except (KeyError, TypeError, ValueError, OSError, SafetensorError) as error:
            raise BrokenArtifact(folder, "its content", f"does not fit together ({error})") from error
        return cls(network, folder / NETWORK, weights, bias, class_ids, settings, calibration)


def embed_products(network: Any, products: Products, settings: SentenceConfig) -> NDArray[np.float32]:
    """Features (N, 2 D): the title's embedding, and that of mall category and brand times the mall's weight."""
    most = settings.max_title_characters
    titles = [normalise(title, most) for title in products.titles]
    others = [
        " ".join(filter(None, (normalise(mall, most), normalise(brand, most))))
        for mall, brand in zip(products.mall_categories, products.brands, strict=True)
    ]
    weights = np.ones(len(titles), np.float32) if products.mall_weights is None else products.mall_weights
    unique = sorted(set(others))
    with one_thread():
        place = {text: row for row, text in enumerate(unique)}
        found = embed(network, unique)[[place[text] for text in others]] if others else embed(network, others)
        return np.concatenate([embed(network, titles), found * weights[:, None]], axis=1)
