"""Training of the neural encoders: it learns, repeats itself, stops when asked, goes on after a kill."""

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
from models.encoders import fit as fitting
from models.encoders.model import NeuralTextModel
from models.errors import NoTree, TrainingDiverged
from models.heads import Head
from models.types import FitProgress, LabeledProducts, Products
from tests.models.encoders.fitting import ENCODERS, accept, answers, fit, share_right
from tests.models.made_up import CLASS_IDS, make_rows, titles_only
from tests.models.test_fit import Stopped, Watcher

OFTEN = 1e-6  # a checkpoint after every step


@pytest.fixture(autouse=True)
def _saving_may_take_as_long_as_it_likes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "SAVING_SHARE", 1e9)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_it_learns_what_titles_tell_and_tells_how_far_it_is(tmp_path: Path, encoder: str) -> None:
    watcher = Watcher()
    model = fit(tmp_path, encoder, n=240, on_progress=watcher)
    assert share_right(model, make_rows(200, seed=5)) > 0.95
    assert watcher.stages == [
        "reading titles", "learning subwords", "counting n-grams", "encoding titles", "training", "calibrating"
    ]  # fmt: skip
    fractions = [progress.fraction for progress in watcher.seen]
    assert fractions == sorted(fractions)
    last = [progress for progress in watcher.seen if progress.epoch == 5][-1]
    assert last.loss is not None
    assert last.validation_p_at_1 == share_right(model, make_rows(40, seed=1))
    assert model.calibration.kind == "softmax"
    assert model.calibration.n == 40


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("head", ["hierarchical", "several_labels"])
def test_every_head_works_with_every_encoder(tmp_path: Path, encoder: str, head: str) -> None:
    model = fit(tmp_path, encoder, head=head, n=240)
    assert share_right(model, make_rows(200, seed=5)) > 0.9
    assert np.allclose(answers(model).sum(1), 1.0, atol=1e-5)


def test_another_head_needs_the_tree(tmp_path: Path) -> None:
    with pytest.raises(NoTree, match="flat head"):
        fit(tmp_path, "dan", head="hierarchical", class_paths=None)


def test_accepted_alternatives_become_probable(tmp_path: Path) -> None:
    rows = make_rows(240)
    further = (rows.labels + 1) % 8
    model = fit(tmp_path, "dan", train=accept(rows, further, 8), head="several_labels")
    held_out = make_rows(60, seed=3)
    chances = model.label_probabilities(held_out.products)
    right, accepted = (chances[np.arange(60), held_out.labels + shift - 8] for shift in (0, 1))
    assert np.median(right) > 0.7
    assert np.median(accepted) > 0.7
    others = np.arange(60)[:, None], (held_out.labels[:, None] + np.arange(2, 8)) % 8
    assert np.median(chances[others]) < 0.1
    with pytest.raises(ValueError, match="several_labels"):
        fit(tmp_path / "flat", "dan", epochs=1).label_probabilities(held_out.products)


