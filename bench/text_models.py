"""Our title model against TF-IDF + LinearSVC: same rows, same split, same run; prints a table and a ratio.

Titles only for both, then ours once more with the other fields the data has. The split is by group: products whose
titles have the same normal form (NFKC, lower case) are all in training, all in validation or all in test. Settings
were chosen on validation rows; test rows are read here alone. Both models' scores are calibrated on validation rows.
Wall seconds depend on what else runs on the machine; CPU seconds of the process hardly do.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import LinearSVC

from bench.catalogues import CATALOGUES, DATA, Catalogue, Split, split_by_group, titles_only
from models.calibration import fit_temperature, log_probabilities
from models.calibration_error import expected_calibration_error
from models.config import TitleModelConfig
from models.family import fit_model
from models.types import FitProgress, FitTask, Products

QUICK_ROWS = 3000
HEADER = (
    f"{'':<34}{'P@1':>7}{'P@2':>7}{'macroF1':>9}{'ECE':>7}{'fit s':>8}{'CPU s':>8}{'titles/s':>10}{'per CPU s':>11}"
)


@dataclass(frozen=True)
class Result:
    name: str
    p_at_1: float
    p_at_2: float
    macro_f1: float
    ece: float
    fit_seconds: float
    fit_cpu_seconds: float
    titles_per_second: float
    titles_per_cpu_second: float

    def line(self) -> str:
        return (
            f"{self.name:<34}{self.p_at_1:>7.4f}{self.p_at_2:>7.4f}{self.macro_f1:>9.4f}{self.ece:>7.4f}"
            f"{self.fit_seconds:>8.1f}{self.fit_cpu_seconds:>8.1f}{self.titles_per_second:>10,.0f}"
            f"{self.titles_per_cpu_second:>11,.0f}"
        )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with heissepreise/ and mercadona/")
    parser.add_argument("--rows", type=int, help="at most so many rows of each")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS} rows and 2 epochs: does it run?")
    options = parser.parse_args(arguments)
    rows = options.rows or (QUICK_ROWS if options.quick else None)
    config = TitleModelConfig(epochs=2) if options.quick else TitleModelConfig()
    found = [read for name, read in CATALOGUES.items() if (options.data / name).is_dir()]
    if not found:
        print(f"Nothing measured: no heissepreise/ or mercadona/ in {options.data}. Say where with --data FOLDER.")
        return 0
    ratios = [compare(read(options.data), rows, config) for read in found]
    print("\n".join(ratios))
    return 0


def compare(catalogue: Catalogue, rows: int | None, config: TitleModelConfig) -> str:
    """Fit and measure all on one catalogue, print the table; the ratio line."""
    split = split_by_group(catalogue, rows)
    print(
        f"\n{catalogue.name}: {len(split.train):,} train, {len(split.validation):,} validation, "
        f"{len(split.test):,} test rows, {split.n_classes} categories; left out: {split.n_unknown} held-out rows "
        f"of categories without training rows"
    )
    print(HEADER)
    titles = replace(
        split,
        train=titles_only(split.train),
        validation=titles_only(split.validation),
        test=titles_only(split.test),
    )
    peer = measure("TF-IDF + LinearSVC", titles, fit_peer)
    print(peer.line(), flush=True)
    ours = measure("ours, titles only", titles, lambda split: fit_ours(split, config))
    print(ours.line(), flush=True)
    print(measure(f"ours, and {catalogue.fields}", split, lambda split: fit_ours(split, config)).line(), flush=True)
    return (
        f"\n{catalogue.name}: ours / peer = {ours.p_at_1 / peer.p_at_1:.4f} in P@1 (n = {len(split.test):,}), "
        f"{ours.macro_f1 / peer.macro_f1:.3f} in macro-F1, "
        f"{ours.fit_cpu_seconds / peer.fit_cpu_seconds:.2f} in CPU seconds to fit, "
        f"{ours.titles_per_cpu_second / peer.titles_per_cpu_second:.2f} in titles per CPU second"
    )


Predict = Callable[[Products], NDArray[np.float32]]


def measure(name: str, split: Split, fit: Callable[[Split], Predict]) -> Result:
    """Fit on training rows, predict the test rows once."""
    wall, cpu = time.perf_counter(), time.process_time()
    predict = fit(split)
    fit_wall, fit_cpu = time.perf_counter() - wall, time.process_time() - cpu
    labels = split.test.labels
    wall, cpu = time.perf_counter(), time.process_time()
    probabilities = predict(split.test.products)
    score_wall, score_cpu = time.perf_counter() - wall, time.process_time() - cpu
    best = np.argsort(-probabilities, axis=1)[:, :2]
    return Result(
        name=name,
        p_at_1=float((best[:, 0] == labels).mean()),
        p_at_2=float((best == labels[:, None]).any(1).mean()),
        macro_f1=float(f1_score(labels, best[:, 0], labels=np.unique(labels), average="macro", zero_division=0)),
        ece=expected_calibration_error(probabilities.max(axis=1), best[:, 0] == labels),
        fit_seconds=fit_wall,
        fit_cpu_seconds=fit_cpu,
        titles_per_second=len(labels) / score_wall,
        titles_per_cpu_second=len(labels) / score_cpu,
    )


def fit_peer(split: Split) -> Predict:
    """scikit-learn's defaults: words 1-2 and letters in words 2-5, one linear SVM a category; calibrated as ours is."""
    features = make_union(TfidfVectorizer(ngram_range=(1, 2)), TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5)))
    pipeline = make_pipeline(features, LinearSVC())
    pipeline.fit(list(split.train.products.titles), split.train.labels)

    def scores(texts: Products) -> NDArray[np.float32]:
        margins = pipeline.decision_function(list(texts.titles)).astype(np.float32)
        return margins if margins.ndim == 2 else np.stack([-margins, margins], 1)

    held_out = split.validation
    calibration = fit_temperature(scores(held_out.products), held_out.labels, held_out.weights)
    return lambda texts: log_probabilities(torch.from_numpy(scores(texts)), calibration).exp().numpy()


def fit_ours(split: Split, config: TitleModelConfig) -> Predict:
    class_ids = np.arange(split.n_classes)
    with tempfile.TemporaryDirectory() as folder:
        task = FitTask(split.train, split.validation, class_ids, config.to_dict(), "cpu", Path(folder), _show)
        return fit_model("joint", task).predict_proba


def _show(progress: FitProgress) -> None:
    if sys.stderr.isatty():
        print(f"\r{progress.stage} {progress.fraction:.0%}  ", end="", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
