"""A trained neural model: its answers, and its folder there and back."""

import json
from pathlib import Path

import numpy as np
import pytest

from models.artifact import MANIFEST, hash_file
from models.encoders import model as module
from models.encoders.model import NeuralTextModel
from models.errors import BrokenArtifact
from models.family import load_model
from tests.models.encoders.fitting import ENCODERS, PATHS, answers, fit
from tests.models.made_up import CLASS_IDS, make_rows, titles_only


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, NeuralTextModel]:
    folder = tmp_path_factory.mktemp("fit")
    heads = {"fasttext": "flat", "dan": "several_labels", "gru": "hierarchical"}
    return {name: fit(folder, name, head=heads[name], epochs=3) for name in ENCODERS}


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_saved_model_answers_as_before(trained: dict[str, NeuralTextModel], encoder: str, tmp_path: Path) -> None:
    model = trained[encoder]
    model.save(tmp_path / "artifact")
    again = load_model(tmp_path / "artifact")
    assert isinstance(again, NeuralTextModel)
    assert (answers(again) == answers(model)).all()
    assert (again.config, again.calibration) == (model.config, model.calibration)
    assert (again.class_ids == CLASS_IDS).all()
    assert again.class_paths is not None
    assert (again.class_paths == PATHS).all()
    assert {path.suffix for path in (tmp_path / "artifact").iterdir()} == {".json", ".safetensors", ".model"}


@pytest.mark.parametrize("encoder", ENCODERS)
def test_answers_do_not_depend_on_the_company(
    trained: dict[str, NeuralTextModel], encoder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, products = trained[encoder], make_rows(30, seed=2).products
    together = model.predict_proba(products)
    assert np.allclose(
        together, np.concatenate([model.predict_proba(products.slice(n, n + 1)) for n in range(30)]), atol=1e-5
    )
    monkeypatch.setattr(module, "PREDICT_ROWS", 7)
    assert np.allclose(model.predict_proba(products), together, atol=1e-5)


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("title", ["", " ", "\x00", "👖", "바", "a" * 100_000, "청바지 " * 1000, "\u2581", "<unk>"])
def test_any_title_has_an_answer(trained: dict[str, NeuralTextModel], encoder: str, title: str) -> None:
    found = trained[encoder].predict_proba(titles_only(title))
    assert found.shape == (1, 8)
    assert found.sum() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_no_products_have_no_answers(trained: dict[str, NeuralTextModel], encoder: str) -> None:
    assert trained[encoder].predict_proba(titles_only()).shape == (0, 8)
    ids, confidences = trained[encoder].predict_top(titles_only(), 3)
    assert ids.shape == confidences.shape == (0, 3)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("config.json", '"format": 1', '"format": 2'),
        ("config.json", '"encoder": "gru"', '"encoder": "lstm"'),
        ("config.json", '"gru_dim": 16', '"gru_dim": 17'),
        ("config.json", '"head": "hierarchical"', '"head": "flat"'),
        ("categories.json", '"class_paths"', '"paths"'),
        ("calibration.json", '"temperature"', '"heat"'),
    ],
)
def test_a_folder_that_does_not_fit_together_is_refused(
    trained: dict[str, NeuralTextModel], tmp_path: Path, file: str, old: str, new: str
) -> None:
    folder = tmp_path / "artifact"
    trained["gru"].save(folder)
    text = (folder / file).read_text("utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new), "utf-8")
    with pytest.raises(BrokenArtifact, match="differs from what was saved"):
        load_model(folder)
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    manifest["files"][file] = hash_file(folder / file)
    (folder / MANIFEST).write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(BrokenArtifact):
        load_model(folder)
