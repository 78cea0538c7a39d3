"""Features on disk: found again by hash, by other processes too; a damaged or half-written shard is as if not there."""

import hashlib
from pathlib import Path

import numpy as np

from core.training.feature_store import FeatureStore


def names(*words: str) -> list[str]:
    return [hashlib.sha256(word.encode()).hexdigest() for word in words]


def features(*values: float) -> np.ndarray:
    return np.repeat(np.array(values, np.float16)[:, None], 4, 1)


def test_features_are_found_by_hash_in_any_order(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path, 4)
    assert not store.find(names("a"))[1].any()
    store.add(names("a", "b"), features(1, 2))
    store.add(names("c"), features(3))
    store.add([], features())
    found, here = store.find([*names("c", "x"), None, *names("a", "b", "a")])
    assert here.tolist() == [True, False, False, True, True, True]
    assert found[:, 0].tolist() == [3, 0, 0, 1, 2, 1]
    assert store.find([])[0].shape == (0, 4)


def test_another_process_sees_what_was_added_meanwhile(tmp_path: Path) -> None:
    one, two = FeatureStore(tmp_path, 4), FeatureStore(tmp_path, 4)
    assert not two.find(names("a"))[1].any()
    one.add(names("a"), features(1))
    two.add(names("a", "b"), features(1, 2))
    for store in (one, two):
        assert store.find(names("a", "b"))[0][:, 0].tolist() == [1, 2]


def test_a_shard_that_is_not_whole_is_passed_by(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path, 4)
    store.add(names("a"), features(1))
    store.add(names("b"), features(2))
    first, second = sorted(tmp_path.glob("*.features.npy"))
    first.write_bytes(first.read_bytes()[:100])  # damaged
    second.unlink()  # killed between its two files, or lost
    (tmp_path / "half.hashes.partial").write_bytes(b"")
    again = FeatureStore(tmp_path, 4)
    assert not again.find(names("a", "b"))[1].any()
    again.add(names("a"), features(5))
    assert again.find(names("a"))[0][0, 0] == 5
