"""Images alone, titles alone, both: on 5,403 photos of clothes by MobileNetV2's features; peers in the same run.

The photos have no titles, so titles are made up with a known share that tells the kind (others hold neutral words
only): text alone is weak by construction, and what fusion gains on real titles is not measured here. The kinds that
say nothing (Not sure, Other, Skip) are left out. Photos of a sender stay in one part. Settings were chosen on
validation rows; test rows are read here alone.

Peers: logistic regression on the same features (image alone); logistic regression on title TF-IDF beside image
features in one matrix (concatenated features). With every image removed the fused model must be the title's.
"""

import argparse
import csv
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.preprocessing import StandardScaler

from bench.catalogues import DATA
from models.calibration_error import expected_calibration_error
from models.config import TitleModelConfig
from models.family import fit_text
from models.fusion import FusedModel, fit_fused
from models.image.config import ImageConfig
from models.image.fit import fit_image
from models.image.reading import read_file, read_files, usable_cores
from models.image.trunk import SIDE, load_trunk
from models.types import FitProgress, FitTask, LabeledProducts, ProductImages, Products

SAYS_NOTHING = ("Not sure", "Other", "Skip")
NEUTRAL = ("cotton", "soft", "daily", "new", "season", "comfort", "basic", "premium", "fit", "blue", "black", "gift")
SHARES = (0.5, 0.8)  # of titles that tell the kind
QUICK_PHOTOS = 600
PARTS = {"train": range(15), "validation": range(15, 17), "test": range(17, 20)}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with clothing-dataset/ and mobilenetv2/")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_PHOTOS} photos only")
    parser.add_argument("--validation", action="store_true", help="judge on validation rows, to choose settings")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds of the made-up titles")
    options = parser.parse_args(arguments)
    if not (options.data / "clothing-dataset").is_dir():
        print(f"The photos are not in {options.data}.")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        photos, labels, senders = list_photos(options.data, options.quick)
        images = see(options.data, photos, Path(scratch))
        for seed in range(options.seeds):
            for share in SHARES:
                compare(images, labels, senders, share, seed, Path(scratch) / f"{seed}-{share}", options.validation)
    return 0


