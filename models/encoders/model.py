"""A trained neural text model: probabilities out, artifact folder in and out."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from models.artifact import check_format, read_json, write_json
from models.calibration import log_probabilities
from models.category_model import BaseCategoryModel
from models.device import one_thread, resolve_device
from models.encoders.config import CONFIGS, EncoderConfig, GruConfig
from models.encoders.network import Batch, TextNetwork
from models.encoders.prepare import Prepared
from models.encoders.texts import N_FIELDS, Tokens, encode_tokens, normalise_fields
from models.errors import BrokenArtifact, ModelError
from models.heads import Head, SeveralLabelsHead, make_head
from models.tokenizer import Tokenizer
from models.types import Calibration, Products, Writer

FORMAT = 1  # of the artifact folder; another number is refused
PREDICT_ROWS = 2048  # scored at a time: bounds the memory
_MANY_OUTPUTS = 600  # more make tensors large enough for threads to share


class NeuralTextModel(BaseCategoryModel):
    """Classifies products by title, mall category and brand; a `CategoryModel`."""

    kind = "neural-text"

    def __init__(
        self,
        encoder: str,
        network: TextNetwork,
        head: Head,
        prepared: Prepared,
        class_ids: NDArray[np.int64],
        class_paths: NDArray[np.int64] | None,
        settings: EncoderConfig,
        calibration: Calibration,
        device: str,
    ) -> None:
        self.encoder = encoder
        self.network = network.to(device).eval()
        self.head = head.to(device)
        self.prepared = prepared
        self.class_ids = class_ids  # (K,)
        self.class_paths = class_paths  # (K, D) as in FitTask
        self.settings = settings
        self.calibration = calibration
        self.device = device

    @property
    def config(self) -> dict[str, Any]:
        """What it is and how it was made, for JSON."""
        own = {"format": FORMAT, "kind": self.kind, "encoder": self.encoder, "n_buckets": self.prepared.n_buckets}
        return own | self.settings.to_dict()

    @classmethod
    def read(cls, folder: Path, device: str) -> "NeuralTextModel":
        """The model in a folder whose files were checked. One that does not fit together raises BrokenArtifact."""
        device = resolve_device(device)
        try:
            stored = read_json(folder, "config.json")
            check_format(folder, stored, FORMAT)
            del stored["format"], stored["kind"]
            encoder, n_buckets = stored.pop("encoder"), int(stored.pop("n_buckets"))
            settings = CONFIGS[encoder].from_dict(stored)
            categories = read_json(folder, "categories.json")
            class_ids = np.array(categories["class_ids"], np.int64)
            paths = categories["class_paths"]
            class_paths = None if paths is None else np.array(paths, np.int64)
            calibration = Calibration(**read_json(folder, "calibration.json"))
            tokenizer = Tokenizer((folder / "tokenizer.model").read_bytes())
            head = make_head(settings.head, len(class_ids), class_paths, settings.label_frequency)
            network = TextNetwork(N_FIELDS * tokenizer.vocabulary_size + n_buckets, head.n_outputs, settings)
            network.load_state_dict(load_file(folder / "weights.safetensors"))
        except BrokenArtifact:
            raise
        except (KeyError, IndexError, TypeError, AttributeError, ValueError, RuntimeError, OSError, SafetensorError,
                ModelError) as error:  # fmt: skip
            raise BrokenArtifact(folder, "its content", f"does not fit together ({error})") from error
        prepared = Prepared(tokenizer, n_buckets)
        return cls(encoder, network, head, prepared, class_ids, class_paths, settings, calibration, device)

    def files(self) -> dict[str, Writer]:
        tensors = {name: tensor.cpu().contiguous() for name, tensor in self.network.state_dict().items()}
        paths = None if self.class_paths is None else self.class_paths.tolist()
        return {
            "config.json": lambda path: write_json(path, self.config),
            "weights.safetensors": lambda path: save_file(tensors, path),
            "tokenizer.model": lambda path: _write_bytes(path, self.prepared.tokenizer.model),
            "categories.json": lambda path: write_json(
                path, {"class_ids": self.class_ids.tolist(), "class_paths": paths}
            ),
            "calibration.json": lambda path: write_json(path, vars(self.calibration)),
        }

    def log_probabilities(self, products: Products) -> Iterator[Tensor]:
        """Log of the calibrated probabilities, (B, K), of the next products."""
        for scores in self.scores(products):
            yield log_probabilities(self.head.verdicts(scores), self.calibration)

    def label_probabilities(self, products: Products) -> NDArray[np.float32]:
        """The chance that each class is right for each product, (N, K), whatever the others are.

        Not calibrated. Only the head several_labels knows; ValueError of the others.
        """
        if not isinstance(self.head, SeveralLabelsHead):
            raise ValueError("only the head several_labels gives each category a chance of its own")
        found = [self.head.label_probabilities(scores).cpu().numpy() for scores in self.scores(products)]
        return np.concatenate(found) if found else np.empty((0, len(self.class_ids)), np.float32)

    def scores(self, products: Products) -> Iterator[Tensor]:
        """The network's outputs (B, M) for the next products, not calibrated."""
        for start in range(0, len(products), PREDICT_ROWS):
            texts = normalise_fields(products.slice(start, start + PREDICT_ROWS), self.settings)
            tokens = encode_tokens(texts, self.prepared.tokenizer, self.prepared.n_buckets, self.settings)
            yield score_tokens(self.network, tokens, self.settings, self.device)


@torch.inference_mode()
def score_tokens(network: TextNetwork, tokens: Tokens, config: EncoderConfig, device: str) -> Tensor:
    """Outputs (N, M) of encoded products, without a gradient, in float32."""
    network.eval()
    with one_thread() if network.output.out_features <= _MANY_OUTPUTS else nullcontext():
        return network(Batch.of(tokens, device, isinstance(config, GruConfig)))


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)
