"""A trained label tree: probabilities of thousands of categories without asking each, artifact in and out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from torch import Tensor

from models.artifact import check_format, read_json, write_json
from models.calibration import log_probabilities
from models.category_model import BaseCategoryModel
from models.errors import BrokenArtifact
from models.label_tree.config import LabelTreeConfig
from models.label_tree.features import FeatureMaker
from models.label_tree.matcher import NodeWeights
from models.label_tree.search import Candidates, LevelWeights, search
from models.label_tree.shape import TreeShape
from models.label_tree.store import feature_arrays, features_from, shape_arrays, shape_from
from models.tokenizer import Tokenizer
from models.types import Calibration, Products, Writer

FORMAT = 1  # of the artifact folder; another number is refused
PREDICT_ROWS = 4096  # answered at a time: bounds the memory
KEPT = 50  # candidates of a product that have a probability of their own
FAR = -1e4  # instead of minus infinity, where a gradient or a product with 0 is taken
_PARTS = ("columns", "counts", "children", "values", "bias")


class LabelTreeModel(BaseCategoryModel):
    """Classifies products with a tree of linear matchers; a `CategoryModel`."""

    kind = "label-tree"

    def __init__(
        self,
        maker: FeatureMaker,
        shape: TreeShape,
        levels: list[LevelWeights],
        class_ids: NDArray[np.int64],
        calibration: Calibration,
    ) -> None:
        self.maker, self.shape, self.levels = maker, shape, levels
        self.class_ids = class_ids  # (K,)
        self.calibration = calibration

    @property
    def settings(self) -> LabelTreeConfig:
        return self.maker.config

    @property
    def config(self) -> dict[str, Any]:
        """What it is and how it was made, for JSON."""
        return {"format": FORMAT, "kind": self.kind, "n_image": self.maker.n_image, **self.settings.to_dict()}

    def candidates(self, products: Products) -> Candidates:
        """(N, M) the best of the class positions the beam reaches and the log of their path scores, not calibrated."""
        return search(self.maker.rows(products), self.shape, self.levels, self.settings.beam).best(KEPT)

    def log_probabilities(self, products: Products) -> Iterator[Tensor]:
        """Log of the calibrated probabilities, (B, K), of the next products."""
        n_classes = len(self.class_ids)
        for ids, chances, share in self._chunks(products):
            filled = np.repeat(share[:, None], n_classes + 1, axis=1)
            np.put_along_axis(filled, ids, chances, 1)  # -1, a place without a candidate, is the column too many
            yield torch.from_numpy(filled[:, :n_classes]).clamp_min(1e-30).log()

    def predict_top(self, products: Products, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The k best category ids and their probabilities, both (N, min(k, K)), best first; k >= 1.

        Where the beam holds fewer than k categories, others follow with the probability they share.
        """
        k = min(k, len(self.class_ids))
        found_ids, found_chances = [np.empty((0, k), np.int64)], [np.empty((0, k), np.float32)]
        for ids, chances, share in self._chunks(products):
            order = np.argsort(-chances, axis=1, kind="stable")[:, :k]
            ids, chances = np.take_along_axis(ids, order, 1), np.take_along_axis(chances, order, 1)
            if ids.shape[1] < k or (ids < 0).any():
                ids, chances = _filled_up(ids, chances, share, k)
            found_ids.append(self.class_ids[ids])
            found_chances.append(chances)
        return np.concatenate(found_ids), np.concatenate(found_chances)

    def _chunks(
        self, products: Products
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]]:
        """(B, M) class positions, -1 for none, and their calibrated probabilities; (B,) that of every other class."""
        n_classes = len(self.class_ids)
        for start in range(0, len(products), PREDICT_ROWS):
            found = self.candidates(products.slice(start, start + PREDICT_ROWS))
            yield found.ids, *calibrated(found, self.calibration, n_classes)

    def files(self) -> dict[str, Writer]:
        calibration = self.calibration
        return {
            "config.json": lambda path: write_json(path, self.config),
            "weights.safetensors": lambda path: save_file(self._arrays(), path),
            "tokenizer.model": lambda path: _write_bytes(path, self.maker.tokenizer.model),
            "categories.json": lambda path: write_json(path, {"class_ids": self.class_ids.tolist()}),
            "calibration.json": lambda path: write_json(path, vars(calibration)),
        }

    def _arrays(self) -> dict[str, NDArray[np.generic]]:
        arrays = {**feature_arrays(self.maker), **shape_arrays(self.shape)}
        for number, level in enumerate(self.levels):
            for part in _PARTS:
                each = [getattr(node, part) for node in level.nodes]
                arrays[f"level.{number}.{part}"] = np.concatenate(each)
                arrays[f"level.{number}.{part}.sizes"] = np.array([len(one) for one in each], np.int64)
        return arrays

    @classmethod
    def read(cls, folder: Path, device: str) -> "LabelTreeModel":
        """The model in a folder whose files were checked; it works on the CPU whatever `device` says.

        One that does not fit together raises BrokenArtifact.
        """
        try:
            stored = read_json(folder, "config.json")
            check_format(folder, stored, FORMAT)
            del stored["format"], stored["kind"]
            n_image = int(stored.pop("n_image"))
            config = LabelTreeConfig.from_dict(stored)
            class_ids = np.array(read_json(folder, "categories.json")["class_ids"], np.int64)
            calibration = Calibration(**read_json(folder, "calibration.json"))
            arrays = load_file(folder / "weights.safetensors")
            tokenizer = Tokenizer((folder / "tokenizer.model").read_bytes())
            maker, shape = features_from(arrays, tokenizer, n_image, config), shape_from(arrays)
            levels = [_read_level(arrays, level, maker.n_columns) for level in range(shape.n_levels)]
            _check_fit(shape, levels, len(class_ids))
        except (KeyError, TypeError, ValueError, IndexError, RuntimeError, OSError, SafetensorError) as error:
            raise BrokenArtifact(folder, "its content", f"does not fit together ({error})") from error
        return cls(maker, shape, levels, class_ids, calibration)


