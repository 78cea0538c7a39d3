"""The image classifier: learns from features, is fine-tuned from files, stays neutral about what it never saw."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.errors import BrokenArtifact, NotEnoughImages
from models.image.config import ImageConfig
from models.image.fine_tuning import vary
from models.image.fit import fit_image
from models.image.network import ImageModel
from models.image.trunk import N_BLOCKS, SIDE, ImageTrunk
from models.types import FitProgress, FitTask, LabeledProducts, ProductImages, Products
from tests.models.image.made_up import draw_files, saved_trunk, with_features
from tests.models.made_up import ignore, make_rows

HEAD = ImageConfig(epochs=8, fc_dim=32, dropout=0.3, hidden_dropout=0.3, fine_tune="no", checkpoint_seconds=0.001)
TUNED = ImageConfig(
    fc_dim=16, fine_tune="yes", first_epochs=2, fine_tune_epochs=2, fine_tune_blocks=2, fine_tune_batch_size=10
)


class Killed(Exception):
    pass


@pytest.fixture(scope="module")
def trunk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_trunk(tmp_path_factory.mktemp("trunk") / "trunk")


@pytest.fixture
def task(trunk: Path, tmp_path: Path) -> FitTask:
    train, validation = (
        with_features(make_rows(n, seed=seed), trunk, 2.0, seed=seed) for n, seed in ((200, 0), (80, 1))
    )
    return FitTask(train, validation, np.arange(9) + 100, {}, "cpu", tmp_path / "fit", ignore)  # nobody has the last


def test_it_learns_and_says_nothing_of_what_it_never_saw(task: FitTask) -> None:
    model = fit_image(task, HEAD)
    probs = model.predict_proba(task.validation.products)
    images = task.validation.products.images
    assert images is not None
    right = probs.argmax(1) == task.validation.labels
    assert right[images.present].mean() > 0.8
    assert np.allclose(probs.sum(1), 1.0, atol=1e-5)
    assert np.allclose(probs[~images.present], 1 / 9)
    assert np.allclose(probs[:, 8], 1 / 9)
    assert model.calibration.kind == "softmax"
    assert model.calibration.ece is not None
    assert np.allclose(model.predict_proba(replace(task.validation.products, images=None)), 1 / 9)


def test_it_is_the_same_from_disk_and_for_the_same_seed(task: FitTask, tmp_path: Path) -> None:
    model = fit_image(task, HEAD)
    model.save(tmp_path / "saved")
    for other in (ImageModel.read(tmp_path / "saved"), fit_image(replace(task, folder=tmp_path / "else"), HEAD)):
        assert np.array_equal(
            other.predict_proba(task.validation.products), model.predict_proba(task.validation.products)
        )
    (tmp_path / "saved" / "config.json").write_text("{}")
    with pytest.raises(BrokenArtifact):
        ImageModel.read(tmp_path / "saved")


def test_exactly_repeatable_lets_torch_use_nothing_else(task: FitTask) -> None:
    seen: set[bool] = set()

    def look(progress: FitProgress) -> None:
        seen.add(torch.are_deterministic_algorithms_enabled())

    fit_image(replace(task, on_progress=look), replace(HEAD, deterministic=True))
    assert seen == {True}
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_killed_fit_goes_on_where_it_was(task: FitTask, tmp_path: Path) -> None:
    def kill(progress: FitProgress) -> None:
        if progress.epoch == 5:
            raise Killed

    with pytest.raises(Killed):
        fit_image(replace(task, on_progress=kill), HEAD)
    epochs: list[int] = []
    resumed = fit_image(replace(task, on_progress=lambda told: epochs.append(told.epoch or 0)), HEAD)
    assert min(epochs) >= 2  # checkpoints are not written after each epoch when epochs are this short
    whole = fit_image(replace(task, folder=tmp_path / "else"), HEAD)
    products = task.validation.products
    assert np.allclose(resumed.predict_proba(products), whole.predict_proba(products), atol=1e-6)


def test_too_few_images_or_one_category_are_refused(task: FitTask) -> None:
    images = task.train.products.images
    assert images is not None
    one = task.train.take(np.flatnonzero(task.train.labels == 1))
    few = task.train.take(np.flatnonzero(images.present)[:19])
    for rows in (one, few):
        with pytest.raises(NotEnoughImages):
            fit_image(replace(task, train=rows), HEAD)


def photos(folder: Path, trunk: Path, n: int, seed: int) -> LabeledProducts:
    labels = np.arange(n) % 2
    files = draw_files(folder, labels, seed)
    from models.image.reading import read_chunk

    pixels = np.stack([picture.pixels for picture in read_chunk(files, SIDE) if picture.pixels is not None])
    features = ImageTrunk.read(trunk).features(pixels)
    images = ProductImages(features, np.ones(n, bool), trunk, files)
    return LabeledProducts(Products([""] * n, [""] * n, [""] * n, None, images), labels, np.ones(n, np.float32))


def test_fine_tuning_changes_the_trunk_goes_on_after_a_kill_and_reads_images_with_its_own(
    trunk: Path, tmp_path: Path
) -> None:
    train, validation = photos(tmp_path / "a", trunk, 20, 0), photos(tmp_path / "b", trunk, 6, 1)

    def kill(progress: FitProgress) -> None:
        if progress.stage.startswith("fine-tuning") and progress.epoch == 2:
            raise Killed

    nothing = validation.take(np.empty(0, np.int64))  # so that the last epoch counts, better or not
    task = FitTask(train, nothing, np.array([5, 6]), {}, "cpu", tmp_path / "fit", kill)
    with pytest.raises(Killed):
        fit_image(task, TUNED)
    told: list[FitProgress] = []
    model = fit_image(replace(task, on_progress=told.append), TUNED)
    assert min(p.epoch or 9 for p in told if p.stage.startswith("fine-tuning")) == 2
    assert model.trunk.hash != ImageTrunk.read(trunk).hash
    assert model.facts["fine_tuned"]
    before, after = ImageTrunk.read(trunk).blocks.state_dict(), model.trunk.blocks.state_dict()
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed  # a trunk from scratch learns whole
    probs = model.predict_proba(validation.products)  # features of the first trunk: its own are made from the files
    assert np.allclose(probs.sum(1), 1.0, atol=1e-5)
    assert probs.std() > 0.0
    unknown = replace(validation.products, images=replace(validation.products.images, files=None))  # type: ignore[type-var]
    assert np.allclose(model.predict_proba(unknown), 0.5)


def test_only_the_last_blocks_of_a_trunk_with_weights_learn_and_no_norm_does(trunk: Path, tmp_path: Path) -> None:
    known = tmp_path / "known"  # the same network, said to have learned before: only one from scratch learns whole
    ImageTrunk(ImageTrunk.read(trunk).blocks, "symmetric", "made up").save(known)
    train = photos(tmp_path / "a", known, 20, 0)
    nothing = train.take(np.empty(0, np.int64))  # so that the last epoch counts, better or not
    task = FitTask(train, nothing, np.array([5, 6]), {}, "cpu", tmp_path / "fit", ignore)
    model = fit_image(task, replace(TUNED, fine_tune_epochs=1))
    assert model.facts["fine_tuned"]
    before, after = ImageTrunk.read(known).blocks.state_dict(), model.trunk.blocks.state_dict()
    norms = {
        f"{name}.{part}"
        for name, module in model.trunk.blocks.named_modules()
        if isinstance(module, torch.nn.BatchNorm2d)
        for part in module.state_dict()
    }
    last = {name for name in before if int(name.split(".")[0]) >= N_BLOCKS - TUNED.fine_tune_blocks}
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert norms & last  # those that could have changed
    assert changed == last - norms


def test_crops_are_of_the_size_the_trunk_reads_and_stay_inside() -> None:
    torch.manual_seed(0)
    even = torch.full((6, 3, 256, 256), 7, dtype=torch.uint8)
    varied = vary(even, 0.7)
    assert varied.shape == (6, 3, SIDE, SIDE)
    assert torch.allclose(varied, torch.tensor(7.0))
