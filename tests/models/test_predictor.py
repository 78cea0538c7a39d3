"""A trained model's answers, and its folder on disk."""

import json
import os
import resource
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from safetensors import SafetensorError

from models import predictor
from models.artifact import hash_file, write_json
from models.device import resolve_device
from models.errors import BrokenArtifact, UnknownDevice
from models.family import load_model
from models.predictor import TitleModel
from models.types import Products
from tests.models.made_up import CLASS_IDS, make_rows, titles_only

ODD = [
    "", " ", "a", "바", "👖", "ㅂㅈ", "\x00\x01", "\ud83d", "x" * 100_000, "바지 " * 30_000, "=SUM(A1)", "<b>x</b>"
]  # fmt: skip

FILES = ("config.json", "weights.safetensors", "tokenizer.model", "categories.json", "calibration.json")


def test_every_row_is_a_distribution(model: TitleModel) -> None:
    pred_probs = model.predict_proba(titles_only(*ODD))
    assert pred_probs.shape == (len(ODD), 8)
    assert pred_probs.dtype == np.float32
    assert np.isfinite(pred_probs).all()
    assert np.allclose(pred_probs.sum(1), 1.0, atol=1e-5)


def test_no_products_have_no_answers(model: TitleModel) -> None:
    assert model.predict_proba(titles_only()).shape == (0, 8)
    ids, confidence = model.predict_top(titles_only(), 3)
    assert ids.shape == confidence.shape == (0, 3)


def test_the_best_are_the_best_of_all(model: TitleModel) -> None:
    texts = make_rows(50, seed=4).products
    pred_probs = model.predict_proba(texts)
    ids, confidence = model.predict_top(texts, 3)
    order = np.argsort(-pred_probs, axis=1)[:, :3]
    assert (ids == CLASS_IDS[order]).all()
    assert np.allclose(confidence, np.take_along_axis(pred_probs, order, 1), atol=1e-6)
    assert model.predict_top(texts, 100)[0].shape == (50, 8)


def test_neither_order_nor_company_nor_chunks_change_an_answer(
    model: TitleModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = make_rows(60, seed=4).products
    together = model.predict_proba(texts)
    back = Products(texts.titles[::-1], texts.mall_categories[::-1], texts.brands[::-1])
    assert np.allclose(model.predict_proba(back)[::-1], together, atol=1e-5)
    monkeypatch.setattr(predictor, "PREDICT_ROWS", 7)
    assert np.allclose(model.predict_proba(texts), together, atol=1e-5)
    assert np.allclose(np.concatenate([model.predict_proba(texts.slice(row, row + 1)) for row in range(60)]), together,
                       atol=1e-5)  # fmt: skip


def test_decomposed_korean_is_the_same_as_composed(model: TitleModel) -> None:
    composed = make_rows(30, seed=4).products
    decomposed = Products(*([unicodedata.normalize("NFD", text) for text in column] for column in
                                (composed.titles, composed.mall_categories, composed.brands)))  # fmt: skip
    assert list(decomposed.titles) != list(composed.titles)
    assert (model.predict_proba(decomposed) == model.predict_proba(composed)).all()


def test_no_trust_in_the_mall_category_is_as_none_given(model: TitleModel) -> None:
    texts = make_rows(30, seed=4).products
    nothing = Products(texts.titles, [""] * 30, texts.brands)
    weight = np.zeros(30, np.float32)
    distrusted = Products(texts.titles, texts.mall_categories, texts.brands, weight)
    assert np.allclose(model.predict_proba(distrusted), model.predict_proba(nothing), atol=1e-6)


def test_more_trust_in_the_mall_category_moves_the_answer_towards_it(model: TitleModel) -> None:
    column = []
    for weight in (0.0, 0.3, 0.6, 1.0):
        texts = Products(["정품 무료배송"], ["가게>코너2"], [""], np.array([weight], np.float32))
        column.append(float(model.predict_proba(texts)[0, 2]))
    assert column == sorted(column)
    assert column[-1] > column[0] + 0.1


def test_a_saved_model_gives_the_same_answers(model: TitleModel, artifact: Path) -> None:
    texts = make_rows(50, seed=4).products
    loaded = load_model(artifact)
    assert (loaded.predict_proba(texts) == model.predict_proba(texts)).all()
    assert (loaded.class_ids == model.class_ids).all()
    assert loaded.config == model.config
    assert loaded.calibration == model.calibration


def test_the_hash_is_of_the_content(model: TitleModel, tmp_path: Path) -> None:
    first, second = model.save(tmp_path / "one"), load_model_saved_again(tmp_path)
    assert first == second
    assert {path.name for path in (tmp_path / "one").iterdir()} == {*FILES, "manifest.json"}


def load_model_saved_again(folder: Path) -> str:
    return load_model(folder / "one").save(folder / "two")


@pytest.mark.parametrize("file", [*FILES, "manifest.json"])
def test_a_missing_file_is_refused_by_name(artifact: Path, file: str) -> None:
    (artifact / file).unlink()
    with pytest.raises(BrokenArtifact, match="is missing") as raised:
        load_model(artifact)
    assert raised.value.file == file


@pytest.mark.parametrize("file", FILES)
def test_a_changed_file_is_refused_by_name(artifact: Path, file: str) -> None:
    with (artifact / file).open("r+b") as stored:
        stored.seek(-1, os.SEEK_END)
        last = stored.read(1)[0]
        stored.seek(-1, os.SEEK_END)
        stored.write(bytes([last ^ 1]))
    with pytest.raises(BrokenArtifact, match="differs") as raised:
        load_model(artifact)
    assert raised.value.file == file


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokenArtifact, match=r"manifest\.json is missing"):
        load_model(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("config.json", {"format": 99}),
        ("config.json", {"kind": "something else"}),
        ("config.json", {"epochs": -1}),
        ("config.json", {"unheard_of": 1}),
        ("config.json", {"hidden_dim": 99}),
        ("categories.json", {"class_ids": [1, 2, 3]}),
        ("calibration.json", {"temper": 1}),
    ],
)
def test_files_that_do_not_fit_together_are_refused_even_with_right_hashes(
    artifact: Path, name: str, change: dict[str, object]
) -> None:
    values = json.loads((artifact / name).read_text("utf-8")) | change
    write_json(artifact / name, values)
    manifest = json.loads((artifact / "manifest.json").read_text("utf-8"))
    manifest["files"][name] = hash_file(artifact / name)
    write_json(artifact / "manifest.json", manifest)
    with pytest.raises(BrokenArtifact):
        load_model(artifact)


def test_a_full_disk_leaves_no_half_artifact(model: TitleModel, artifact: Path, tmp_path: Path) -> None:
    before = hash_file(artifact / "manifest.json")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, hard))  # the kernel refuses what lies beyond, as a full disk does
    try:
        for folder in (tmp_path / "new", artifact):
            with pytest.raises((OSError, SafetensorError), match="too large"):
                model.save(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in tmp_path.iterdir()] == ["artifact"]
    assert hash_file(artifact / "manifest.json") == before
    load_model(artifact)


def test_the_device_is_found_once() -> None:
    assert resolve_device("auto") in ("cpu", "cuda")
    assert resolve_device("cpu") == "cpu"
    with pytest.raises(UnknownDevice):
        resolve_device("abacus")
