"""The n-gram linear model: one linear support vector machine a category, asked as one table; its artifact."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from scipy import sparse
from torch import Tensor

from models.artifact import check_format, read_json, write_json
from models.calibration import log_probabilities
from models.category_model import BaseCategoryModel
from models.errors import BrokenArtifact
from models.features import NgramVocabulary, encode_ngrams, normalise_texts
from models.linear_config import LinearConfig
from models.types import Calibration, Products, Writer

FORMAT = 1  # of the artifact folder; another number is refused
PREDICT_ROWS = 4096  # scored at a time: bounds the memory


class LinearNgramModel(BaseCategoryModel):
    """Classifies products by weighted n-grams of title, mall category and brand; a `CategoryModel`. No torch inside."""

    kind = "linear-ngrams"

    def __init__(
        self,
        vocabulary: NgramVocabulary,
        weights: sparse.csr_matrix,
        bias: NDArray[np.float32],
        class_ids: NDArray[np.int64],
        settings: LinearConfig,
        calibration: Calibration,
    ) -> None:
        self.vocabulary = vocabulary  # R n-grams
        self.weights = weights  # (R, K) float32
        self.bias = bias  # (K,)
        self.class_ids = class_ids  # (K,)
        self.settings = settings
        self.calibration = calibration
        self._text = settings.text()
        # rows of a full table are added up several times faster than sparse ones
        n_cells = weights.shape[0] * weights.shape[1]
        self._table: Any = weights.toarray() if n_cells <= settings.max_table else weights

    @property
    def config(self) -> dict[str, Any]:
        """What it is and how it was made, for JSON."""
        return {"format": FORMAT, "kind": self.kind, **self.settings.to_dict()}

    @classmethod
    def read(cls, folder: Path, device: str) -> "LinearNgramModel":
        """The model in a folder whose files were checked; every device asks it on the CPU.

        One that does not fit together raises BrokenArtifact.
        """
        try:
            stored = read_json(folder, "config.json")
            check_format(folder, stored, FORMAT)
            del stored["format"], stored["kind"]
            settings = LinearConfig.from_dict(stored)
            class_ids = np.array(read_json(folder, "categories.json")["class_ids"], np.int64)
            calibration = Calibration(**read_json(folder, "calibration.json"))
            arrays = load_file(folder / "weights.safetensors")
            vocabulary = vocabulary_from_arrays(arrays)
            weights = weights_from_arrays(arrays, (len(vocabulary), len(class_ids)))
            bias = arrays["bias"]
            if bias.shape != class_ids.shape:
                raise ValueError(f"{len(bias)} categories in the weights, {len(class_ids)} listed")
        except (KeyError, TypeError, ValueError, OSError, SafetensorError) as error:
            raise BrokenArtifact(folder, "its content", f"does not fit together ({error})") from error
        return cls(vocabulary, weights, bias, class_ids, settings, calibration)

    def files(self) -> dict[str, Writer]:
        arrays = {
            **vocabulary_arrays(self.vocabulary),
            **weights_arrays(self.weights),
            "bias": self.bias,
        }
        return {
            "config.json": lambda path: write_json(path, self.config),
            "weights.safetensors": lambda path: save_file(arrays, path),
            "categories.json": lambda path: write_json(path, {"class_ids": self.class_ids.tolist()}),
            "calibration.json": lambda path: write_json(path, vars(self.calibration)),
        }

    def log_probabilities(self, products: Products) -> Iterator[Tensor]:
        """Log of the calibrated probabilities, (B, K), of the next products."""
        for start in range(0, len(products), PREDICT_ROWS):
            texts = normalise_texts(products.slice(start, start + PREDICT_ROWS), self._text.max_title_characters)
            yield self.log_probabilities_of(encode_ngrams(texts, self.vocabulary, self._text))

    def log_probabilities_of(self, ngrams: sparse.csr_matrix) -> Tensor:
        """The same for products that are encoded already: (B, R) to (B, K)."""
        return log_probabilities(torch.from_numpy(self.scores(ngrams)), self.calibration)

    def scores(self, ngrams: sparse.csr_matrix) -> NDArray[np.float32]:
        """(B, K) margins of encoded products (B, R), not calibrated."""
        found = ngrams @ self._table
        return np.asarray(found.toarray() if sparse.issparse(found) else found, np.float32) + self.bias


def vocabulary_arrays(vocabulary: NgramVocabulary) -> dict[str, NDArray[Any]]:
    """For safetensors. Hashes travel as int64: not every reader knows unsigned numbers."""
    return {
        "vocabulary.hashes": vocabulary.hashes.astype(np.int64),
        "vocabulary.idf": vocabulary.idf,
        "vocabulary.starts": vocabulary.starts,
    }


def vocabulary_from_arrays(arrays: dict[str, NDArray[Any]]) -> NgramVocabulary:
    """What `vocabulary_arrays` stored; KeyError when it is not there."""
    return NgramVocabulary(
        hashes=arrays["vocabulary.hashes"].astype(np.uint32),
        idf=arrays["vocabulary.idf"],
        starts=arrays["vocabulary.starts"],
    )


def weights_arrays(weights: sparse.csr_matrix) -> dict[str, NDArray[Any]]:
    """For safetensors."""
    return {
        "weights.values": weights.data.astype(np.float32),
        "weights.classes": weights.indices.astype(np.int32),
        "weights.starts": weights.indptr.astype(np.int64),
    }


def weights_from_arrays(arrays: dict[str, NDArray[Any]], shape: tuple[int, int]) -> sparse.csr_matrix:
    """What `weights_arrays` stored; ValueError when it is no matrix of that shape."""
    parts = (arrays["weights.values"], arrays["weights.classes"], arrays["weights.starts"])
    found = sparse.csr_matrix(parts, shape=shape)
    found.check_format(full_check=True)
    return found