@pytest.mark.parametrize("encoder", ["dan", "gru"])
def test_the_same_seed_gives_the_same_model_and_another_seed_another(tmp_path: Path, encoder: str) -> None:
    first, second, other = (
        answers(fit(tmp_path / name, encoder, epochs=2, seed=seed)) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert (first == second).all()
    assert (first != other).any()


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_stopped_fit_goes_on_where_it_was_and_ends_the_same(tmp_path: Path, encoder: str) -> None:
    whole = answers(fit(tmp_path / "whole", encoder, checkpoint_seconds=OFTEN))
    with pytest.raises(Stopped):
        fit(tmp_path / "cut", encoder, checkpoint_seconds=OFTEN, on_progress=Watcher(stop_at_epoch=3))
    again = Watcher()
    resumed = answers(fit(tmp_path / "cut", encoder, checkpoint_seconds=OFTEN, on_progress=again))
    assert "learning subwords" not in again.stages
    assert min(again.epochs) >= 2
    assert (resumed == whole).all()


def test_a_killed_fit_goes_on_where_it_was_and_ends_the_same(tmp_path: Path) -> None:
    script = """
import os, signal, sys
from pathlib import Path
from models import checkpoint
from tests.models.encoders.fitting import fit

checkpoint.SAVING_SHARE = 1e9

def die(progress):
    if progress.epoch == 3:
        os.kill(os.getpid(), signal.SIGKILL)

fit(Path(sys.argv[1]), "gru", checkpoint_seconds=1e-6, on_progress=die)
"""
    folder = tmp_path / "killed"
    killed = subprocess.run([sys.executable, "-c", script, str(folder)], cwd=ROOT, env=os.environ, check=False)
    assert killed.returncode == -signal.SIGKILL
    again = Watcher()
    resumed = answers(fit(folder, "gru", checkpoint_seconds=OFTEN, on_progress=again))
    assert min(again.epochs) >= 2
    assert (resumed == answers(fit(tmp_path / "whole", "gru", checkpoint_seconds=OFTEN))).all()


def test_another_encoder_does_not_take_up_the_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        fit(tmp_path, "fasttext", checkpoint_seconds=OFTEN, on_progress=Watcher(stop_at_epoch=3))
    other = Watcher()
    fit(tmp_path, "dan", epochs=1, on_progress=other)
    assert min(other.epochs) == 1
    assert "learning subwords" in other.stages


def test_a_loss_that_is_no_number_ends_the_fit_before_it_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = fitting.make_head

    def broken(*given: object) -> Head:
        head = make(*given)  # type: ignore[arg-type]
        loss, steps = head.loss, iter(range(1000))
        monkeypatch.setattr(head, "loss", lambda *rows: loss(*rows) * (np.nan if next(steps) == 7 else 1.0))
        return head

    monkeypatch.setattr(fitting, "make_head", broken)
    with pytest.raises(TrainingDiverged, match="step 8: the loss is no number"):
        fit(tmp_path, "dan", checkpoint_seconds=OFTEN)
    (state,) = tmp_path.glob("*/state-*")
    assert state.name == "state-000000007"


def test_a_batch_in_parts_learns_the_same(tmp_path: Path) -> None:
    settings = {"epochs": 1, "dropout": 0.0, "learning_rate": 0.001, "embedding_learning_rate": 0.001}
    whole = answers(fit(tmp_path / "whole", "gru", **settings))
    parts = answers(fit(tmp_path / "parts", "gru", rows_at_once=5, **settings))
    assert np.allclose(whole, parts, atol=1e-3)


def test_when_memory_runs_out_the_batch_is_halved_and_people_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score = fitting.TextNetwork.score

    def small(network: fitting.TextNetwork, table: torch.Tensor, batch: fitting.Batch) -> torch.Tensor:
        if network.training and batch.n_rows > 10:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return score(network, table, batch)

    monkeypatch.setattr(fitting.TextNetwork, "score", small)
    told: list[FitProgress] = []
    model = fit(tmp_path, "dan", n=240, on_progress=told.append)
    notes = [progress.note for progress in told if progress.note]
    notes = [note for note in notes if "rows at a time" in note]
    assert ["16 rows at a time" in notes[0], "8 rows at a time" in notes[1]] == [True, True]
    assert len(notes) == 2
    assert share_right(model, make_rows(100, seed=5)) > 0.9


def test_the_tokenizer_learns_from_the_corpus_where_there_is_one(tmp_path: Path) -> None:
    plain, told = fit(tmp_path / "a", "dan", epochs=1), fit(tmp_path / "b", "dan", epochs=1, corpus=["짧은 글"] * 9)
    assert told.prepared.tokenizer.vocabulary_size < plain.prepared.tokenizer.vocabulary_size


def test_a_warm_start_knows_the_shared_categories_at_once(tmp_path: Path) -> None:
    fit(tmp_path / "a", "dan", n=240).save(tmp_path / "earlier")
    notes: list[str] = []
    rows, kept = make_rows(160, 6, seed=4), CLASS_IDS[:6]
    warm = fit(
        tmp_path / "b", "dan", train=rows, validation=make_rows(40, 6, seed=1), class_ids=kept,
        warm_start=tmp_path / "earlier", warm_epochs=1, learning_rate=1e-5, embedding_learning_rate=1e-5,
        on_progress=lambda progress: notes.append(progress.note) if progress.note else None,
    )  # fmt: skip
    assert share_right(warm, make_rows(100, 6, seed=5)) > 0.9
    assert "Begins from the earlier model: 6 categories known to it, 0 new." in notes
    cold = fit(tmp_path / "c", "gru", epochs=1, warm_start=tmp_path / "earlier")  # of another encoder: begins afresh
    assert cold.encoder == "gru"


@pytest.mark.parametrize("encoder", ENCODERS)
def test_little_and_strange_data_can_be_trained_on(tmp_path: Path, encoder: str) -> None:
    two = LabeledProducts(titles_only("사과", "바지"), np.array([0, 1]), np.ones(2, np.float32))
    model = fit(tmp_path / "a", encoder, train=two, validation=two, class_ids=np.array([5, 9]), epochs=60)
    assert model.predict_top(two.products, 1)[0].tolist() == [[5], [9]]
    empty = LabeledProducts(titles_only("", "\x00 \n", "", ""), np.array([0, 1, 1, 1]), np.ones(4, np.float32))
    model = fit(
        tmp_path / "b", encoder, train=empty, validation=empty.take(np.empty(0, np.int64)),
        class_ids=np.array([5, 9]), epochs=60,
    )  # fmt: skip
    assert model.predict_top(titles_only(""), 1)[0].tolist() == [[9]]  # all there is to know is how frequent they are
    assert (model.calibration.ece, model.calibration.n) == (None, 0)


def test_a_heavy_row_counts_for_more(tmp_path: Path) -> None:
    titles, labels = titles_only(*["같은 제목"] * 10), np.array([0] * 7 + [1] * 3)
    found = []
    for name, weight in (("a", 1), ("b", 10)):
        rows = LabeledProducts(titles, labels, np.where(labels == 1, weight, 1).astype(np.float32))
        model = fit(tmp_path / name, "fasttext", train=rows, validation=rows, class_ids=np.array([5, 9]), epochs=20)
        found.append(int(model.predict_top(titles_only("같은 제목"), 1)[0][0, 0]))
    assert found == [5, 9]


@pytest.mark.parametrize("encoder", ENCODERS)
def test_the_mall_category_helps_as_far_as_its_weight_goes(tmp_path: Path, encoder: str) -> None:
    labels = np.arange(160) % 4
    malls = [f"가게>코너{label}" for label in labels]
    products = Products(["정품"] * 160, malls, [""] * 160)
    rows = LabeledProducts(products, labels, np.ones(160, np.float32))
    model = fit(tmp_path, encoder, train=rows, validation=rows, class_ids=np.arange(4), class_paths=None, epochs=20)
    assert share_right(model, rows) == 1.0
    sure = [confidence_of(model, products, labels, weight) for weight in (0.0, 0.5, 1.0)]
    assert sure[0] < sure[1] < sure[2]
    without = model.predict_proba(replace(products, mall_categories=[""] * 160))
    weightless = model.predict_proba(replace(products, mall_weights=np.zeros(160, np.float32)))
    assert (weightless == without).all()


def confidence_of(model: NeuralTextModel, products: Products, labels: np.ndarray, weight: float) -> float:
    weighed = replace(products, mall_weights=np.full(len(labels), weight, np.float32))
    return float(model.predict_proba(weighed)[np.arange(len(labels)), labels].mean())


@pytest.mark.parametrize("encoder", ["fasttext", "gru"])
def test_a_mall_category_of_weight_0_teaches_nothing(tmp_path: Path, encoder: str) -> None:
    rows = make_rows(80)
    weightless = replace(rows.products, mall_weights=np.zeros(80, np.float32))
    empty = replace(rows.products, mall_categories=[""] * 80)
    found = [
        answers(fit(tmp_path / name, encoder, epochs=2,
                    train=replace(rows, products=products)))
        for name, products in (("a", weightless), ("b", empty))
    ]  # fmt: skip
    assert (found[0] == found[1]).all()


class Relabel:
    """A selector that takes only rows of even categories, as the category after; it counts what it was asked."""

    def __init__(self, labels: np.ndarray) -> None:
        self.labels, self.asked, self.epochs = labels, np.zeros(len(labels), np.int64), np.zeros(1, np.int64)

    def fingerprint(self) -> bytes:
        return b"relabel"

    def choose(
        self, epoch: int, rows: np.ndarray, losses: np.ndarray, predictions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        assert rows.shape == losses.shape == predictions.shape
        assert np.isfinite(losses).all()
        self.asked[rows] += 1
        return self.labels[rows] % 2 == 0, (self.labels[rows] + 1) % 8

    def end_epoch(self, epoch: int, scores: np.ndarray, labels: np.ndarray) -> None:
        assert scores.shape == (len(labels), 8)
        self.epochs += 1

    def state(self) -> dict[str, np.ndarray]:
        return {"asked": self.asked, "epochs": self.epochs}

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        self.asked, self.epochs = state["asked"].copy(), state["epochs"].copy()


@pytest.mark.parametrize("head", ["flat", "hierarchical"])
def test_a_selector_chooses_rows_and_labels_and_remembers_over_a_stop(tmp_path: Path, head: str) -> None:
    rows = make_rows(160)
    settings = {"head": head, "train": rows, "checkpoint_seconds": OFTEN}
    with pytest.raises(Stopped):
        fit(tmp_path, "dan", selector=Relabel(rows.labels), on_progress=Watcher(stop_at_epoch=3), **settings)
    selector = Relabel(rows.labels)
    model = fit(tmp_path, "dan", selector=selector, **settings)
    assert (selector.asked == 5).all()
    assert selector.epochs == 5
    even = make_rows(100, seed=5)
    even = even.take(np.flatnonzero(even.labels % 2 == 0))
    found = model.predict_proba(even.products).argmax(1)
    assert (found == even.labels + 1).mean() > 0.8
