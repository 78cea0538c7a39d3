"""Title and image together: better than each, exactly the title where there is no image, whole on disk."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.errors import BrokenArtifact, NotEnoughImages
from models.family import fit_model, load_model
from models.fusion import WEIGHING, FusedModel, find_fused
from models.noise.selfie import Selfie, SelfieSettings
from models.types import FitProgress, FitTask, LabeledProducts, ProductImages
from tests.models.image.made_up import saved_trunk, with_features
from tests.models.made_up import CLASS_IDS, QUICK, ignore, make_rows

IMAGE = {"epochs": 8, "fc_dim": 32, "dropout": 0.3, "hidden_dropout": 0.3, "folds": 2, "fusion_rows": 100}


def vague(rows: LabeledProducts, share: float = 0.5, seed: int = 3) -> LabeledProducts:
    """Titles of which a share says nothing; mall categories say nothing at all."""
    says_nothing = np.random.default_rng(seed).random(len(rows)) < share
    titles = [
        f"상품 {row}" if nothing else title
        for row, (title, nothing) in enumerate(zip(rows.products.titles, says_nothing, strict=True))
    ]
    return replace(rows, products=replace(rows.products, titles=titles, mall_categories=[""] * len(rows)))


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> FitTask:
    folder = tmp_path_factory.mktemp("fusion")
    trunk = saved_trunk(folder / "trunk")
    train, validation = (
        with_features(vague(make_rows(n, seed=seed), seed=seed), trunk, seed=seed) for n, seed in ((240, 0), (80, 1))
    )
    config: dict[str, Any] = QUICK.to_dict() | {"epochs": 4, "image": IMAGE}
    return FitTask(train, validation, CLASS_IDS, config, "cpu", folder / "fit", ignore)


@pytest.fixture(scope="module")
def fused(task: FitTask) -> FusedModel:
    model = fit_model("joint", task)
    assert isinstance(model, FusedModel)
    return model


@pytest.fixture(scope="module")
def test_rows(task: FitTask) -> LabeledProducts:
    assert task.train.products.images is not None
    trunk = task.train.products.images.trunk
    assert trunk is not None
    return with_features(vague(make_rows(200, seed=2), seed=2), trunk, seed=2)


def share_right(probs: Any, rows: LabeledProducts) -> float:
    return float((probs.argmax(1) == rows.labels).mean())


def test_both_together_beat_each(fused: FusedModel, test_rows: LabeledProducts) -> None:
    both = share_right(fused.predict_proba(test_rows.products), test_rows)
    text = share_right(fused.text.predict_proba(test_rows.products), test_rows)
    image = share_right(fused.image.predict_proba(test_rows.products), test_rows)
    assert both > max(text, image) + 0.05, (both, text, image)


def test_without_an_image_the_answer_is_the_titles_to_the_last_digit(
    fused: FusedModel, test_rows: LabeledProducts
) -> None:
    images = test_rows.products.images
    assert images is not None
    gone = ProductImages(np.zeros_like(images.features), np.zeros_like(images.present), images.trunk)
    for products in (replace(test_rows.products, images=gone), replace(test_rows.products, images=None)):
        assert np.array_equal(fused.predict_proba(products), fused.text.predict_proba(products))
        for mine, titles in zip(fused.predict_top(products, 3), fused.text.predict_top(products, 3), strict=True):
            assert np.array_equal(mine, titles)
    missing = ~images.present
    assert np.array_equal(
        fused.predict_proba(test_rows.products)[missing], fused.text.predict_proba(test_rows.products)[missing]
    )


def test_answers_are_probabilities_and_the_best_come_first(fused: FusedModel, test_rows: LabeledProducts) -> None:
    probs = fused.predict_proba(test_rows.products)
    assert np.allclose(probs.sum(1), 1.0, atol=1e-5)
    ids, confidences = fused.predict_top(test_rows.products, 3)
    assert np.allclose(confidences, -np.sort(-probs)[:, :3], atol=1e-6)
    assert np.array_equal(ids[:, 0], CLASS_IDS[probs.argmax(1)])
    assert fused.predict_top(test_rows.products.slice(0, 0), 3)[0].shape == (0, 3)
    assert fused.predict_proba(test_rows.products.slice(0, 0)).shape == (0, len(CLASS_IDS))


def test_an_artifact_holds_both_parts_and_answers_the_same(
    fused: FusedModel, test_rows: LabeledProducts, tmp_path: Path
) -> None:
    fused.save(tmp_path / "artifact")
    assert {"text", "image"} <= {path.name for path in (tmp_path / "artifact").iterdir()}
    again = load_model(tmp_path / "artifact")
    assert find_fused(again) is again
    assert again.config == fused.config
    assert again.config["uses_images"]
    assert np.array_equal(again.predict_proba(test_rows.products), fused.predict_proba(test_rows.products))
    (tmp_path / "artifact" / "image" / "head.safetensors").write_bytes(b"")
    with pytest.raises(BrokenArtifact, match="image/head"):
        load_model(tmp_path / "artifact")


def test_a_fit_cut_short_goes_on_and_ends_the_same(
    fused: FusedModel, test_rows: LabeledProducts, task: FitTask, tmp_path: Path
) -> None:
    class Killed(Exception):
        pass

    def kill_late(progress: FitProgress) -> None:
        if progress.fraction > 0.6:
            raise Killed

    with pytest.raises(Killed):
        fit_model("joint", replace(task, folder=tmp_path, on_progress=kill_late))
    stages: list[str] = []
    resumed = fit_model("joint", replace(task, folder=tmp_path, on_progress=lambda told: stages.append(told.stage)))
    assert WEIGHING not in stages  # the out-of-fold answers are there
    assert np.array_equal(resumed.predict_proba(test_rows.products), fused.predict_proba(test_rows.products))


def test_progress_rises_and_only_the_titles_own_training_draws_a_curve(task: FitTask, tmp_path: Path) -> None:
    told: list[FitProgress] = []
    fit_model("joint", replace(task, folder=tmp_path, on_progress=told.append))
    fractions = [progress.fraction for progress in told if progress.note is None]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    epochs = [progress.epoch for progress in told if progress.epoch is not None]
    assert epochs == sorted(epochs)


def test_selfie_is_asked_about_the_title_and_never_in_a_fold(task: FitTask, tmp_path: Path) -> None:
    told: list[str] = []

    class Listening(Selfie):
        def choose(self, epoch: int, rows: Any, losses: Any, predictions: Any) -> Any:
            assert told[-1] != WEIGHING  # rows of a fold are numbered within it: it would mix them up
            return super().choose(epoch, rows, losses, predictions)

    n = len(task.train)
    selector = Listening(task.train.labels, len(CLASS_IDS), np.zeros(n, bool), SelfieSettings(noise_rate=0.1))
    listen = replace(task, selector=selector, folder=tmp_path, on_progress=lambda progress: told.append(progress.stage))
    fit_model("joint", listen)
    assert WEIGHING in told
    assert (selector.verdicts >= 0).all()


def test_too_few_images_are_said_in_a_sentence(task: FitTask, tmp_path: Path) -> None:
    images = task.train.products.images
    assert images is not None
    present = np.zeros(len(task.train), bool)
    present[:5] = True
    products = replace(task.train.products, images=replace(images, present=present))
    with pytest.raises(NotEnoughImages, match="5 training products"):
        fit_model("joint", replace(task, train=replace(task.train, products=products), folder=tmp_path))


@pytest.mark.parametrize(("encoder", "own"), [("joint", QUICK.to_dict() | {"epochs": 5}), ("ngrams", {})])
def test_answers_of_other_settings_or_another_encoder_are_not_taken_up(
    task: FitTask, fused: FusedModel, encoder: str, own: dict[str, Any]
) -> None:
    """A tuning that begins again may draw other values in the folder of the first ones."""

    class Weighing(Exception):
        pass

    def stop(progress: FitProgress) -> None:
        if progress.stage == WEIGHING:
            raise Weighing

    with pytest.raises(Weighing):
        fit_model(encoder, replace(task, config=own | {"image": IMAGE}, on_progress=stop))
