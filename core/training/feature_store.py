"""Image features on disk by the hash of the image: whole small files that are never changed.

A shard is two arrays, written under other names and renamed, the hashes last: a shard with hashes is whole. Two
workers write shards of their own; a feature that both made is there twice and harmless.
"""

import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_HASHES, _FEATURES = ".hashes.npy", ".features.npy"
_HASH_KIND = np.dtype("S32")  # SHA-256 as bytes; that S drops zeros at the end makes no two of them alike


class FeatureStore:
    """Features float16 (F,) of images, of one trunk. New shards of other processes are seen by the next `find`."""

    def __init__(self, folder: Path, n_features: int) -> None:
        self._folder, self._n_features = folder, n_features
        self._known: dict[str, int] = {}  # shard -> its number
        self._shards: list[NDArray[np.float16]] = []  # mapped, not read
        self._keys: NDArray[np.bytes_] = np.empty(0, _HASH_KIND)  # sorted
        self._places = np.empty((0, 2), np.int64)  # (shard, row) of each key

    def find(self, hashes: Sequence[str | None]) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
        """(features (N, F), found (N,)) of images by SHA-256 in hexadecimal; rows that are not found are 0."""
        self._look()
        features = np.zeros((len(hashes), self._n_features), np.float16)
        found = np.zeros(len(hashes), bool)
        asked = [place for place, name in enumerate(hashes) if name]
        if not asked or not len(self._keys):
            return features, found
        keys = _to_keys([str(hashes[place]) for place in asked])
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        hits = self._keys[at] == keys
        rows = np.array(asked)[hits]
        places = self._places[at[hits]]
        for shard in np.unique(places[:, 0]).tolist():
            here = places[:, 0] == shard
            features[rows[here]] = self._shards[shard][places[here, 1]]
        found[rows] = True
        return features, found

    def add(self, hashes: Sequence[str], features: NDArray[np.float16]) -> None:
        """Keep features (N, F) of images by their hashes."""
        if not len(hashes):
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"{uuid.uuid4().hex}"
        _write(self._folder / f"{name}{_FEATURES}", features.astype(np.float16))
        _write(self._folder / f"{name}{_HASHES}", _to_keys(hashes).view(np.uint8).reshape(-1, 32))

    def _look(self) -> None:
        """Take in shards that are new on the disk."""
        new = [path for path in sorted(self._folder.glob(f"*{_HASHES}")) if path.name not in self._known]
        if not new:
            return
        keys, places = [self._keys], [self._places]
        for path in new:
            read = _read(path, self._n_features)
            self._known[path.name] = len(self._shards)
            if read is None:
                self._known[path.name] = -1
                continue
            places.append(np.stack([np.full(len(read[0]), len(self._shards)), np.arange(len(read[0]))], 1))
            keys.append(read[0])
            self._shards.append(read[1])
        joined = np.concatenate(keys)
        order = np.argsort(joined, kind="stable")
        self._keys, self._places = joined[order], np.concatenate(places)[order]


def _to_keys(hashes: Sequence[str]) -> NDArray[np.bytes_]:
    return np.frombuffer(bytes.fromhex("".join(hashes)), _HASH_KIND)


def _write(path: Path, array: NDArray[np.generic]) -> None:
    unfinished = path.with_suffix(".partial")
    try:
        with unfinished.open("wb") as file:
            np.save(file, array)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _read(path: Path, n_features: int) -> tuple[NDArray[np.bytes_], NDArray[np.float16]] | None:
    """(keys, features) of a shard; none when it is damaged: its images are read again."""
    try:
        raw = np.load(path, allow_pickle=False)
        features = np.load(path.with_name(path.name.replace(_HASHES, _FEATURES)), mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if raw.shape != (len(features), 32) or features.shape[1:] != (n_features,) or features.dtype != np.float16:
        return None
    return np.frombuffer(raw.tobytes(), _HASH_KIND), features
