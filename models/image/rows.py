"""Rows with images, in the order and the shape that the stages of a training need."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.errors import NotEnoughImages
from models.types import LabeledProducts, ProductImages

LEAST_IMAGES = 20


def with_image(rows: LabeledProducts) -> LabeledProducts:
    """The rows that have an image."""
    images = rows.products.images
    return rows.take(np.flatnonzero(images.present) if images is not None else np.empty(0, np.int64))


def is_enough(rows: LabeledProducts) -> bool:
    """Whether an image classifier can learn from them."""
    found = with_image(rows)
    return len(found) >= LEAST_IMAGES and len(np.unique(found.labels)) > 1


def check_images(rows: LabeledProducts) -> None:
    """Raises NotEnoughImages below LEAST_IMAGES rows with an image, or with all of them in one category."""
    if not is_enough(rows):
        found = with_image(rows)
        raise NotEnoughImages(len(found), len(np.unique(found.labels)))


def images_of(rows: LabeledProducts) -> ProductImages:
    """The images of rows that have some."""
    assert rows.products.images is not None, "rows with images"
    return rows.products.images


def tensors_of(rows: LabeledProducts) -> tuple[Tensor, Tensor, Tensor]:
    """(features, labels, weights of mean 1) of rows with images."""
    weights = rows.weights / rows.weights.mean()
    return torch.from_numpy(images_of(rows).features), torch.from_numpy(rows.labels), torch.from_numpy(weights)


def batches(n: int, size: int, seed: int, epoch: int) -> Iterator[NDArray[np.int64]]:
    """Places of the rows of each step of an epoch, the same again for the same seed."""
    order = np.random.default_rng((seed, epoch)).permutation(n)
    for start in range(0, n, size):
        yield order[start : start + size]


def judge_scores(scores: Tensor, labels: Tensor, seen: Tensor) -> tuple[float, float] | None:
    """(loss, P@1) of scores (N, K) on rows of categories that have training pictures; none when there are none."""
    known = seen[labels]
    if not bool(known.any()):
        return None
    scores, labels = scores[known], labels[known]
    share = (scores.argmax(1) == labels).float().mean()
    return float(functional.cross_entropy(scores, labels)), float(share)
