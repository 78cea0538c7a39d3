"""Training: it learns, repeats itself, stops when asked and goes on after a kill."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.settings import ROOT
from models import checkpoint
from models import fit as fitting
from models.errors import NotEnoughClasses, UnknownDevice
from models.predictor import TitleModel
from models.types import FitProgress, LabeledProducts, Products
from tests.models.made_up import CLASS_IDS, QUICK, fit_model, fit_quickly, ignore, make_rows, titles_only

OFTEN = replace(QUICK, checkpoint_seconds=1e-6)


@pytest.fixture(autouse=True)
def _checkpoint_after_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Together with OFTEN: saving may take as long as it likes."""
    monkeypatch.setattr(checkpoint, "SAVING_SHARE", 1e9)


class Stopped(Exception):
    """What a cancelled job raises."""


class Watcher:
    """Remembers what it is told, and may stop the fit at an epoch."""

    def __init__(self, stop_at_epoch: int = 1000) -> None:
        self.seen: list[FitProgress] = []
        self._stop_at_epoch = stop_at_epoch

    def __call__(self, progress: FitProgress) -> None:
        self.seen.append(progress)
        if (progress.epoch or 0) >= self._stop_at_epoch:
            raise Stopped

    @property
    def stages(self) -> list[str]:
        return list(dict.fromkeys(progress.stage for progress in self.seen))

    @property
    def epochs(self) -> list[int]:
        return [progress.epoch for progress in self.seen if progress.epoch is not None]


def fit(folder: Path, watcher: Watcher, config: object = OFTEN, n: int = 160) -> TitleModel:
    return fit_model(make_rows(n), make_rows(40, seed=1), CLASS_IDS, config, "cpu", folder, watcher)  # type: ignore[arg-type]


def answers(model: TitleModel) -> np.ndarray:
    return model.predict_proba(make_rows(30, seed=2).products)


def test_it_learns_what_titles_tell(model: TitleModel) -> None:
    rows = make_rows(200, seed=5)
    ids, confidence = model.predict_top(rows.products, 1)
    assert (ids[:, 0] == CLASS_IDS[rows.labels]).mean() > 0.97
    assert confidence.mean() > 0.8