def with_others(found: Candidates, others: float) -> NDArray[np.float32]:
    """Scores (N, M + 1) for the calibration: the last column stands for all classes that are no candidates."""
    column = np.full((len(found.scores), 1), others, np.float32)
    return np.maximum(np.concatenate([found.scores, column], axis=1), FAR)


def calibrated(
    found: Candidates, calibration: Calibration, n_classes: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(N, M) probabilities of the candidates, and (N,) that of each other class.

    What falls to the other classes is spread evenly over all, so no candidate comes behind another class.
    """
    scores = with_others(found, float(calibration.details.get("others", FAR)))
    own = log_probabilities(torch.from_numpy(scores), calibration).exp().numpy()  # (N, M + 1)
    share = (own[:, -1] / n_classes).astype(np.float32)
    return np.where(found.ids >= 0, own[:, :-1] + share[:, None], 0.0).astype(np.float32), share


def _filled_up(
    ids: NDArray[np.int64], chances: NDArray[np.float32], share: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows of k answers, where the beam had fewer: the lowest class positions that are not among them follow."""
    whole, filled = np.empty((len(ids), k), np.int64), np.repeat(share[:, None], k, axis=1)
    for row, (own, chance) in enumerate(zip(ids, chances, strict=True)):
        own, chance = own[own >= 0], chance[own >= 0]
        others = np.setdiff1d(np.arange(k), own)[: k - len(own)]
        whole[row] = np.concatenate([own, others])
        filled[row, : len(own)] = chance
    return whole, filled


def _read_level(arrays: dict[str, NDArray[np.generic]], number: int, n_columns: int) -> LevelWeights:
    parts = {}
    for part in _PARTS:
        ends = np.cumsum(arrays[f"level.{number}.{part}.sizes"])[:-1]
        parts[part] = np.split(arrays[f"level.{number}.{part}"], ends)
    nodes = [NodeWeights(*each) for each in zip(*(parts[part] for part in _PARTS), strict=True)]
    return LevelWeights.of(nodes, n_columns)


def _check_fit(shape: TreeShape, levels: list[LevelWeights], n_classes: int) -> None:
    """Raises ValueError where tree, weights and classes are not of one model."""
    if len(shape.order) != n_classes or any(
        shape.n_nodes(number) != len(level.nodes)
        or np.diff(shape.bounds[number]).tolist() != [len(node.bias) for node in level.nodes]
        for number, level in enumerate(levels)
    ):
        raise ValueError("the tree has other nodes than weights")


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)
