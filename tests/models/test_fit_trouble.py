"""A fit in trouble: memory that runs out, a loss that is no number, more asked of the titles than they carry."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models import fit as fitting
from models.config import TitleModelConfig
from models.errors import NotEnoughDeviceMemory, TrainingDiverged
from models.family import fit_model
from models.predictor import TitleModel
from models.title_network import TitleNetwork
from models.training_device import prepare_ahead
from models.types import FitTask, LabeledProducts
from tests.models.made_up import CLASS_IDS, QUICK, make_rows, titles_only
from tests.models.test_fit import Watcher, answers, fit

PLAIN = replace(QUICK, dropout=0.0)  # parts of a batch would draw other units


def with_memory_for(n_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a device whose memory holds so many rows of a training step."""
    score = TitleNetwork.score

    def limited(network: TitleNetwork, ngrams: torch.Tensor, pieces: torch.Tensor) -> torch.Tensor:
        if network.training and len(ngrams) > n_rows:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return score(network, ngrams, pieces)

    monkeypatch.setattr(TitleNetwork, "score", limited)


def notes(watcher: Watcher) -> list[str]:
    return [progress.note for progress in watcher.seen if progress.note]


def test_where_memory_runs_out_batches_are_halved_and_the_model_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = answers(fit(tmp_path / "whole", Watcher(), PLAIN))
    with_memory_for(10, monkeypatch)
    watcher = Watcher()
    halved = answers(fit(tmp_path / "halved", watcher, PLAIN))
    told = [note for note in notes(watcher) if "memory ran out" in note]
    assert [note.split(": ")[1].split(" rows")[0] for note in told] == ["16", "8"]  # of 32
    assert np.allclose(halved, whole, atol=1e-3)
    assert (halved.argmax(1) == whole.argmax(1)).all()


def test_where_not_even_one_row_fits_the_fit_ends_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_memory_for(0, monkeypatch)
    with pytest.raises(NotEnoughDeviceMemory):
        fit(tmp_path, Watcher())


def test_gradients_of_parts_add_up_to_those_of_the_batch(tmp_path: Path) -> None:
    whole = answers(fit(tmp_path / "whole", Watcher(), PLAIN))
    parts = answers(fit(tmp_path / "parts", Watcher(), replace(PLAIN, rows_at_once=7)))
    assert np.allclose(parts, whole, atol=1e-3)


@pytest.mark.parametrize("setting", ["learning_rate", "piece_learning_rate"])
def test_a_loss_that_is_no_number_ends_the_fit(tmp_path: Path, setting: str) -> None:
    absurd = replace(QUICK, **{setting: 1e30})
    with pytest.raises(TrainingDiverged, match="the loss is no number") as raised:
        fit(tmp_path, Watcher(), absurd)
    assert raised.value.step >= 1


def test_a_last_step_that_breaks_the_model_is_seen_too(tmp_path: Path) -> None:
    once = replace(QUICK, epochs=1, piece_learning_rate=1e30)  # a single step: its loss is still a number
    with pytest.raises(TrainingDiverged):
        fit(tmp_path, Watcher(), once, n=8)


def test_a_vocabulary_is_as_large_as_the_titles_allow(tmp_path: Path) -> None:
    watcher = Watcher()
    model = fit(tmp_path, watcher, replace(QUICK, vocabulary_size=1_000_000))
    assert model.tokenizer.vocabulary_size < 2_000
    assert "fewer than the 1,000,000 asked for." in " ".join(notes(watcher))


@pytest.mark.parametrize("titles", [["가", "나"], ["a", "a"], ["", "b"], ["ㅋ" * 4000, "ㅎ" * 4000], ["▁", "<unk>"]])
def test_titles_that_carry_next_to_nothing_can_be_trained_on(tmp_path: Path, titles: list[str]) -> None:
    rows = LabeledProducts(titles_only(*titles), np.array([0, 1]), np.ones(2, np.float32))
    task = FitTask(rows, rows, np.array([5, 9]), QUICK.to_dict(), "cpu", tmp_path, Watcher())
    assert np.isfinite(fit_model("joint", task).predict_proba(rows.products)).all()


def test_subwords_are_learned_from_the_corpus_where_there_is_one(tmp_path: Path) -> None:
    def pieces(corpus: list[str] | None, folder: str) -> int:
        task = FitTask(
            make_rows(40), make_rows(10), CLASS_IDS, QUICK.to_dict(), "cpu", tmp_path / folder, Watcher(), corpus=corpus
        )
        model = fit_model("joint", task)
        assert isinstance(model, TitleModel)
        return model.tokenizer.vocabulary_size

    assert pieces(["가나", "나가"], "few") < 12 < pieces(None, "all")


def test_the_same_numbers_again_can_be_asked_for(tmp_path: Path) -> None:
    config = TitleModelConfig.from_dict(QUICK.to_dict() | {"deterministic": True})
    assert (answers(fit(tmp_path / "a", Watcher(), config)) == answers(fit(tmp_path / "b", Watcher(), QUICK))).all()
    assert not torch.are_deterministic_algorithms_enabled()


def test_batches_made_ahead_by_a_thread_give_the_same_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = answers(fit(tmp_path / "a", Watcher(), QUICK))
    monkeypatch.setattr(
        fitting, "prepare_ahead", lambda items, prepare, device: prepare_ahead(items, prepare, "another device")
    )
    assert (answers(fit(tmp_path / "b", Watcher(), QUICK)) == whole).all()


def test_half_precision_learns_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As under a GPU's autocast, as far as a CPU can show it: every type fits every other."""
    monkeypatch.setattr(fitting, "autocast", lambda device: torch.autocast("cpu", torch.bfloat16))
    rows = make_rows(100, seed=5)
    for name, config in (("full", QUICK), ("shared", replace(QUICK, max_full_rank_classes=4, rank=12, epochs=20))):
        model = fit(tmp_path / name, Watcher(), config)
        assert (model.predict_top(rows.products, 1)[0][:, 0] == CLASS_IDS[rows.labels]).mean() > 0.95
