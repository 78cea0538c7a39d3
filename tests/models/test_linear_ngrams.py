"""The n-gram linear model: it learns, chooses how strictly, stays in its memory, resumes, and its artifact holds."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from models import linear_fit
from models.artifact import hash_file, write_json
from models.errors import BrokenArtifact, NotEnoughClasses, TooManyClasses
from models.family import fit_model, load_model
from models.linear_config import LinearConfig
from models.linear_ngrams import LinearNgramModel
from models.types import FitProgress, FitTask, LabeledProducts, OnProgress, Products
from tests.models.made_up import CLASS_IDS, ignore, make_rows, titles_only

TRAIN, VALIDATION, OTHERS = make_rows(160), make_rows(80, seed=1), make_rows(60, seed=2)
FILES = ("config.json", "weights.safetensors", "categories.json", "calibration.json")


def fit(
    folder: Path,
    config: dict[str, Any] | None = None,
    train: LabeledProducts = TRAIN,
    validation: LabeledProducts = VALIDATION,
    on_progress: OnProgress = ignore,
    class_ids: NDArray[np.int64] = CLASS_IDS,
) -> LinearNgramModel:
    task = FitTask(train, validation, class_ids, config or {"costs": [1.0]}, "cpu", folder, on_progress)
    model = fit_model("ngrams", task)
    assert isinstance(model, LinearNgramModel)
    return model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LinearNgramModel:
    return fit(tmp_path_factory.mktemp("linear"))


@pytest.fixture
def artifact(model: LinearNgramModel, tmp_path: Path) -> Path:
    model.save(tmp_path / "artifact")
    return tmp_path / "artifact"


def test_it_learns_what_the_words_say(model: LinearNgramModel) -> None:
    ids, confidence = model.predict_top(OTHERS.products, 2)
    assert (ids[:, 0] == CLASS_IDS[OTHERS.labels]).mean() > 0.95
    assert (confidence[:, 0] >= confidence[:, 1]).all()
    pred_probs = model.predict_proba(OTHERS.products)
    assert np.allclose(pred_probs.sum(1), 1.0, atol=1e-5)
    assert model.calibration.n == len(VALIDATION)


def test_its_margins_are_those_of_a_support_vector_machine(model: LinearNgramModel, tmp_path: Path) -> None:
    from sklearn.svm import LinearSVC

    from models.features import encode_ngrams, normalise_texts

    exact = fit(tmp_path, {"costs": [1.0], "tolerance": 1e-6, "prune": 0.0, "mall_category_dropout": 0.0})
    text = exact.settings.text()
    rows, others = (
        encode_ngrams(normalise_texts(part.products, 500), exact.vocabulary, text) for part in (TRAIN, OTHERS)
    )
    peer = LinearSVC(C=1.0, tol=1e-6, max_iter=10_000).fit(rows.astype(np.float64), TRAIN.labels)
    assert np.allclose(exact.scores(others), peer.decision_function(others), atol=1e-3)


def test_titles_of_any_kind_have_an_answer(model: LinearNgramModel) -> None:
    odd = model.predict_proba(titles_only("", " ", "👖", "\x00\x01", "\ud83d", "x" * 10_000, "바지 " * 5_000))
    assert np.isfinite(odd).all()
    assert model.predict_proba(titles_only()).shape == (0, 8)
    assert model.predict_top(titles_only(), 3)[0].shape == (0, 3)


def test_alone_or_in_company_a_title_has_the_same_answer(model: LinearNgramModel) -> None:
    together = model.predict_proba(OTHERS.products)
    alone = [model.predict_proba(OTHERS.products.slice(row, row + 1)) for row in range(len(OTHERS))]
    assert np.allclose(np.concatenate(alone), together, atol=1e-5)


def test_sparse_weights_answer_as_the_full_table_does(model: LinearNgramModel) -> None:
    thin = LinearNgramModel(
        model.vocabulary,
        model.weights,
        model.bias,
        model.class_ids,
        replace(model.settings, max_table=1),
        model.calibration,
    )
    assert np.allclose(thin.predict_proba(OTHERS.products), model.predict_proba(OTHERS.products), atol=1e-5)


def test_no_trust_in_the_mall_category_is_as_none_given(model: LinearNgramModel) -> None:
    given, n = OTHERS.products, len(OTHERS)
    nothing = Products(given.titles, [""] * n, given.brands)
    distrusted = Products(given.titles, given.mall_categories, given.brands, np.zeros(n, np.float32))
    assert np.allclose(model.predict_proba(distrusted), model.predict_proba(nothing), atol=1e-6)


def test_the_validation_rows_choose_the_cost(tmp_path: Path) -> None:
    """Where labels are noise a low cost wins, where they are right a high one."""
    said: list[str] = []
    chance = np.random.default_rng(0)

    def noisy(rows: LabeledProducts) -> LabeledProducts:
        wrong = chance.random(len(rows)) < 0.5
        return replace(rows, labels=np.where(wrong, chance.integers(0, 8, len(rows)), rows.labels))

    def listen(progress: FitProgress) -> None:
        if progress.note:
            said.append(progress.note)

    costs = {"costs": [0.01, 1.0, 10.0]}
    clean = fit(tmp_path / "clean", costs, on_progress=listen)
    assert any(note.startswith("C = 1:") for note in said)
    loose = fit(tmp_path / "noisy", costs, noisy(make_rows(400)), noisy(make_rows(200, seed=1)))
    assert np.abs(loose.weights.data).max() < np.abs(clean.weights.data).max() / 3


def test_too_few_validation_rows_choose_nothing(tmp_path: Path) -> None:
    nothing = VALIDATION.take(np.arange(0))
    said: list[float] = []
    model = fit(tmp_path, {}, validation=nothing, on_progress=lambda progress: said.append(progress.fraction))
    assert model.calibration.ece is None
    assert said == sorted(said)
    assert said[-1] == 1.0


def test_two_categories_and_categories_without_rows(tmp_path: Path) -> None:
    two = fit(tmp_path, train=make_rows(60, 2), validation=make_rows(30, 2, seed=1))
    pred_probs = two.predict_proba(make_rows(40, 2, seed=3).products)
    assert (pred_probs.argmax(1) == make_rows(40, 2, seed=3).labels).mean() > 0.9
    assert pred_probs[:, 2:].max() < pred_probs[:, :2].min()


def test_titles_without_a_letter_have_the_frequent_answer(tmp_path: Path) -> None:
    empty = replace(TRAIN, products=titles_only(*[""] * len(TRAIN)), labels=np.minimum(TRAIN.labels, 1))
    ids, _ = fit(tmp_path, train=empty, validation=VALIDATION.take(np.arange(0))).predict_top(OTHERS.products, 1)
    assert (ids == CLASS_IDS[1]).all()


def test_accepted_alternatives_count_as_right(tmp_path: Path) -> None:
    also = sparse.csr_matrix((TRAIN.labels == 0)[:, None] & (np.arange(8) == 5))
    model = fit(tmp_path, train=replace(TRAIN, alternatives=also))
    ids, _ = model.predict_top(OTHERS.take(np.flatnonzero(OTHERS.labels == 0)).products, 2)
    assert (np.sort(ids, axis=1) == np.sort(CLASS_IDS[[0, 5]])).all()


def test_the_memory_setting_bounds_rows_and_weights(tmp_path: Path) -> None:
    notes: list[str] = []
    many = make_rows(4_000)
    small = fit(
        tmp_path,
        {"costs": [1.0], "memory_mb": 1, "max_weights": 800},
        many,
        on_progress=lambda progress: notes.append(progress.note or ""),
    )
    assert any("more need more than memory_mb" in note for note in notes)
    assert small.weights.nnz <= 800
    assert (small.predict_top(OTHERS.products, 1)[0][:, 0] == CLASS_IDS[OTHERS.labels]).mean() > 0.9


def test_with_little_memory_every_category_keeps_a_row(tmp_path: Path) -> None:
    """A category with one row among thousands can still be answered."""
    many = make_rows(4_000)
    rare = replace(many.products, titles=[*many.products.titles[:-1], "희귀한 물건 하나"])
    labels = many.labels.copy()
    labels[labels == labels.max()] = 0
    labels[-1] = len(CLASS_IDS) - 1
    few = fit(tmp_path, {"costs": [1.0], "memory_mb": 1}, replace(many, products=rare, labels=labels))
    assert few.predict_top(rare.slice(3_999, 4_000), 1)[0][0, 0] == CLASS_IDS[-1]


class Stop(Exception):
    """What a cancelled job raises."""


def test_a_cancelled_fit_goes_on_with_the_next_category(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_fit, "_BLOCK_SECONDS", 0.0)
    monkeypatch.setattr(linear_fit, "_REPORT_SECONDS", 0.0)

    def stop_halfway(progress: FitProgress) -> None:
        if progress.stage == "training" and progress.fraction > 0.5:
            raise Stop

    config = {"costs": [1.0], "n_threads": 1}
    with pytest.raises(Stop):
        fit(tmp_path / "cut", config, on_progress=stop_halfway)
    first: list[float] = []
    resumed = fit(
        tmp_path / "cut",
        config,
        on_progress=lambda progress: first.append(progress.fraction) if progress.stage == "training" else None,
    )
    assert first[0] > 0.5
    whole = fit(tmp_path / "whole", config)
    assert (resumed.predict_proba(OTHERS.products) == whole.predict_proba(OTHERS.products)).all()


def test_a_saved_model_gives_the_same_answers(model: LinearNgramModel, artifact: Path) -> None:
    loaded = load_model(artifact)
    assert (loaded.predict_proba(OTHERS.products) == model.predict_proba(OTHERS.products)).all()
    assert loaded.config == model.config
    assert loaded.calibration == model.calibration


@pytest.mark.parametrize("file", FILES)
def test_a_damaged_artifact_is_refused_by_name(artifact: Path, file: str) -> None:
    with (artifact / file).open("r+b") as stored:
        stored.seek(-1, os.SEEK_END)
        last = stored.read(1)[0]
        stored.seek(-1, os.SEEK_END)
        stored.write(bytes([last ^ 1]))
    with pytest.raises(BrokenArtifact, match="differs"):
        load_model(artifact)
    (artifact / file).unlink()
    with pytest.raises(BrokenArtifact, match="is missing"):
        load_model(artifact)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("config.json", {"format": 99}),
        ("config.json", {"prune": -1}),
        ("config.json", {"unheard_of": 1}),
        ("categories.json", {"class_ids": [1, 2, 3]}),
        ("calibration.json", {"temper": 1}),
    ],
)
def test_files_that_do_not_fit_together_are_refused(artifact: Path, name: str, change: dict[str, object]) -> None:
    write_json(artifact / name, json.loads((artifact / name).read_text("utf-8")) | change)
    manifest = json.loads((artifact / "manifest.json").read_text("utf-8"))
    manifest["files"][name] = hash_file(artifact / name)
    write_json(artifact / "manifest.json", manifest)
    with pytest.raises(BrokenArtifact):
        load_model(artifact)


def test_what_cannot_be_trained_is_said_clearly(tmp_path: Path) -> None:
    with pytest.raises(NotEnoughClasses):
        fit(tmp_path, train=make_rows(20, 1))
    with pytest.raises(TooManyClasses, match="label_tree"):
        fit(tmp_path, {"max_classes": 5})
    with pytest.raises(ValueError, match="costs"):
        LinearConfig(costs=(0.0, 1.0))
    with pytest.raises(ValueError, match="unknown settings: colour"):
        LinearConfig.from_dict({"colour": 1})
