"""The ensemble: its weights, its members' sub-folders, resuming member by member."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.ensemble import EnsembleModel, fit_weights
from models.ensemble_config import EnsembleConfig
from models.errors import BrokenArtifact
from models.family import fit_model, load_model
from models.types import FitProgress, FitTask, LabeledProducts, OnProgress, Products
from tests.models.made_up import CLASS_IDS, QUICK, ignore, make_rows, titles_only

TRAIN, VALIDATION, OTHERS = make_rows(160), make_rows(120, seed=1), make_rows(60, seed=2)
SETTINGS = {
    "joint": {name: value for name, value in QUICK.to_dict().items() if name != "epochs"},
    "ngrams": {"costs": [1.0]},
}
CONFIG: dict[str, Any] = {"members": ["ngrams", "joint"], "settings": SETTINGS, "epochs": 6, "least_share": 0.0}


def fit(
    folder: Path,
    config: dict[str, Any] = CONFIG,
    validation: LabeledProducts = VALIDATION,
    on_progress: OnProgress = ignore,
) -> EnsembleModel:
    model = fit_model("ensemble", FitTask(TRAIN, validation, CLASS_IDS, config, "cpu", folder, on_progress))
    assert isinstance(model, EnsembleModel)
    return model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> EnsembleModel:
    return fit(tmp_path_factory.mktemp("ensemble"))


def test_it_answers_as_its_members_weighed(model: EnsembleModel) -> None:
    assert list(model.members) == ["ngrams", "joint"]
    logs = sum(
        float(weight) * np.log(np.maximum(member.predict_proba(OTHERS.products), 1e-12))
        for weight, member in zip(model.weights, model.members.values(), strict=True)
    )
    product = np.exp(logs)
    expected = product / product.sum(1, keepdims=True)
    assert np.allclose(model.predict_proba(OTHERS.products), expected, atol=1e-4)
    assert (model.predict_top(OTHERS.products, 1)[0][:, 0] == CLASS_IDS[OTHERS.labels]).mean() > 0.95


def test_reading_the_title_once_or_for_each_member_is_the_same(model: EnsembleModel) -> None:
    apart = EnsembleModel(model.members, model.weights, model.settings, model.calibration)
    apart._pair = None
    assert model._pair is not None
    assert np.allclose(apart.predict_proba(OTHERS.products), model.predict_proba(OTHERS.products), atol=1e-6)


def test_titles_of_any_kind_have_an_answer(model: EnsembleModel) -> None:
    assert np.isfinite(model.predict_proba(titles_only("", "👖", "\x00", "x" * 10_000))).all()
    assert model.predict_proba(titles_only()).shape == (0, 8)


def test_no_trust_in_the_mall_category_is_as_none_given(model: EnsembleModel) -> None:
    given, n = OTHERS.products, len(OTHERS)
    nothing = Products(given.titles, [""] * n, given.brands)
    distrusted = Products(given.titles, given.mall_categories, given.brands, np.zeros(n, np.float32))
    assert np.allclose(model.predict_proba(distrusted), model.predict_proba(nothing), atol=1e-6)


def test_the_weights_follow_the_validation_rows() -> None:
    chance = np.random.default_rng(0)
    labels = np.asarray(chance.integers(0, 4, 300))
    right = torch.full((300, 4), -3.0)
    seen = np.where(chance.random(300) < 0.7, labels, chance.integers(0, 4, 300))  # right in 3 of 4 rows
    right[torch.arange(300), torch.from_numpy(seen)] = 0.0
    useless = torch.from_numpy(3 * chance.normal(size=(300, 4)).astype(np.float32))
    answers = [right.log_softmax(1), useless.log_softmax(1)]
    rows = LabeledProducts(titles_only(*["x"] * 300), labels, np.ones(300, np.float32))
    weights = fit_weights(answers, rows, 100)
    assert weights[0] > 0.5 > 0.3 > weights[1]
    assert fit_weights(answers, rows.take(np.arange(99)), 100).tolist() == [0.5, 0.5]
    assert fit_weights(answers, rows.take(np.arange(0)), 100).tolist() == [0.5, 0.5]


def test_a_member_that_gets_too_little_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = np.array([0.9, 0.01], np.float32)
    monkeypatch.setattr("models.ensemble.fit_weights", lambda answers, rows, least: given[: len(answers)])
    model = fit(tmp_path, CONFIG | {"least_share": 0.05})
    assert list(model.members) == ["ngrams"]
    model.save(tmp_path / "artifact")
    assert list(EnsembleModel.read(tmp_path / "artifact", "cpu").members) == ["ngrams"]


def test_without_validation_rows_all_count_the_same(tmp_path: Path) -> None:
    model = fit(tmp_path, validation=VALIDATION.take(np.arange(0)))
    assert model.weights.tolist() == [0.5, 0.5]
    assert model.calibration.ece is None


def test_a_saved_model_gives_the_same_answers(model: EnsembleModel, tmp_path: Path) -> None:
    model.save(tmp_path / "artifact")
    assert (tmp_path / "artifact" / "ngrams" / "weights.safetensors").is_file()
    loaded = load_model(tmp_path / "artifact")
    assert (loaded.predict_proba(OTHERS.products) == model.predict_proba(OTHERS.products)).all()
    assert loaded.config == model.config
    assert loaded.calibration == model.calibration
    (tmp_path / "artifact" / "joint" / "config.json").unlink()
    with pytest.raises(BrokenArtifact, match=r"joint/config\.json is missing"):
        load_model(tmp_path / "artifact")


class Stop(Exception):
    """What a cancelled job raises."""


def test_a_cut_fit_goes_on_with_the_next_member(
    model: EnsembleModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_in_second(progress: FitProgress) -> None:
        if progress.epoch is not None:  # only the second member has epochs
            raise Stop

    with pytest.raises(Stop):
        fit(tmp_path, on_progress=stop_in_second)
    monkeypatch.delattr("models.linear_fit.fit_linear_ngrams")
    said: list[float] = []
    resumed = fit(tmp_path, on_progress=lambda progress: said.append(progress.fraction))
    assert said == sorted(said)
    assert said[0] >= 0.4
    assert np.allclose(resumed.predict_proba(OTHERS.products), model.predict_proba(OTHERS.products), atol=1e-4)
    shutil.rmtree(tmp_path)


def test_a_label_tree_takes_the_place_of_the_n_grams_with_many_categories(tmp_path: Path) -> None:
    few = {"members": ["ngrams"], "settings": {"ngrams": {"max_classes": 5}}}
    assert list(fit(tmp_path, few).members) == ["label_tree"]


def test_the_validation_rows_choose_a_members_setting(tmp_path: Path) -> None:
    said: list[str] = []
    choice = {"members": ["ngrams"], "choices": {"ngrams": {"max_ngrams": [40, 10_000]}}}
    chosen = fit(
        tmp_path, choice | {"settings": SETTINGS}, on_progress=lambda progress: said.append(progress.note or "")
    )
    assert sum("max_ngrams" in note for note in said) == 2
    assert chosen.members["ngrams"].config["max_ngrams"] == 10_000
    unchosen = fit(tmp_path, choice | {"settings": SETTINGS}, VALIDATION.take(np.arange(50)))
    assert unchosen.members["ngrams"].config["max_ngrams"] == 40


@pytest.mark.parametrize(
    "wrong",
    [
        {"members": ["abacus"]},
        {"members": []},
        {"members": ["joint", "joint"]},
        {"settings": {"joint": {"epochs": -1}}},
        {"settings": {"label_tree": {"colour": 1}}},
        {"choices": {"joint": {"learning_rate": []}}},
        {"choices": {"joint": {"learning_rate": [0.0]}}},
        {"choices": {"joint": {"learning_rate": [0.1], "rank": [3]}}},
        {"least_share": 0.9},
        {"colour": 1},
    ],
)
def test_what_cannot_be_is_refused_before_training(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"members|epochs|unknown|least_share|choices|learning_rate"):
        EnsembleConfig.from_dict(wrong)
