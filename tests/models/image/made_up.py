"""Pictures and features made up for tests: a colour a category, quick to learn."""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.image.config import SCRATCH
from models.image.trunk import N_FEATURES, ImageTrunk, load_trunk
from models.types import LabeledProducts, ProductImages, Products

COLOURS = ("red", "blue", "yellow", "black", "white", "green")


@cache
def scratch_trunk() -> ImageTrunk:
    return load_trunk(SCRATCH, "")


def saved_trunk(folder: Path) -> Path:
    if not folder.exists():
        scratch_trunk().save(folder)
    return folder


def draw_files(folder: Path, labels: NDArray[np.int64], seed: int = 0) -> list[str]:
    """A noisy picture in its category's colour for each label."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(seed)
    files = []
    for row, label in enumerate(labels.tolist()):
        picture = Image.new("RGB", (40, 40), COLOURS[label])
        left, top = chance.integers(0, 20, 2).tolist()
        picture.paste("gray", (left, top, left + 15, top + 10))
        files.append(str(folder / f"{row}.png"))
        picture.save(files[-1])
    return files


def with_features(
    rows: LabeledProducts, trunk: Path, clear: float = 1.0, missing: float = 0.2, seed: int = 0
) -> LabeledProducts:
    """The rows with features that tell the category, the more `clear` the better; a share has no image."""
    chance = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(20, N_FEATURES))
    features = clear * centres[rows.labels] + 4.0 * chance.normal(size=(len(rows), N_FEATURES))
    present = chance.random(len(rows)) >= missing
    features[~present] = 0.0
    images = ProductImages(features.astype(np.float16), present, trunk)
    products = Products(rows.products.titles, rows.products.mall_categories, rows.products.brands, None, images)
    return LabeledProducts(products, rows.labels, rows.weights)