def list_photos(data: Path, quick: bool) -> tuple[list[Path], NDArray[np.int64], NDArray[np.int64]]:
    """Files, labels (N,) and senders (N,) of the photos that exist and show a kind of clothes."""
    folder = data / "clothing-dataset"
    with (folder / "images.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] not in SAYS_NOTHING]
    rows = [row for row in rows if (folder / "images_256" / f"{row['image']}.jpg").exists()]
    if quick:
        rows = [rows[place] for place in np.random.default_rng(7).permutation(len(rows))[:QUICK_PHOTOS]]
    labels = np.unique([row["label"] for row in rows], return_inverse=True)[1]
    files = [folder / "images_256" / f"{row['image']}.jpg" for row in rows]
    return files, labels.astype(np.int64), np.array([int(row["sender_id"]) for row in rows])


def see(data: Path, photos: list[Path], scratch: Path) -> ProductImages:
    """Features of all photos; prints images a second for decoding and for features."""
    trunk = load_trunk(str(data / "mobilenetv2" / "mobilenet_v2_imagenet.pt"), "symmetric")
    trunk.save(scratch / "trunk")
    wall, cpu = time.perf_counter(), time.process_time()
    few = [read_file(str(path), SIDE).pixels for path in photos[:200]]
    say_speed("decoding in one process", len(few), wall, cpu)
    wall = time.perf_counter()
    pixels = [picture.pixels for part in read_files(photos, SIDE) for picture in part]
    say_speed(f"decoding in {usable_cores()} worker processes", len(photos), wall, None)
    wall, cpu = time.perf_counter(), time.process_time()
    features = trunk.features(np.stack([picture for picture in pixels if picture is not None]))
    say_speed("features", len(features), wall, cpu)
    return ProductImages(features, np.ones(len(features), bool), scratch / "trunk", [str(path) for path in photos])


def say_speed(what: str, n: int, wall: float, cpu: float | None) -> None:
    spent = "" if cpu is None else f", {(time.process_time() - cpu) / n * 1e3:.1f} ms of processor each"
    print(f"{what}: {n / (time.perf_counter() - wall):,.0f} images/s{spent}", flush=True)


def make_titles(labels: NDArray[np.int64], share: float, seed: int) -> list[str]:
    """Neutral words; in `share` of the titles also a word that stands for the kind, three words to a kind."""
    chance = np.random.default_rng(seed)
    titles = []
    for label in labels.tolist():
        words = chance.choice(NEUTRAL, 3, replace=False).tolist()
        if chance.random() < share:
            words.insert(int(chance.integers(4)), f"kind{label}{'abc'[int(chance.integers(3))]}")
        titles.append(" ".join([*words, str(chance.integers(10_000))]))
    return titles


def compare(
    images: ProductImages,
    labels: NDArray[np.int64],
    senders: NDArray[np.int64],
    share: float,
    seed: int,
    folder: Path,
    on_validation: bool,
) -> None:
    """One table: every way on the same rows."""
    titles = make_titles(labels, share, seed)
    nothing = [""] * len(titles)
    rows = LabeledProducts(Products(titles, nothing, nothing, None, images), labels, np.ones(len(labels), np.float32))
    part_of = np.random.default_rng(11).permutation(senders.max() + 1)[senders] % 20  # by sender
    parts = {name: rows.take(np.flatnonzero(np.isin(part_of, list(which)))) for name, which in PARTS.items()}
    train, validation = parts["train"], parts["validation"]
    test = validation if on_validation else parts["test"]
    print(f"\n{share:.0%} of titles tell the kind, seed {seed}: {len(train)} / {len(validation)} / {len(test)} rows")
    print(f"{'':<44}{'P@1':>7}{'macroF1':>9}{'ECE':>7}{'fit CPU s':>11}")
    config = TitleModelConfig().to_dict() | {"image": ImageConfig(fine_tune="no").to_dict()}
    task = FitTask(train, validation, np.arange(labels.max() + 1), config, "cpu", folder, ignore)

    def judge(name: str, fit: Callable[[], Callable[[LabeledProducts], NDArray[np.float32]]]) -> None:
        began = time.process_time()
        answer = fit()
        spent = time.process_time() - began
        say(name, answer(test), test.labels, spent)

    fused: list[FusedModel] = []

    def fit_both() -> Callable[[LabeledProducts], NDArray[np.float32]]:
        fused.append(fit_fused("joint", task))
        return lambda part: fused[0].predict_proba(part.products)

    judge("image: head on cached features", lambda: _answers(fit_image(task, ImageConfig(fine_tune="no"))))
    judge("image: logistic regression (peer)", lambda: fit_logistic(train, validation, with_titles=False))
    text = TitleModelConfig().to_dict()
    judge("title alone", lambda: _answers(fit_text("joint", replace(task, config=text, folder=folder / "alone"))))
    judge("both: late fusion", fit_both)
    judge("both: concatenated, logistic (peer)", lambda: fit_logistic(train, validation, with_titles=True))
    say("late fusion, every image removed", fused[0].predict_proba(without_images(test)), test.labels, 0.0)
    say("its title part alone", fused[0].text.predict_proba(test.products), test.labels, 0.0)


def say(name: str, probs: NDArray[np.float32], labels: NDArray[np.int64], spent: float) -> None:
    best, right = probs.max(1), probs.argmax(1) == labels
    macro = f1_score(labels, probs.argmax(1), average="macro", zero_division=0.0)
    error = expected_calibration_error(best, right)
    print(f"{name:<44}{right.mean():>7.4f}{macro:>9.4f}{error:>7.4f}{spent:>11.1f}", flush=True)


def without_images(rows: LabeledProducts) -> Products:
    images = rows.products.images
    assert images is not None
    gone = ProductImages(np.zeros_like(images.features), np.zeros(len(rows), bool), images.trunk)
    return replace(rows.products, images=gone)


def fit_logistic(
    train: LabeledProducts, validation: LabeledProducts, with_titles: bool
) -> Callable[[LabeledProducts], NDArray[np.float32]]:
    """Multinomial logistic regression; strength and the share of the title's block chosen on validation rows."""
    scaler = StandardScaler().fit(_features(train))
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit(train.products.titles)

    def matrix(rows: LabeledProducts, factor: float) -> NDArray[np.float64] | sparse.csr_matrix:
        seen = scaler.transform(_features(rows))
        return (
            sparse.csr_matrix(sparse.hstack([words.transform(rows.products.titles) * factor, seen])) if factor else seen
        )

    best: tuple[float, LogisticRegression, float] | None = None
    for factor in (20.0, 60.0) if with_titles else (0.0,):
        for strength in (0.0003, 0.001, 0.003):
            model = LogisticRegression(C=strength, max_iter=150).fit(matrix(train, factor), train.labels)
            share = model.score(matrix(validation, factor), validation.labels)
            if best is None or share > best[0]:
                best = share, model, factor
    assert best is not None
    _, model, factor = best

    def answer(rows: LabeledProducts) -> NDArray[np.float32]:
        probs = np.zeros((len(rows), int(train.labels.max()) + 1), np.float32)
        probs[:, model.classes_] = model.predict_proba(matrix(rows, factor))
        return probs

    return answer


def _features(rows: LabeledProducts) -> NDArray[np.float32]:
    assert rows.products.images is not None
    return rows.products.images.features.astype(np.float32)


def _answers(model: object) -> Callable[[LabeledProducts], NDArray[np.float32]]:
    return lambda part: model.predict_proba(part.products)  # type: ignore[attr-defined,no-any-return]


def ignore(progress: FitProgress) -> None:
    """Nobody watches."""


if __name__ == "__main__":
    sys.exit(main())