def test_progress_tells_stage_epoch_loss_and_accuracy(tmp_path: Path) -> None:
    watcher = Watcher()
    fit(tmp_path, watcher)
    assert watcher.stages == [
        "reading titles", "learning subwords", "counting n-grams", "encoding titles", "training", "calibrating"
    ]  # fmt: skip
    fractions = [progress.fraction for progress in watcher.seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert sorted(set(watcher.epochs)) == list(range(1, QUICK.epochs + 1))
    last = [progress for progress in watcher.seen if progress.stage == "training"][-1]
    assert last.validation_p_at_1 is not None
    assert last.validation_p_at_1 > 0.9
    assert last.rows_per_second is not None
    assert last.rows_per_second > 0


def test_the_same_seed_gives_the_same_model(tmp_path: Path, model: TitleModel) -> None:
    assert (answers(fit_quickly(tmp_path)) == answers(model)).all()


def test_a_fit_leaves_the_callers_chance_and_threads_alone(tmp_path: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    threads = torch.get_num_threads()
    fit_quickly(tmp_path)
    assert torch.rand(1) == expected
    assert torch.get_num_threads() == threads


def test_a_cancelled_fit_goes_on_where_it_was_and_ends_the_same(tmp_path: Path) -> None:
    whole = answers(fit(tmp_path / "whole", Watcher()))
    with pytest.raises(Stopped):
        fit(tmp_path / "cut", Watcher(stop_at_epoch=4))
    again = Watcher()
    resumed = answers(fit(tmp_path / "cut", again))
    assert "learning subwords" not in again.stages
    assert min(again.epochs) >= 3
    assert (resumed == whole).all()


def test_a_killed_fit_goes_on_where_it_was_and_ends_the_same(tmp_path: Path) -> None:
    script = """
import os, signal, sys
from pathlib import Path
from models import checkpoint
from tests.models.test_fit import fit

checkpoint.SAVING_SHARE = 1e9

def die(progress):
    if progress.epoch == 4:
        os.kill(os.getpid(), signal.SIGKILL)

fit(Path(sys.argv[1]), die)
"""
    folder = tmp_path / "killed"
    killed = subprocess.run([sys.executable, "-c", script, str(folder)], cwd=ROOT, env=os.environ, check=False)
    assert killed.returncode == -signal.SIGKILL
    again = Watcher()
    resumed = answers(fit(folder, again))
    assert min(again.epochs) >= 3
    assert (resumed == answers(fit(tmp_path / "whole", Watcher()))).all()


def test_checkpoints_of_other_data_or_settings_are_left_alone(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        fit(tmp_path, Watcher(stop_at_epoch=4))
    for config, n in ((replace(OFTEN, seed=8), 160), (OFTEN, 161)):
        other = Watcher()
        fit(tmp_path, other, config, n)
        assert min(other.epochs) == 1
        assert "learning subwords" in other.stages
    back = Watcher()
    fit(tmp_path, back)
    assert min(back.epochs) >= 3


@pytest.mark.parametrize("damage", ["cut off", "gone", "not JSON", "half a folder"])
def test_a_broken_checkpoint_is_passed_over(tmp_path: Path, damage: str) -> None:
    with pytest.raises(Stopped):
        fit(tmp_path, Watcher(stop_at_epoch=4))
    (state,) = tmp_path.glob("*/state-*")
    if damage == "cut off":
        os.truncate(state / "state.safetensors", 100)
    elif damage == "gone":
        (state / "state.safetensors").unlink()
    elif damage == "not JSON":
        (state / "manifest.json").write_text("{", "utf-8")
    else:
        state.rename(state.with_name(f"{state.name}.0123abcd.tmp"))
    again = Watcher()
    fit(tmp_path, again)
    assert min(again.epochs) == 1


def test_a_broken_tokenizer_in_the_checkpoint_is_made_anew(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        fit(tmp_path, Watcher(stop_at_epoch=4))
    (prepared,) = tmp_path.glob("*/prepared")
    (prepared / "tokenizer.model").write_bytes(b"x")
    again = Watcher()
    fit(tmp_path, again)
    assert "learning subwords" in again.stages


def test_only_the_newest_checkpoint_is_kept_and_it_is_json_and_safetensors(tmp_path: Path) -> None:
    fit(tmp_path, Watcher())
    files = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {
        "tokenizer.model", "vocabulary.safetensors", "manifest.json", "state.json", "state.safetensors"
    }  # fmt: skip
    (state,) = tmp_path.glob("*/state-*")
    assert json.loads((state / "state.json").read_text("utf-8"))["step"] == int(state.name.removeprefix("state-"))


@pytest.mark.parametrize("n_classes", [0, 1])
def test_one_category_is_too_few(tmp_path: Path, n_classes: int) -> None:
    rows = (
        make_rows(20, 1)
        if n_classes
        else LabeledProducts(titles_only(), np.empty(0, np.int64), np.empty(0, np.float32))
    )
    with pytest.raises(NotEnoughClasses, match=f"there are {n_classes}") as raised:
        fit_model(rows, rows, CLASS_IDS, QUICK, "cpu", tmp_path, ignore)
    assert raised.value.n_classes == n_classes


def test_two_categories_are_enough(tmp_path: Path) -> None:
    model = fit_quickly(tmp_path, n_classes=2)
    pred_probs = model.predict_proba(make_rows(20, 2, seed=9).products)
    assert pred_probs.shape == (20, 2)
    assert np.allclose(pred_probs.sum(1), 1.0, atol=1e-5)


def test_two_titles_are_enough(tmp_path: Path) -> None:
    rows = LabeledProducts(titles_only("사과", "바지"), np.array([0, 1]), np.ones(2, np.float32))
    model = fit_model(rows, rows, np.array([5, 9]), QUICK, "cpu", tmp_path, ignore)
    assert model.predict_top(rows.products, 1)[0].tolist() == [[5], [9]]


def test_validation_may_be_empty_or_lack_categories(tmp_path: Path) -> None:
    nothing = LabeledProducts(titles_only(), np.empty(0, np.int64), np.empty(0, np.float32))
    uncalibrated = fit_model(make_rows(80), nothing, CLASS_IDS, QUICK, "cpu", tmp_path / "a", ignore)
    assert (uncalibrated.calibration.ece, uncalibrated.calibration.n) == (None, 0)
    partly = fit_model(make_rows(80), make_rows(10, 2), CLASS_IDS, QUICK, "cpu", tmp_path / "b", ignore)
    assert partly.calibration.n == 10


def test_a_category_without_training_rows_is_hardly_ever_the_answer(tmp_path: Path) -> None:
    model = fit_model(make_rows(160, 6), make_rows(40, 6, seed=1), CLASS_IDS, QUICK, "cpu", tmp_path, ignore)
    pred_probs = model.predict_proba(make_rows(40, 6, seed=2).products)
    assert pred_probs.shape == (40, 8)
    assert pred_probs[:, 6:].max() < 0.2


def test_titles_without_a_letter_can_be_trained_on(tmp_path: Path) -> None:
    rows = LabeledProducts(titles_only("", "", "", ""), np.array([0, 1, 1, 1]), np.ones(4, np.float32))
    model = fit_model(rows, rows, np.array([5, 9]), QUICK, "cpu", tmp_path, ignore)
    assert model.predict_top(titles_only(""), 1)[0].tolist() == [[9]]  # all there is to know is how frequent they are


def test_a_heavy_row_counts_for_more(tmp_path: Path) -> None:
    titles = titles_only(*["같은 제목"] * 10)
    labels = np.array([0] * 7 + [1] * 3)
    found = []
    for weights in (np.ones(10, np.float32), np.where(labels == 1, 10, 1).astype(np.float32)):
        rows = LabeledProducts(titles, labels, weights)
        model = fit_model(rows, rows, np.array([5, 9]), QUICK, "cpu", tmp_path, ignore)
        found.append(int(model.predict_top(titles_only("같은 제목"), 1)[0][0, 0]))
    assert found == [5, 9]


def test_many_categories_share_a_small_table(tmp_path: Path) -> None:
    config = replace(QUICK, max_full_rank_classes=4, rank=12, epochs=20)
    model = fit_quickly(tmp_path, config=config)
    assert model.network.ngram_table.shape[1] == 12
    rows = make_rows(100, seed=5)
    assert (model.predict_top(rows.products, 1)[0][:, 0] == CLASS_IDS[rows.labels]).mean() > 0.95


def test_the_table_keeps_to_its_limit(tmp_path: Path) -> None:
    model = fit_quickly(tmp_path, config=replace(QUICK, max_parameters=8 * 50))
    assert len(model.vocabulary) <= 50


def test_of_very_many_validation_rows_some_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "_MOST_HELD_OUT_SCORES", 8 * 25)
    assert fit_quickly(tmp_path).calibration.n == 25


def test_an_unknown_device_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownDevice, match="'tpu'"):
        fit_model(make_rows(20), make_rows(20), CLASS_IDS, QUICK, "tpu", tmp_path, ignore)


def test_the_mall_category_helps_where_the_title_says_nothing(tmp_path: Path) -> None:
    labels = np.arange(160) % 4
    texts = Products(["정품"] * 160, [f"가게>코너{label}" for label in labels], [""] * 160)
    rows = LabeledProducts(texts, labels, np.ones(160, np.float32))
    model = fit_model(rows, rows, np.arange(4), replace(QUICK, epochs=10), "cpu", tmp_path, ignore)
    assert (model.predict_top(texts, 1)[0][:, 0] == labels).all()
