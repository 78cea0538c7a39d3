"""What a fit has on disk: the encoded rows, read through the file system's memory, the tree, each finished node."""

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from scipy import sparse

from models.label_tree.config import LabelTreeConfig
from models.label_tree.features import FeatureMaker
from models.label_tree.matcher import NodeWeights
from models.label_tree.shape import TreeShape
from models.predictor import vocabulary_from, vocabulary_tensors
from models.tokenizer import Tokenizer

_WHOLE = "whole.json"  # written last: a folder without it was cut short
_PARTS = (("values", np.float32), ("columns", np.int32), ("ends", np.int64))


@dataclass(frozen=True)
class Store:
    """The folder of one fit; another fit's rows or settings have another folder."""

    folder: Path

    def save_rows(self, chunks: Iterator[sparse.csr_matrix], n_columns: int) -> None:
        """Write rows chunk by chunk: only one is in memory at a time."""
        partial = self._begin()
        end = 0
        files = {name: (partial / name).open("wb") for name, _ in _PARTS}
        try:
            for rows in chunks:
                files["values"].write(rows.data.astype(np.float32).tobytes())
                files["columns"].write(rows.indices.astype(np.int32).tobytes())
                files["ends"].write((rows.indptr[1:].astype(np.int64) + end).tobytes())
                end += rows.nnz
            for file in files.values():
                file.flush()
                os.fsync(file.fileno())
        finally:
            for file in files.values():
                file.close()
        self._finish(partial, "rows", {"n_columns": n_columns})

    def find_rows(self) -> sparse.csr_matrix | None:
        """(N, C) the rows of `save_rows`, mapped from the disk; none when there are none."""
        facts = self._facts("rows")
        if facts is None:
            return None
        values, columns, ends = (_map(self.folder / "rows" / name, kind) for name, kind in _PARTS)
        kind = np.int32 if len(values) < 2**31 else np.int64
        starts = np.concatenate([np.zeros(1, kind), ends.astype(kind)])
        return sparse.csr_matrix((values, columns, starts), shape=(len(ends), int(facts["n_columns"])))

    def save_features(self, maker: FeatureMaker) -> None:
        partial = self._begin()
        (partial / "tokenizer.model").write_bytes(maker.tokenizer.model)
        save_file(feature_arrays(maker), partial / "features.safetensors")
        self._finish(partial, "features", {"n_image": maker.n_image})

    def find_features(self, config: LabelTreeConfig) -> FeatureMaker | None:
        facts = self._facts("features")
        if facts is None:
            return None
        folder = self.folder / "features"
        tokenizer = Tokenizer((folder / "tokenizer.model").read_bytes())
        return features_from(load_file(folder / "features.safetensors"), tokenizer, int(facts["n_image"]), config)

    def save_shape(self, shape: TreeShape) -> None:
        partial = self._begin()
        save_file(shape_arrays(shape), partial / "shape.safetensors")
        self._finish(partial, "shape", {})

    def find_shape(self) -> TreeShape | None:
        if self._facts("shape") is None:
            return None
        return shape_from(load_file(self.folder / "shape" / "shape.safetensors"))

    def save_node(self, level: int, node: int, weights: NodeWeights) -> None:
        path = self._node(level, node)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.tmp")
        save_file(vars(weights), partial)
        partial.replace(path)

    def find_node(self, level: int, node: int) -> NodeWeights | None:
        """The weights of a finished node; none when it is to be trained, also where its file is broken."""
        try:
            return NodeWeights(**load_file(self._node(level, node)))
        except (FileNotFoundError, SafetensorError, TypeError):
            return None

    def has_node(self, level: int, node: int) -> bool:
        return self.find_node(level, node) is not None

    def _node(self, level: int, node: int) -> Path:
        return self.folder / "nodes" / f"{level}-{node:06d}.safetensors"

    def _begin(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        for stale in self.folder.glob("*.partial"):
            shutil.rmtree(stale, ignore_errors=True)
        partial = self.folder / f"{uuid.uuid4().hex[:8]}.partial"
        partial.mkdir()
        return partial

    def _finish(self, partial: Path, name: str, facts: dict[str, int]) -> None:
        (partial / _WHOLE).write_text(json.dumps(facts))
        shutil.rmtree(self.folder / name, ignore_errors=True)
        partial.replace(self.folder / name)

    def _facts(self, name: str) -> dict[str, int] | None:
        path = self.folder / name / _WHOLE
        if not path.is_file():
            return None
        facts: dict[str, int] = json.loads(path.read_text())
        return facts


def feature_arrays(maker: FeatureMaker) -> dict[str, NDArray[np.generic]]:
    """For safetensors."""
    vocabulary = {name: tensor.numpy() for name, tensor in vocabulary_tensors(maker.vocabulary).items()}
    return {**vocabulary, "pieces.directions": maker.directions}


def features_from(
    arrays: dict[str, NDArray[np.generic]], tokenizer: Tokenizer, n_image: int, config: LabelTreeConfig
) -> FeatureMaker:
    """What `feature_arrays` stored; KeyError when it is not there."""
    known = {name: torch.from_numpy(array) for name, array in arrays.items() if name.startswith("vocabulary.")}
    directions = np.asarray(arrays["pieces.directions"], np.float32)
    return FeatureMaker(vocabulary_from(known), tokenizer, directions, n_image, config)


def shape_arrays(shape: TreeShape) -> dict[str, NDArray[np.generic]]:
    return {"tree.order": shape.order, **{f"tree.bounds.{t}": each for t, each in enumerate(shape.bounds)}}


def shape_from(arrays: dict[str, NDArray[np.generic]]) -> TreeShape:
    n_levels = sum(name.startswith("tree.bounds.") for name in arrays)
    bounds = tuple(arrays[f"tree.bounds.{level}"].astype(np.int64) for level in range(n_levels))
    return TreeShape(arrays["tree.order"].astype(np.int64), bounds)


def _map(path: Path, kind: type[np.generic]) -> NDArray[np.generic]:
    """An empty file cannot be mapped."""
    return np.memmap(path, kind, mode="r") if path.stat().st_size else np.empty(0, kind)
