"""Images alone, titles alone, both: on 5,096 photos of clothes by MobileNetV2's features; peers in the same run.

The photos have no titles, so titles are made up, half of them with a word that tells the kind (the others hold
neutral words only): text alone is weak by construction, and what fusion gains on real titles is not measured here.
The kinds that say nothing (Not sure, Other, Skip) are left out. Photos of a sender stay in one part. A seed draws other
validation rows, other titles and other first weights; the test rows are always the same. Settings were chosen on
other rows; test rows are read here alone.

Peers: logistic regression on the same features (image alone); logistic regression on title TF-IDF beside image
features in one matrix (concatenated features). With every image removed the fused model must be the title's.
Last, staged fine-tuning on a few photos beside the added layer alone on the same ones.
"""

import argparse
import csv
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from bench.catalogues import DATA
from models.calibration_error import expected_calibration_error
from models.config import TitleModelConfig
from models.device import one_thread
from models.family import fit_text
from models.fusion import FusedModel, fit_fused
from models.image.config import ImageConfig
from models.image.fit import fit_image
from models.image.reading import read_chunk, read_files, usable_cores
from models.image.trunk import SIDE, ImageTrunk, load_trunk
from models.types import FitProgress, FitTask, LabeledProducts, ProductImages, Products

SAYS_NOTHING = ("Not sure", "Other", "Skip")
NEUTRAL = ("cotton", "soft", "daily", "new", "season", "comfort", "basic", "premium", "fit", "blue", "black", "gift")
SHARE = 0.5  # of titles that tell the kind
QUICK_PHOTOS = 500
DECODED_IN_WORKERS = 1_000  # photos, for the speed of worker processes
AT_ONCE = 256  # pictures in memory
STRENGTHS = (0.0003, 0.001, 0.003, 0.01)  # C of logistic regression
FACTORS = (20.0, 60.0)  # of the title's block in one matrix with features
TUNED_PHOTOS, QUICK_TUNED_PHOTOS = 300, 48
PARTS = {"train": range(15), "validation": range(15, 17), "test": range(17, 20)}

Table = dict[str, list[tuple[float, float, float, float]]]  # (P@1, macro-F1, ECE, processor seconds) of each seed
Answer = Callable[[LabeledProducts], NDArray[np.float32]]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with clothing-dataset/ and mobilenetv2/")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_PHOTOS} photos, one seed")
    parser.add_argument("--validation", action="store_true", help="judge on validation rows, to choose settings")
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--features", type=Path, help="a file (.npy) that keeps the features for the next run")
    options = parser.parse_args(arguments)
    if not (options.data / "clothing-dataset").is_dir():
        print(f"The photos are not in {options.data}.")
        return 0
    n_seeds = 1 if options.quick else options.seeds
    with tempfile.TemporaryDirectory() as scratch, one_thread(), threadpool_limits(1):
        photos, labels, senders = list_photos(options.data, options.quick)
        images = see(options.data, photos, Path(scratch), options.features)
        table: Table = defaultdict(list)
        for seed in range(n_seeds):
            parts = split(images, labels, senders, seed)
            test = parts["validation" if options.validation else "test"]
            compare(table, parts["train"], parts["validation"], test, seed, Path(scratch) / str(seed), options.quick)
        say_means(table, n_seeds)
        parts = split(images, labels, senders, 0)
        test = parts["validation" if options.validation else "test"]
        show_fine_tuning(parts["train"], parts["validation"], test, Path(scratch) / "tuning", options.quick)
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


def see(data: Path, photos: list[Path], scratch: Path, kept: Path | None) -> ProductImages:
    """Features of all photos, from the file `kept` if it is there; prints images a second for decoding and features."""
    trunk = load_trunk(str(data / "mobilenetv2" / "mobilenet_v2_imagenet.pt"), "symmetric")
    trunk.save(scratch / "trunk")
    if kept is not None and kept.exists():
        features = np.load(kept)
    else:
        features = read_all(trunk, photos)
        if kept is not None:
            np.save(kept, features)
    if len(features) != len(photos):
        sys.exit(f"{kept} holds features of {len(features)} photos, not of {len(photos)}")
    return ProductImages(features, np.ones(len(features), bool), scratch / "trunk", [str(path) for path in photos])


