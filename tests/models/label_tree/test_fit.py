"""Training the label tree: as good as flat one-against-the-rest, resumable, within its memory."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from sklearn.svm import LinearSVC

from models.family import fit_model, load_model
from models.label_tree.config import LabelTreeConfig
from models.label_tree.fit import fit_label_tree
from models.label_tree.model import LabelTreeModel
from models.label_tree.pairs import Pairs
from models.label_tree.search import Candidates
from models.types import FitProgress, FitTask, LabeledProducts, ProductImages, Products
from tests.models.made_up import ignore

N_CLASSES = 40
CLASS_IDS = np.arange(N_CLASSES) * 3 + 100
SMALL: dict[str, Any] = {"max_leaf": 5, "branching": 4, "epochs": 20}


def make_rows(n: int, seed: int = 0, n_classes: int = N_CLASSES) -> LabeledProducts:
    """Titles of a word of the class, a word of its kind and two that say nothing."""
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, n_classes, n)
    labels[:n_classes] = np.arange(min(n, n_classes))
    titles = [
        f"{'kind' if chance.random() < 0.5 else 'art'}{label % 8} {_word(label)} {_word(chance.integers(500, 520))} "
        f"{_word(chance.integers(500, 520))}"
        for label in labels
    ]
    nothing = [""] * n
    return LabeledProducts(Products(titles, nothing, nothing), labels.astype(np.int64), np.ones(n, np.float32))


def _word(number: int) -> str:
    return "".join(chr(ord("a") + (int(number) * 7919 // 26**place) % 26) for place in range(4))


def make_task(folder: Path, on_progress: Any = ignore, rows: LabeledProducts | None = None, **config: Any) -> FitTask:
    train = make_rows(600) if rows is None else rows
    return FitTask(train, make_rows(120, seed=1), CLASS_IDS, SMALL | config, "cpu", folder, on_progress)


def fit(task: FitTask) -> LabelTreeModel:
    model = fit_model("label_tree", task)
    assert isinstance(model, LabelTreeModel)
    return model


def share_right(model: LabelTreeModel, rows: LabeledProducts) -> float:
    ids, _ = model.predict_top(rows.products, 1)
    return float((ids[:, 0] == CLASS_IDS[rows.labels]).mean())


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LabelTreeModel:
    return fit(make_task(tmp_path_factory.mktemp("tree")))


def test_the_beam_finds_the_right_leaf(model: LabelTreeModel) -> None:
    assert [len(level.nodes) for level in model.levels] == [1, 2, 8]
    held_out = make_rows(200, seed=2)
    assert share_right(model, held_out) >= 0.95
    found = model.candidates(held_out.products)
    assert (found.ids == held_out.labels[:, None]).any(axis=1).mean() >= 0.99


def test_agrees_with_flat_one_against_the_rest(model: LabelTreeModel) -> None:
    train, held_out = make_rows(600), make_rows(200, seed=2)
    peer = LinearSVC().fit(model.maker.rows(train.products), train.labels)
    right = (peer.predict(model.maker.rows(held_out.products)) == held_out.labels).mean()
    assert share_right(model, held_out) >= right - 0.01


def test_probabilities_are_whole_and_agree_with_the_top(model: LabelTreeModel) -> None:
    products = Products(["", *make_rows(50, seed=3).products.titles], [""] * 51, [""] * 51)
    probs = model.predict_proba(products)
    assert probs.shape == (51, N_CLASSES)
    assert np.allclose(probs.sum(axis=1), 1.0, atol=1e-4)
    ids, top = model.predict_top(products, 3)
    assert np.allclose(np.sort(probs, axis=1)[:, :-4:-1], top, atol=1e-5)
    assert (ids[:, 0] == CLASS_IDS[probs.argmax(axis=1)]).all()


def test_a_narrow_beam_still_names_as_many_as_are_wanted(tmp_path: Path) -> None:
    model = fit(make_task(tmp_path, beam=1))
    ids, probs = model.predict_top(make_rows(5, seed=4).products, N_CLASSES)
    assert all(sorted(row) == sorted(CLASS_IDS) for row in ids.tolist())
    assert (np.diff(probs, axis=1) <= 0).all()
    assert np.allclose(probs.sum(axis=1), 1.0, atol=1e-4)
    assert model.predict_proba(Products([], [], [])).shape == (0, N_CLASSES)


def test_goes_on_after_a_kill_and_ends_the_same(tmp_path: Path, model: LabelTreeModel) -> None:
    class Killed(Exception):
        pass

    seen: list[FitProgress] = []

    def stop(progress: FitProgress) -> None:
        seen.append(progress)
        if progress.stage == "training" and progress.fraction > 0.5:
            raise Killed

    with pytest.raises(Killed):
        fit(make_task(tmp_path, stop))
    kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("nodes/*.safetensors")}
    assert 0 < len(kept) < 11
    again = fit(make_task(tmp_path))
    after = {path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("nodes/*.safetensors")}
    assert kept.items() <= after.items()  # finished nodes were not trained again
    products = make_rows(60, seed=5).products
    assert np.array_equal(again.predict_proba(products), model.predict_proba(products))
    assert [progress.fraction for progress in seen] == sorted(progress.fraction for progress in seen)


def test_a_broken_node_file_is_trained_again(tmp_path: Path, model: LabelTreeModel) -> None:
    fit(make_task(tmp_path))
    next(tmp_path.rglob("nodes/1-*.safetensors")).write_bytes(b"half")
    products = make_rows(60, seed=5).products
    assert np.array_equal(fit(make_task(tmp_path)).predict_proba(products), model.predict_proba(products))


def test_an_artifact_answers_the_same(tmp_path: Path, model: LabelTreeModel) -> None:
    model.save(tmp_path / "artifact")
    again = load_model(tmp_path / "artifact")
    products = make_rows(60, seed=5).products
    assert np.array_equal(again.predict_proba(products), model.predict_proba(products))
    assert again.config == model.config
    assert again.calibration == model.calibration


def test_memory_settings_are_kept_to(tmp_path: Path) -> None:
    model = fit(make_task(tmp_path, max_weights=4000, prune=0.0))
    assert sum(len(node.values) for level in model.levels for node in level.nodes) <= 4000
    assert share_right(model, make_rows(200, seed=2)) >= 0.9


def test_a_node_too_large_for_the_memory_learns_from_a_sample(tmp_path: Path) -> None:
    train = make_rows(600)
    shape = fit(make_task(tmp_path)).shape
    features = sparse.csr_matrix((600, 3), dtype=np.float32)
    data = Pairs(train, shape).take(features, 0, 0, 100, np.random.default_rng(0))
    assert data.rows.shape[0] <= 100 + len(data.starts)
    assert (np.diff(data.starts) > 0).all()  # every child keeps a row


def test_accepted_alternatives_are_right_as_well(tmp_path: Path) -> None:
    """Rows of class 0 for which class 1 was accepted are no evidence against class 1."""
    rows = make_rows(600)
    zero = np.flatnonzero(rows.labels == 0)
    accepted = sparse.csr_matrix((np.ones(len(zero), bool), (zero, np.ones(len(zero), int))), shape=(600, N_CLASSES))
    title = Products([rows.products.titles[zero[0]]], [""], [""])

    def chance_of_one(labeled: LabeledProducts, name: str) -> float:
        return float(fit(make_task(tmp_path / name, rows=labeled)).predict_proba(title)[0, 1])

    several = LabeledProducts(rows.products, rows.labels, rows.weights, accepted)
    assert chance_of_one(several, "several") > 10 * chance_of_one(rows, "one")


@pytest.mark.parametrize(
    "config", [{"dense_dim": 8, "vocabulary_size": 200}, {"negatives": "matched"}, {"n_threads": 2}]
)
def test_other_ways_of_learning(tmp_path: Path, config: dict[str, Any]) -> None:
    model = fit(make_task(tmp_path / "fit", **config))
    assert share_right(model, make_rows(200, seed=2)) >= 0.9
    model.save(tmp_path / "artifact")
    products = make_rows(20, seed=5).products
    assert np.array_equal(load_model(tmp_path / "artifact").predict_proba(products), model.predict_proba(products))


def test_images_tell_what_titles_do_not(tmp_path: Path) -> None:
    def seen(n: int, seed: int) -> LabeledProducts:
        labels = np.random.default_rng(seed).integers(0, 2, n)
        features: NDArray[np.float32] = np.eye(2, dtype=np.float32)[labels]
        images = ProductImages(features, np.ones(n, bool))
        return LabeledProducts(Products(["x"] * n, [""] * n, [""] * n, None, images), labels, np.ones(n, np.float32))

    task = FitTask(seen(60, 0), seen(20, 1), np.array([5, 6]), SMALL, "cpu", tmp_path, ignore)
    ids, _ = fit_label_tree(task).predict_top(seen(30, 2).products, 1)
    assert (ids[:, 0] == np.array([5, 6])[seen(30, 2).labels]).all()


def test_without_validation_rows_it_still_answers(tmp_path: Path) -> None:
    empty = make_rows(1).take(np.empty(0, np.int64))
    task = FitTask(make_rows(200), empty, CLASS_IDS, SMALL, "cpu", tmp_path, ignore)
    probs = fit(task).predict_proba(make_rows(10, seed=1).products)
    assert np.allclose(probs.sum(axis=1), 1.0, atol=1e-4)


@pytest.mark.parametrize(
    ("config", "name"),
    [({"branching": 3}, "branching"), ({"beam": 0}, "beam"), ({"negatives": "none"}, "negatives"), ({"x": 1}, "x")],
)
def test_settings_out_of_range_are_named(config: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        LabelTreeConfig.from_dict(config)


def test_the_best_candidates_are_kept() -> None:
    found = Candidates(np.array([[4, 5, 6]]), np.array([[-3.0, -1.0, -2.0]], np.float32)).best(2)
    assert sorted(zip(found.ids[0].tolist(), found.scores[0].tolist(), strict=True)) == [(5, -1.0), (6, -2.0)]
