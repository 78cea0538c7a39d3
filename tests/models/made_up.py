"""A small made-up catalogue whose titles tell their category by a word: quick to learn, exact to check."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.config import TitleModelConfig
from models.family import fit_model as fit_encoder
from models.predictor import TitleModel
from models.types import FitProgress, FitTask, LabeledProducts, OnProgress, Products

NOUNS = ["청바지", "원피스", "운동화", "세럼 앰플", "커피 원두", "Shampoo", "기저귀", "무선 이어폰"]
BRANDS = ["나이키", "Zara", "LG", "오뚜기"]
EXTRAS = ["무료배송", "정품", "2024", "여성", "XL", "1+1"]
CLASS_IDS = np.array([11, 7, 300, 42, 5, 6, 90, 1])
QUICK = TitleModelConfig(epochs=6, batch_size=32, vocabulary_size=300, piece_dim=16, hidden_dim=16)


def make_rows(n: int, n_classes: int = 8, seed: int = 0) -> LabeledProducts:
    """N rows; the mall category says the class in other words, in half of the rows."""
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, n_classes, n)
    labels[:n_classes] = np.arange(min(n, n_classes))
    titles, malls, brands = [], [], []
    for label in labels:
        brand, extra = chance.choice(BRANDS), chance.choice(EXTRAS)
        titles.append(f"{brand} {NOUNS[label]} {extra} {chance.integers(1000)}")
        malls.append(f"가게>코너{label}" if chance.random() < 0.5 else "")
        brands.append(str(brand))
    return LabeledProducts(Products(titles, malls, brands), labels.astype(np.int64), np.ones(n, np.float32))


def titles_only(*titles: str) -> Products:
    return Products(titles, [""] * len(titles), [""] * len(titles))


def ignore(progress: FitProgress) -> None:
    """Nobody watches."""


def fit_model(
    train: LabeledProducts,
    validation: LabeledProducts,
    class_ids: NDArray[np.int64],
    config: TitleModelConfig,
    device: str,
    folder: Path,
    on_progress: OnProgress,
) -> TitleModel:
    """The default encoder, trained."""
    task = FitTask(train, validation, class_ids, config.to_dict(), device, folder, on_progress)
    model = fit_encoder("joint", task)
    assert isinstance(model, TitleModel)
    return model


def fit_quickly(folder: Path, n: int = 160, n_classes: int = 8, config: TitleModelConfig = QUICK) -> TitleModel:
    train, validation = make_rows(n, n_classes), make_rows(40, n_classes, seed=1)
    return fit_model(train, validation, CLASS_IDS[:n_classes], config, "cpu", folder, ignore)