def read_all(trunk: ImageTrunk, photos: list[Path]) -> NDArray[np.float16]:
    """Features (N, 1280) on one thread, decoded in this process, so that processor time is that of the work."""
    reading = read_files(photos[:DECODED_IN_WORKERS], SIDE)
    next(reading)  # the processes have started
    began, n_read = time.perf_counter(), sum(len(part) for part in reading)
    speed = n_read / (time.perf_counter() - began)
    print(f"decoding in {usable_cores()} worker processes: {speed:,.0f} images/s by the clock")
    found, decoding, seeing = [], 0.0, 0.0
    for start in range(0, len(photos), AT_ONCE):
        first = time.process_time()
        read = read_chunk([str(path) for path in photos[start : start + AT_ONCE]], SIDE)
        pixels = np.stack([picture.pixels for picture in read if picture.pixels is not None])
        second = time.process_time()
        found.append(trunk.features(pixels))
        decoding, seeing = decoding + second - first, seeing + time.process_time() - second
    for what, spent in (("decoding", decoding), ("features", seeing)):
        each = spent / len(photos)
        print(
            f"{what}: {each * 1e3:.1f} ms of processor a photo, {1 / each:,.0f} images a processor second", flush=True
        )
    return np.concatenate(found)


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


def split(
    images: ProductImages, labels: NDArray[np.int64], senders: NDArray[np.int64], seed: int
) -> dict[str, LabeledProducts]:
    """Rows of training, validation and test; a sender's are in one of them. Test rows are the same for every seed."""
    titles = make_titles(labels, SHARE, seed)
    nothing = [""] * len(titles)
    rows = LabeledProducts(Products(titles, nothing, nothing, None, images), labels, np.ones(len(labels), np.float32))
    part_of = np.random.default_rng(11).permutation(senders.max() + 1) % 20  # of each sender
    others = np.flatnonzero(part_of < PARTS["test"].start)
    part_of[others] = np.random.default_rng((11, seed)).permutation(part_of[others])
    return {name: rows.take(np.flatnonzero(np.isin(part_of[senders], which))) for name, which in PARTS.items()}


def compare(
    table: Table,
    train: LabeledProducts,
    validation: LabeledProducts,
    test: LabeledProducts,
    seed: int,
    folder: Path,
    quick: bool,
) -> None:
    """Every way on the same rows, added to `table` and printed."""
    say_head(f"seed {seed}", train, validation, test)
    settings = ImageConfig(fine_tune="no", seed=seed)
    text = TitleModelConfig(seed=seed).to_dict()
    classes = np.arange(int(max(part.labels.max() for part in (train, validation, test))) + 1)
    task = FitTask(train, validation, classes, text | {"image": settings.to_dict()}, "cpu", folder, ignore)
    strengths, factors = (STRENGTHS[1:3], FACTORS[:1]) if quick else (STRENGTHS, FACTORS)

    def judge(name: str, fit: Callable[[], Answer]) -> None:
        began = time.process_time()
        answer = fit()
        spent = time.process_time() - began
        add(table, name, answer(test), test.labels, spent)

    fused: list[FusedModel] = []

    def fit_both() -> Answer:
        fused.append(fit_fused("joint", task))
        return _answers(fused[0])

    judge("title alone", lambda: _answers(fit_text("joint", replace(task, config=text, folder=folder / "alone"))))
    judge("image: added layer on cached features", lambda: _answers(fit_image(task, settings)))
    judge("image: logistic regression (peer)", lambda: fit_logistic(task, strengths, (0.0,)))
    judge("both: concatenated, logistic (peer)", lambda: fit_logistic(task, strengths, factors))
    judge("both: late fusion", fit_both)
    add(table, "late fusion, every image removed", fused[0].predict_proba(without_images(test)), test.labels, 0.0)
    add(table, "its title part alone", fused[0].text.predict_proba(test.products), test.labels, 0.0)


