"""A trained title model: probabilities out, artifact folder in and out."""

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
from models.config import TitleModelConfig
from models.device import one_thread, resolve_device
from models.errors import BrokenArtifact, NoTree
from models.features import N_PIECE_FIELDS, Encoded, NgramVocabulary, encode, normalise_texts
from models.heads import Head, MarginHead, make_head
from models.title_network import Bags, TitleNetwork
from models.tokenizer import Tokenizer
from models.types import Calibration, Products, Writer

FORMAT = 1  # of the artifact folder; another number is refused
PREDICT_ROWS = 4096  # scored at a time: bounds the memory


class TitleModel(BaseCategoryModel):
    """Classifies products by title, mall category and brand; a `CategoryModel`."""

    kind = "title-ngrams-pieces"

    def __init__(
        self,
        network: TitleNetwork,
        vocabulary: NgramVocabulary,
        tokenizer: Tokenizer,
        class_ids: NDArray[np.int64],
        settings: TitleModelConfig,
        calibration: Calibration,
        device: str,
        class_paths: NDArray[np.int64] | None = None,
    ) -> None:
        self.head = make_title_head(settings, len(class_ids), class_paths).to(device)
        self.class_paths = class_paths  # (K, D) as in FitTask: the tree that a hierarchical head was trained on
        self.network = network.to(device).eval()
        self.vocabulary = vocabulary
        self.tokenizer = tokenizer
        self.class_ids = class_ids  # (K,)
        self.settings = settings
        self.calibration = calibration
        self.device = device

    @property
    def config(self) -> dict[str, Any]:
        """What it is and how it was made, for JSON."""
        return {"format": FORMAT, "kind": self.kind, **self.settings.to_dict()}

    @classmethod
    def read(cls, folder: Path, device: str) -> "TitleModel":
        """The model in a folder whose files were checked. One that does not fit together raises BrokenArtifact."""
        device = resolve_device(device)
        try:
            stored = read_json(folder, "config.json")
            check_format(folder, stored, FORMAT)
            del stored["format"], stored["kind"]
            settings = TitleModelConfig.from_dict(stored)
            categories = read_json(folder, "categories.json")
            class_ids, paths = np.array(categories["class_ids"], np.int64), categories.get("class_paths")
            class_paths = None if paths is None else np.array(paths, np.int64)
            calibration = Calibration(**read_json(folder, "calibration.json"))
            tensors = load_file(folder / "weights.safetensors")
            vocabulary = vocabulary_from(tensors)
            tokenizer = Tokenizer((folder / "tokenizer.model").read_bytes())
            n_pieces = N_PIECE_FIELDS * tokenizer.vocabulary_size
            n_outputs = make_title_head(settings, len(class_ids), class_paths).n_outputs
            network = TitleNetwork(len(vocabulary), n_pieces, n_outputs, settings)
            network.load_state_dict({name: tensors[name] for name in network.state_dict()})
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, OSError, SafetensorError,
                NoTree) as error:  # fmt: skip
            raise BrokenArtifact(folder, "its content", f"does not fit together ({error})") from error
        return cls(network, vocabulary, tokenizer, class_ids, settings, calibration, device, class_paths)

    def files(self) -> dict[str, Writer]:
        tensors = {
            **{name: tensor.cpu().contiguous() for name, tensor in self.network.state_dict().items()},
            **vocabulary_tensors(self.vocabulary),
        }
        calibration, categories = self.calibration, {"class_ids": self.class_ids.tolist()}
        if self.class_paths is not None:
            categories["class_paths"] = self.class_paths.tolist()
        return {
            "config.json": lambda path: write_json(path, self.config),
            "weights.safetensors": lambda path: save_file(tensors, path),
            "tokenizer.model": lambda path: _write_bytes(path, self.tokenizer.model),
            "categories.json": lambda path: write_json(path, categories),
            "calibration.json": lambda path: write_json(path, vars(calibration)),
        }

    def log_probabilities(self, products: Products) -> Iterator[Tensor]:
        """Log of the calibrated probabilities, (B, K), of the next products."""
        for start in range(0, len(products), PREDICT_ROWS):
            cut = normalise_texts(products.slice(start, start + PREDICT_ROWS), self.settings.max_title_characters)
            yield self.log_probabilities_of(encode(cut, self.vocabulary, self.tokenizer, self.settings))

    def log_probabilities_of(self, encoded: Encoded) -> Tensor:
        """The same for products that are encoded already."""
        # thousands of classes make tensors large enough for threads to share
        with one_thread() if self.network.full_rank else nullcontext(), torch.inference_mode():
            verdicts = self.head.verdicts(score_encoded(self.network, encoded, self.device))
            return log_probabilities(verdicts, self.calibration)


def make_title_head(config: TitleModelConfig, n_classes: int, class_paths: NDArray[np.int64] | None) -> Head:
    """The head of the settings; the flat one with the loss that suits n-grams."""
    if config.head == "flat":
        return MarginHead(n_classes)
    return make_head(config.head, n_classes, class_paths, config.label_frequency)


@torch.inference_mode()
def score_encoded(network: TitleNetwork, encoded: Encoded, device: str) -> Tensor:
    """Scores (N, K) of encoded products, without a gradient."""
    return network(Bags.of(encoded.ngrams, device), Bags.of(encoded.pieces, device))


def vocabulary_tensors(vocabulary: NgramVocabulary) -> dict[str, Tensor]:
    """For safetensors. Hashes travel as int64: not every reader knows unsigned numbers."""
    return {
        "vocabulary.hashes": torch.from_numpy(vocabulary.hashes.astype(np.int64)),
        "vocabulary.idf": torch.from_numpy(vocabulary.idf),
        "vocabulary.starts": torch.from_numpy(vocabulary.starts),
    }


def vocabulary_from(tensors: dict[str, Tensor]) -> NgramVocabulary:
    """What `vocabulary_tensors` stored; KeyError when it is not there."""
    return NgramVocabulary(
        hashes=tensors["vocabulary.hashes"].numpy().astype(np.uint32),
        idf=tensors["vocabulary.idf"].numpy(),
        starts=tensors["vocabulary.starts"].numpy(),
    )


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)
