"""Training of the image classifier: the added layer on cached features, then the trunk's last blocks on a GPU."""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.calibration import SOFTMAX, fit_temperature
from models.checkpoint import Checkpoints, fingerprint_fit
from models.device import one_thread, resolve_device
from models.image.config import ImageConfig
from models.image.fine_tuning import fine_tune
from models.image.network import ImageHead, ImageModel, own_features
from models.image.rows import batches, check_images, images_of, judge_scores, tensors_of, with_image
from models.image.stage import Losses, Stage
from models.image.trunk import ImageTrunk
from models.training_device import adamw, repeatable
from models.types import FitTask, LabeledProducts, OnProgress

LEARNING = "learning pictures"


def fit_image(task: FitTask, config: ImageConfig) -> ImageModel:
    """Train on the rows of `task` that have an image, and calibrate on such validation rows.

    The images' `trunk` must be known; their `files` too for fine-tuning, else the trunk stays as it is. Raises
    NotEnoughImages.
    """
    device = resolve_device(task.device)
    train, held_out = with_image(task.train), with_image(task.validation)
    check_images(train)
    images = images_of(train)
    assert images.trunk is not None, "the trunk of the features is known"
    trunk = ImageTrunk.read(images.trunk, device)
    tuned = images.files is not None and config.fine_tune != "no" and (config.fine_tune == "yes" or device == "cuda")
    head_epochs = config.first_epochs if tuned else config.epochs
    with torch.random.fork_rng(), repeatable(config.deterministic):
        torch.manual_seed(config.seed)
        head = ImageHead(len(task.class_ids), config)
        head.prepare(images.features, train.labels)
        fingerprint = fingerprint_fit(replace(task, train=train, validation=held_out), config)
        checkpoints = Checkpoints(task.folder / "head", fingerprint, config.checkpoint_seconds)
        _fit_head(head.to(device), train, held_out, head_epochs, config, checkpoints, task.on_progress, device)
        if tuned:
            before = trunk
            trunk = fine_tune(before, head, train, held_out, config, task, device, fingerprint)
            tuned = trunk.hash != before.hash  # else held-out rows were answered best before
            trunk = trunk if tuned else before
    model = ImageModel(
        trunk, head, task.class_ids, config, fit_temperature(*_nothing(), SOFTMAX), _facts(train, tuned), device
    )
    if len(held_out):
        features = own_features(images_of(held_out), trunk).features
        scores = _scores(head, torch.from_numpy(features).to(device))
        counted = head.seen.cpu().numpy()[held_out.labels]  # what was never seen says nothing of how sure to be
        weights = held_out.weights * counted.astype(np.float32)
        model.calibration = fit_temperature(scores.numpy(), held_out.labels, weights, SOFTMAX)
    return model


def _fit_head(
    head: ImageHead,
    train: LabeledProducts,
    held_out: LabeledProducts,
    epochs: int,
    config: ImageConfig,
    checkpoints: Checkpoints,
    on_progress: OnProgress,
    device: str,
) -> None:
    """Train the added layer on features as they are."""
    features, labels, weights = (tensor.to(device) for tensor in tensors_of(train))
    judged = [tensor.to(device) for tensor in tensors_of(held_out)] if len(held_out) else None

    def train_epoch(epoch: int) -> Losses:
        head.train()
        for step, rows in enumerate(batches(len(train), config.batch_size, config.seed, epoch)):
            torch.manual_seed(config.seed * 1_000_003 + epoch * 10_007 + step)
            at = torch.from_numpy(rows).to(device)
            losses = functional.cross_entropy(head(features[at]), labels[at], reduction="none")
            loss = (losses * weights[at]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            yield loss.detach(), len(rows)

    def judge() -> tuple[float, float] | None:
        return None if judged is None else judge_scores(_scores(head, judged[0]), judged[1].cpu(), head.seen.cpu())

    optimizer = adamw(head.parameters(), config.learning_rate, device, config.weight_decay)
    with one_thread():
        stage = Stage(LEARNING, head, optimizer, epochs, train_epoch, judge, checkpoints, on_progress)
        stage.run(-(-len(train) // config.batch_size))


@torch.no_grad()
def _scores(head: ImageHead, features: Tensor) -> Tensor:
    """Scores (N, K) on the CPU."""
    head.eval()
    return torch.cat([head(part).float().cpu() for part in features.split(4_096)])


def _facts(train: LabeledProducts, tuned: bool) -> dict[str, object]:
    return {"rows_with_image": len(train), "categories_with_image": len(np.unique(train.labels)), "fine_tuned": tuned}


def _nothing() -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
    return np.empty((0, 1), np.float32), np.empty(0, np.int64), np.empty(0, np.float32)