def show_fine_tuning(
    train: LabeledProducts, validation: LabeledProducts, test: LabeledProducts, folder: Path, quick: bool
) -> None:
    """The added layer alone, then two epochs of the last blocks with it, on the same few photos."""
    n = QUICK_TUNED_PHOTOS if quick else TUNED_PHOTOS
    train, validation, test = few(train, n), few(validation, n // 3), few(test, n)
    say_head("a few photos", train, validation, test)
    classes = np.arange(int(max(part.labels.max() for part in (train, validation, test))) + 1)
    alone = ImageConfig(fine_tune="no")
    tuned = replace(alone, fine_tune="yes", fine_tune_epochs=1 if quick else 2, fine_tune_batch_size=16)
    ways = {"added layer": alone, "last blocks, norms frozen": tuned}
    for name, settings in ways.items():
        task = FitTask(train, validation, classes, {}, "cpu", folder / name, ignore)
        began = time.process_time()
        model = fit_image(task, settings)
        spent = time.process_time() - began
        add(defaultdict(list), name, model.predict_proba(test.products), test.labels, spent)
        if settings is tuned:
            kept = "the tuned blocks" if model.facts["fine_tuned"] else "the blocks as they were"
            print(f"held-out rows were answered best by {kept}")


def few(rows: LabeledProducts, n: int) -> LabeledProducts:
    """The first rows."""
    return rows.take(np.arange(min(n, len(rows))))


def say_head(name: str, train: LabeledProducts, validation: LabeledProducts, test: LabeledProducts) -> None:
    print(f"\n{name}: {len(train)} / {len(validation)} / {len(test)} rows")
    print(f"{'':<44}{'P@1':>7}{'macroF1':>9}{'ECE':>7}{'fit CPU s':>11}")


def say_means(table: Table, n_seeds: int) -> None:
    print(f"\nmeans of {n_seeds} seeds")
    for name, values in table.items():
        say(name, *np.mean(values, 0).tolist())


def add(table: Table, name: str, probs: NDArray[np.float32], labels: NDArray[np.int64], spent: float) -> None:
    best, right = probs.max(1), probs.argmax(1) == labels
    macro = f1_score(labels, probs.argmax(1), average="macro", zero_division=0.0)
    table[name].append((float(right.mean()), float(macro), expected_calibration_error(best, right), spent))
    say(name, *table[name][-1])


def say(name: str, share: float, macro: float, error: float, spent: float) -> None:
    print(f"{name:<44}{share:>7.4f}{macro:>9.4f}{error:>7.4f}{spent:>11.1f}", flush=True)


def without_images(rows: LabeledProducts) -> Products:
    images = rows.products.images
    assert images is not None
    gone = ProductImages(np.zeros_like(images.features), np.zeros(len(rows), bool), images.trunk)
    return replace(rows.products, images=gone)


def fit_logistic(task: FitTask, strengths: tuple[float, ...], factors: tuple[float, ...]) -> Answer:
    """Multinomial logistic regression on features, each of deviation 1, and titles times a factor (0: none).

    Strength and factor are those of the best P@1 on validation rows.
    """
    train, validation = task.train, task.validation
    scaler = StandardScaler().fit(_features(train))
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, dtype=np.float32)
    words.fit(train.products.titles)

    def matrix(rows: LabeledProducts, factor: float) -> NDArray[np.float32]:
        seen = scaler.transform(_features(rows))
        return np.hstack([words.transform(rows.products.titles).toarray() * factor, seen]) if factor else seen

    best: tuple[float, LogisticRegression, float] | None = None
    for factor in factors:
        learned, judged = matrix(train, factor), matrix(validation, factor)
        for strength in strengths:
            model = LogisticRegression(C=strength, max_iter=300).fit(learned, train.labels)
            share = model.score(judged, validation.labels)
            if best is None or share > best[0]:
                best = share, model, factor
    assert best is not None
    _, model, factor = best

    def answer(rows: LabeledProducts) -> NDArray[np.float32]:
        probs = np.zeros((len(rows), len(task.class_ids)), np.float32)
        probs[:, model.classes_] = model.predict_proba(matrix(rows, factor))
        return probs

    return answer


def _features(rows: LabeledProducts) -> NDArray[np.float32]:
    assert rows.products.images is not None
    return rows.products.images.features.astype(np.float32)


def _answers(model: object) -> Answer:
    return lambda part: model.predict_proba(part.products)  # type: ignore[attr-defined,no-any-return]


def ignore(progress: FitProgress) -> None:
    """Nobody watches."""


if __name__ == "__main__":
    sys.exit(main())
