"""Beginning from an earlier model: what it knew is there, new categories are learned, what does not fit is said."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models import checkpoint
from models.adjusted import adjust_model
from models.config import TitleModelConfig
from models.family import fit_model
from models.features import N_SEGMENTS, NgramVocabulary
from models.predictor import TitleModel
from models.title_warm_start import extend_vocabulary
from models.types import CategoryModel, FitTask, LabeledProducts, Products
from tests.models.made_up import CLASS_IDS, QUICK, fit_quickly, make_rows
from tests.models.test_fit import OFTEN, Stopped, Watcher

ONE_EPOCH = replace(QUICK, warm_epochs=1)


def warm_fit(
    folder: Path,
    earlier: Path | None,
    rows: LabeledProducts | None = None,
    class_ids: np.ndarray = CLASS_IDS,
    config: TitleModelConfig = ONE_EPOCH,
    watcher: Watcher | None = None,
    descent: dict[int, list[int]] | None = None,
) -> tuple[TitleModel, str]:
    """The model, and the notes of its progress."""
    watcher = watcher or Watcher()
    task = FitTask(
        train=rows or make_rows(160),
        validation=rows or make_rows(40, seed=1),
        class_ids=class_ids,
        config=config.to_dict(),
        device="cpu",
        folder=folder,
        on_progress=watcher,
        warm_start=earlier,
        descent=descent or {},
    )
    model = fit_model("joint", task)
    assert isinstance(model, TitleModel)
    return model, " ".join(progress.note for progress in watcher.seen if progress.note)


def share_right(model: TitleModel, class_ids: np.ndarray = CLASS_IDS) -> float:
    rows = make_rows(100, seed=5)
    return float((model.predict_top(rows.products, 1)[0][:, 0] == class_ids[rows.labels]).mean())


def test_it_goes_on_from_what_the_earlier_model_knew(tmp_path: Path, artifact: Path) -> None:
    few = make_rows(12)
    fresh, _ = warm_fit(tmp_path / "fresh", None, few, config=replace(QUICK, epochs=1))
    warm, notes = warm_fit(tmp_path / "warm", artifact, few)
    assert "Begins from the earlier model: 8 categories known to it, 0 new." in notes
    assert share_right(warm) > 0.95 > share_right(fresh) + 0.1


def test_it_has_fewer_epochs_of_its_own(tmp_path: Path, artifact: Path) -> None:
    watcher = Watcher()
    warm_fit(tmp_path, artifact, config=replace(QUICK, warm_epochs=2), watcher=watcher)
    assert set(watcher.epochs) == {1, 2}
    assert {progress.n_epochs for progress in watcher.seen if progress.epoch} == {2}
    assert "learning subwords" in watcher.stages


def test_classes_are_found_by_their_ids(tmp_path: Path, artifact: Path) -> None:
    order = np.array([3, 1, 0, 2, 7, 6, 5, 4])
    rows = make_rows(160)
    moved = replace(rows, labels=np.argsort(order)[rows.labels])
    task_ids = CLASS_IDS[order]
    barely = replace(ONE_EPOCH, learning_rate=1e-6, piece_learning_rate=1e-9)  # only what was copied counts
    model, _ = warm_fit(tmp_path, artifact, moved, task_ids, barely)
    assert share_right(model) > 0.95


def test_new_categories_are_learned_and_merged_ones_are_gone(tmp_path: Path, artifact: Path) -> None:
    rows = make_rows(240)
    ids = np.array([11, 7, 300, 42, 5, 6, 999])  # 90 and 1 became one new category
    merged = replace(rows, labels=np.minimum(rows.labels, 6))
    model, notes = warm_fit(tmp_path, artifact, merged, ids, replace(QUICK, warm_epochs=4))
    assert "6 categories known to it, 1 new." in notes
    assert share_right(model, np.append(ids, 999)) > 0.95


BARELY = replace(ONE_EPOCH, learning_rate=1e-12, piece_learning_rate=1e-12)  # only what was copied counts


@pytest.mark.parametrize("config", [BARELY, replace(BARELY, max_full_rank_classes=4, rank=12)])
def test_merged_and_split_categories_go_on_from_what_they_were(tmp_path: Path, config: TitleModelConfig) -> None:
    fitted = replace(config, learning_rate=QUICK.learning_rate, piece_learning_rate=QUICK.piece_learning_rate)
    earlier, _ = warm_fit(tmp_path / "first", None, config=replace(fitted, epochs=20))
    earlier.save(tmp_path / "earlier")
    rows = make_rows(160)
    ids = np.array([70, 71, 300, 42, 5, 6, 90])  # 11 was split into 70 and, with 7 and 1, 71
    now = replace(rows, labels=np.where(rows.labels == 7, 1, rows.labels))
    descent = {70: [11], 71: [7, 1, 999]}  # 999 the model never knew
    model, notes = warm_fit(tmp_path / "warm", tmp_path / "earlier", now, ids, config, descent=descent)
    assert "5 categories known to it, 2 new. 2 of the new ones go on from those they came of." in notes
    answers = model.predict_top(rows.products, 1)[0][:, 0]
    expected = np.append(ids, 71)[rows.labels]
    assert (answers == expected).mean() > 0.95
    forgot, _ = warm_fit(tmp_path / "forgot", tmp_path / "earlier", now, ids, config)
    assert (forgot.predict_top(rows.products, 1)[0][:, 0] == expected).mean() < 0.9  # 70 and 71 are one to it


def test_many_categories_share_a_small_table_that_goes_on(tmp_path: Path) -> None:
    config = replace(QUICK, max_full_rank_classes=4, rank=12, epochs=20)
    earlier, _ = warm_fit(tmp_path / "first", None, config=config)
    earlier.save(tmp_path / "earlier")
    barely = replace(config, warm_epochs=1, learning_rate=1e-6, piece_learning_rate=1e-9)
    model, _ = warm_fit(tmp_path / "warm", tmp_path / "earlier", config=barely)
    assert share_right(model) > 0.95


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        ("gone", "manifest.json is missing"),
        ("changed", "weights.safetensors differs from what was saved"),
        ("other settings", r"made with other settings \(hidden_dim\)"),
        ("many classes", "only one of both models has more than 4 categories"),
    ],
)
def test_what_cannot_be_begun_from_is_said_and_the_fit_starts_afresh(
    tmp_path: Path, artifact: Path, damage: str, why: str
) -> None:
    config, earlier = ONE_EPOCH, artifact
    if damage == "gone":
        earlier = tmp_path / "nowhere"
    elif damage == "changed":
        with (artifact / "weights.safetensors").open("ab") as file:
            file.write(b"x")
    elif damage == "other settings":
        config = replace(config, hidden_dim=8)
    else:
        few = replace(QUICK, max_full_rank_classes=4)
        first = fit_quickly(tmp_path / "few", n_classes=3, config=few)
        first.save(earlier)
        config = replace(config, max_full_rank_classes=4)
    watcher = Watcher()
    _, notes = warm_fit(tmp_path / "fit", earlier, config=config, watcher=watcher)
    assert "Starts afresh: " in notes
    assert re.search(why, notes)
    assert max(watcher.epochs) == QUICK.epochs


def test_a_killed_warm_fit_goes_on_and_ends_the_same(
    tmp_path: Path, artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "SAVING_SHARE", 1e9)
    config = replace(OFTEN, warm_epochs=4)
    whole, _ = warm_fit(tmp_path / "whole", artifact, config=config)
    with pytest.raises(Stopped):
        warm_fit(tmp_path / "cut", artifact, config=config, watcher=Watcher(stop_at_epoch=3))
    again = Watcher()
    resumed, _ = warm_fit(tmp_path / "cut", artifact, config=config, watcher=again)
    assert min(again.epochs) >= 2
    rows = make_rows(30, seed=2).products
    assert (resumed.predict_proba(rows) == whole.predict_proba(rows)).all()
    afresh = Watcher()
    warm_fit(tmp_path / "cut", None, config=config, watcher=afresh)  # its checkpoints are of another beginning
    assert min(afresh.epochs) == 1


def vocabulary(*segments: dict[int, float]) -> NgramVocabulary:
    """Segments of hash -> idf."""
    filled = [*segments, *[{}] * (N_SEGMENTS - len(segments))]
    return NgramVocabulary(
        np.array([name for segment in filled for name in sorted(segment)], np.uint32),
        np.array([segment[name] for segment in filled for name in sorted(segment)], np.float32),
        np.cumsum([0, *map(len, filled)]),
    )


def test_a_vocabulary_grows_by_new_ngrams_while_there_is_room() -> None:
    known, learned = vocabulary({1: 5.0, 3: 5.0, 9: 5.0}, {2: 5.0}), vocabulary({3: 2.0, 4: 2.0}, {7: 2.0})
    both = extend_vocabulary(known, learned, 100)
    assert both.hashes.tolist() == [1, 3, 4, 9, 2, 7]
    assert both.idf.tolist() == [5.0, 2.0, 2.0, 5.0, 5.0, 2.0]
    assert both.starts[:3].tolist() == [0, 4, 6]
    assert extend_vocabulary(known, learned, 4).hashes.tolist() == [1, 3, 4, 7]
    assert extend_vocabulary(known, learned, 1).hashes.tolist() == [3, 4, 7]


def test_titles_with_new_words_are_learned_too(tmp_path: Path, artifact: Path) -> None:
    labels = np.arange(80) % 2
    titles = [f"{('트램펄린', '자전거')[label]} {n}" for n, label in enumerate(labels)]
    rows = LabeledProducts(Products(titles, [""] * 80, [""] * 80), labels, np.ones(80, np.float32))
    model, _ = warm_fit(tmp_path, artifact, rows, np.array([11, 77]), replace(QUICK, warm_epochs=4))
    assert model.predict_top(Products(["자전거 5", "트램펄린"], ["", ""], ["", ""]), 1)[0].tolist() == [[77], [11]]


def test_a_model_within_another_can_be_begun_from(tmp_path: Path, model: TitleModel) -> None:
    rows = make_rows(160)
    adjusted = adjust_model(model, 1.0, rows.labels, make_rows(40, seed=1))
    adjusted.save(tmp_path / "adjusted")
    warm, notes = warm_fit(tmp_path / "fit", tmp_path / "adjusted", make_rows(12))
    assert "8 categories known to it" in notes
    assert share_right(warm) > 0.95


def test_a_model_of_another_kind_is_not_begun_from(tmp_path: Path) -> None:
    task = FitTask(make_rows(160), make_rows(40, seed=1), CLASS_IDS, {"epochs": 1}, "cpu", tmp_path / "a", Watcher())
    fit_model("fasttext", task).save(tmp_path / "other")
    _, notes = warm_fit(tmp_path / "b", tmp_path / "other")
    assert "Starts afresh: the earlier model is of another kind." in notes


def test_members_of_an_ensemble_begin_from_those_of_the_earlier_one(tmp_path: Path) -> None:
    def fit(folder: str, earlier: Path | None) -> tuple[CategoryModel, Watcher]:
        watcher = Watcher()
        config = {"settings": {"joint": QUICK.to_dict()}, "epochs": 6, "warm_epochs": 1}
        rows, held_out = make_rows(160), make_rows(40, seed=1)
        task = FitTask(rows, held_out, CLASS_IDS, config, "cpu", tmp_path / folder, watcher, warm_start=earlier)
        return fit_model("ensemble", task), watcher

    first, _ = fit("first", None)
    first.save(tmp_path / "earlier")
    _, watcher = fit("second", tmp_path / "earlier")
    notes = [progress.note for progress in watcher.seen if progress.note]
    assert "joint: Begins from the earlier model: 8 categories known to it, 0 new." in notes
