"""SELFIE: the verdicts, the ring of predictions, tau, and a real training beside wrong labels."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.family import fit_model
from models.noise.selfie import Selfie, SelfieSettings, Verdict, estimate_noise_rate
from models.types import FitProgress, FitTask
from tests.models.made_up import CLASS_IDS, QUICK, ignore, make_rows

LABELS = np.array([0, 0, 1, 1])
ROWS = np.arange(4)
NOBODY = np.zeros(4, bool)
LOSSES = np.array([0.1, 9.0, 0.2, 0.3], np.float32)


def selfie(trusted: np.ndarray = NOBODY, **settings: object) -> Selfie:
    return Selfie(LABELS, 3, trusted, SelfieSettings(**({"noise_rate": 0.25} | settings)))  # type: ignore[arg-type]


def test_the_warm_up_learns_from_all_as_they_are_labeled() -> None:
    kept, labels = selfie().choose(1, ROWS, LOSSES, np.array([2, 2, 2, 2]))
    assert kept.all()
    assert labels.tolist() == LABELS.tolist()


def test_steady_contradiction_refurbishes_and_a_high_loss_is_unclean() -> None:
    chooser = selfie()
    for epoch in range(2):
        chooser.choose(epoch, ROWS, LOSSES, np.array([0, 1, 2, 1]))
    kept, labels = chooser.choose(2, ROWS, LOSSES, np.array([0, 0, 2, 1]))
    assert chooser.verdicts.tolist() == [Verdict.CLEAN, Verdict.UNCLEAN, Verdict.REFURBISHED, Verdict.CLEAN]
    assert kept.tolist() == [True, False, True, True]
    assert labels.tolist() == [0, 0, 2, 1]
    assert chooser.labels_after().tolist() == [0, 0, 2, 1]


def test_a_row_asked_twice_in_an_epoch_counts_once() -> None:
    one, two = selfie(), selfie()
    for epoch in range(3):
        found = one.choose(epoch, ROWS, LOSSES, np.array([0, 1, 2, 1]))
        two.choose(epoch, ROWS, LOSSES, np.array([0, 1, 2, 1]))
        again = two.choose(epoch, ROWS, LOSSES, np.array([0, 1, 2, 1]))
        assert [part.tolist() for part in found] == [part.tolist() for part in again]


def test_a_trusted_row_keeps_its_label_whatever_is_predicted() -> None:
    chooser = selfie(trusted=np.array([False, True, True, False]))
    for epoch in range(4):
        kept, labels = chooser.choose(epoch, ROWS, LOSSES, np.array([0, 2, 2, 1]))
    assert kept[1:3].all()
    assert labels.tolist()[1:3] == [0, 1]


def test_its_state_goes_on_where_it_was() -> None:
    one = selfie(noise_rate=None)
    for epoch in range(2):
        one.choose(epoch, ROWS, LOSSES, np.array([0, 1, 2, 1]))
        one.end_epoch(epoch, np.array([[3.0, 0, 0], [0, 3.0, 0]], np.float32), np.array([0, 1]))
    other = selfie(noise_rate=None)
    other.load_state(one.state())
    assert other.noise_rate == one.noise_rate == 0.0
    for chooser in (one, other):
        chooser.choose(2, ROWS, LOSSES, np.array([0, 1, 2, 1]))
    assert one.verdicts.tolist() == other.verdicts.tolist()
    assert one.favourites().tolist() == [0, 1, 2, 1]
    assert one.share_of(LABELS).tolist() == [1.0, 0.0, 0.0, 1.0]


def test_tau_is_the_share_of_confident_contradictions() -> None:
    scores = np.array([[5, 0], [5, 0], [5, 0], [0, 5], [0, 5], [0, 5], [9, 0], [0, 5]], np.float32)
    assert estimate_noise_rate(scores, np.array([0, 0, 0, 1, 1, 1, 1, 1])) == pytest.approx(1 / 8)
    assert estimate_noise_rate(np.empty((0, 2), np.float32), np.empty(0, np.int64)) == 0.0


def test_settings_out_of_range_are_named() -> None:
    for wrong in ({"history": 3}, {"certainty": 2.0}, {"noise_rate": 1.0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            SelfieSettings(**wrong)  # type: ignore[arg-type]
    assert SelfieSettings.for_epochs(100).history == 15


class Stopped(Exception):
    """Somebody ended the fit."""


def test_a_real_fit_finds_wrong_labels_and_goes_on_after_a_kill(tmp_path: Path) -> None:
    train = make_rows(400)
    wrong = np.arange(0, 400, 10)
    noisy = train.labels.copy()
    noisy[wrong] = (noisy[wrong] + 1) % 8
    config = replace(QUICK, checkpoint_seconds=1e-9)

    def fit(folder: str, stop_at: float) -> Selfie:
        chooser = Selfie(noisy, 8, np.zeros(400, bool), SelfieSettings.for_epochs(config.epochs))

        def watch(progress: FitProgress) -> None:
            if progress.fraction > stop_at:
                raise Stopped

        task = FitTask(replace(train, labels=noisy), make_rows(60, seed=1), CLASS_IDS, config.to_dict(), "cpu",
                       tmp_path / folder, watch if stop_at < 1 else ignore, selector=chooser)  # fmt: skip
        fit_model("joint", task)
        return chooser

    whole = fit("whole", 1.0)
    suspected = whole.verdicts != Verdict.CLEAN
    assert suspected[wrong].mean() > 0.5
    assert np.delete(suspected, wrong).mean() < 0.2
    with pytest.raises(Stopped):
        fit("cut", 0.7)
    assert fit("cut", 1.0).verdicts.tolist() == whole.verdicts.tolist()
