"""Our label tree against flat one-vs-rest and PECOS XR-Linear: same rows, same feature matrix, same run.

On heissepreise, mercadona and made-up titles of 5,000 leaves. All three read the matrix of our n-grams; each fits in a
process of its own, so that peak memory is its own too (what holds the matrix included). Flat is scikit-learn's
LinearSVC, trained a block of categories at a time, because the weights of 5,000 would not fit at once. libpecos needs
an environment of its own: give its python with --pecos-python (see requirements-pecos.txt), else it is left out.

`python -m bench.label_tree [--quick] [--rows N] [--only NAME] [--pecos-python PYTHON]`
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.catalogues import CATALOGUES, DATA, TEST_PERCENT, VALIDATION_PERCENT, Split, split_by_group, titles_only
from bench.made_up_titles import leaves, titles
from models.types import FitProgress, LabeledProducts, Products

MADE_UP_ROWS, MADE_UP_LEAVES = 30_000, 5_000
QUICK_ROWS, QUICK_LEAVES = 2_000, 300
BLOCK = 50  # categories the flat peer trains at once
HERE = Path(__file__).resolve().parent
HEADER = f"{'':<34}{'P@1':>7}{'P@2':>7}{'P@4':>7}{'fit CPU s':>11}{'peak MB':>9}{'titles per CPU s':>18}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with heissepreise/ and mercadona/")
    parser.add_argument("--rows", type=int, help="at most so many rows of each")
    parser.add_argument("--only", help="heissepreise, mercadona or made-up")
    parser.add_argument("--pecos-python", default=os.environ.get("PECOS_PYTHON"), help="python that has libpecos")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS} rows, {QUICK_LEAVES} leaves: does it run?")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.part:
        print(json.dumps({"ours": run_ours, "flat": run_flat}[options.part](options.folder)))
        return 0
    found = [name for name in CATALOGUES if (options.data / name).is_dir()]
    lines = []
    for name in [*found, "made-up"]:
        if options.only in (None, name):
            lines.append(compare(name, options))
    print("\n" + "\n".join(lines))
    return 0


def compare(name: str, options: argparse.Namespace) -> str:
    """Measure all on one set, print the table; the line of ratios."""
    rows = options.rows or (QUICK_ROWS if options.quick else None)
    if name == "made-up":
        split = made_up(rows or MADE_UP_ROWS, QUICK_LEAVES if options.quick else MADE_UP_LEAVES, options.data)
    else:
        split = split_by_group(CATALOGUES[name](options.data), rows)
    print(
        f"\n{name}: {len(split.train):,} train, {len(split.validation):,} validation, {len(split.test):,} test rows, "
        f"{split.n_classes} categories\n{HEADER}",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        prepare(split, folder)
        here = [sys.executable, "-m", "bench.label_tree", "--folder", place, "--part"]
        results = {"ours": _run("label tree", [*here, "ours"]), "flat": _run("flat LinearSVC", [*here, "flat"])}
        if options.pecos_python:
            peer = [options.pecos_python, str(HERE / "peers" / "pecos_matrix.py"), place]
            results["XR-Linear"] = _run("libpecos XR-Linear", peer)
    ours = results.pop("ours")
    parts = [
        f"P@1 {100 * (ours['p_at_1'] - peer['p_at_1']):+.2f} points against {other}, "
        f"{ours['cpu_seconds'] / peer['cpu_seconds']:.2f} of its CPU seconds, "
        f"{ours['peak_mb'] / peer['peak_mb']:.2f} of its memory"
        for other, peer in results.items()
    ]
    return f"{name}: " + "; ".join(parts)


def made_up(rows: int, n_leaves: int, data: Path) -> Split:
    """Made-up titles, cut into parts in the order they come; held-out rows of leaves without training rows go."""
    chosen = leaves(data, n_leaves)
    texts, places = zip(*titles(chosen, rows), strict=True)
    labels = np.array(places, np.int64)
    first, second = (rows * (100 - TEST_PERCENT - VALIDATION_PERCENT) // 100, rows * (100 - TEST_PERCENT) // 100)
    known = np.unique(labels[:first])
    position = np.full(n_leaves, -1)
    position[known] = np.arange(len(known))

    def part(start: int, stop: int) -> LabeledProducts:
        kept = np.flatnonzero(position[labels[start:stop]] >= 0) + start
        nothing = [""] * len(kept)
        products = Products([texts[row] for row in kept], nothing, nothing)
        return LabeledProducts(products, position[labels[kept]], np.ones(len(kept), np.float32))

    parts = part(0, first), part(first, second), part(second, rows)
    return Split(*parts, len(known), rows - sum(map(len, parts)))


def prepare(split: Split, folder: Path) -> None:
    """Titles and labels for ours, the same matrix for the peers."""
    from scipy import sparse

    from models.label_tree.config import LabelTreeConfig
    from models.label_tree.features import learn_features

    split_parts = {"train": split.train, "validation": split.validation, "test": split.test}
    maker = learn_features(titles_only(split.train), LabelTreeConfig())
    for name, part in split_parts.items():
        (folder / f"{name}.json").write_text(json.dumps(list(part.products.titles)))
        np.save(folder / f"{name}.labels.npy", part.labels)
        if name != "validation":
            sparse.save_npz(folder / f"{name}.npz", maker.rows(titles_only(part).products), compressed=False)


def run_ours(folder: Path) -> dict[str, float]:
    from models.family import fit_model
    from models.types import FitTask

    train, validation, test = (_read(folder, name) for name in ("train", "validation", "test"))
    class_ids = np.arange(int(train.labels.max()) + 1)
    began = time.process_time()
    with tempfile.TemporaryDirectory() as place:
        task = FitTask(train, validation, class_ids, {}, "cpu", Path(place), _ignore)
        model = fit_model("label_tree", task)
    fitted = time.process_time()
    best, _ = model.predict_top(test.products, 4)
    return _result(best, test.labels, fitted - began, time.process_time() - fitted)


def run_flat(folder: Path) -> dict[str, float]:
    """scikit-learn's defaults, one category against the rest."""
    import warnings

    from scipy import sparse
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    warnings.simplefilter("ignore", ConvergenceWarning)
    train, test = sparse.load_npz(folder / "train.npz"), sparse.load_npz(folder / "test.npz")
    labels, right = np.load(folder / "train.labels.npy"), np.load(folder / "test.labels.npy")
    train = sparse.csr_matrix(train, dtype=np.float64)
    n_classes = int(labels.max()) + 1
    best = np.full((len(right), 0), 0)
    scores = np.empty((len(right), 0))
    fit_seconds = score_seconds = 0.0
    for first in range(0, n_classes, BLOCK):
        names = np.arange(first, min(n_classes, first + BLOCK))
        began = time.process_time()
        machines = [LinearSVC().fit(train, labels == name) for name in names]
        weights, bias = (
            np.vstack([each.coef_ for each in machines]),
            np.array([each.intercept_[0] for each in machines]),
        )
        fitted = time.process_time()
        scores = np.hstack([scores, test @ weights.T + bias])
        best = np.hstack([best, np.tile(names, (len(right), 1))])
        kept = np.argsort(-scores, axis=1)[:, :4]
        scores, best = np.take_along_axis(scores, kept, 1), np.take_along_axis(best, kept, 1)
        fit_seconds, score_seconds = fit_seconds + fitted - began, score_seconds + time.process_time() - fitted
    return _result(best, right, fit_seconds, score_seconds)


def _result(best: Any, labels: Any, cpu_seconds: float, score_cpu_seconds: float) -> dict[str, float]:
    hits = best == labels[:, None]
    return {
        **{f"p_at_{k}": float(hits[:, :k].any(axis=1).mean()) for k in (1, 2, 4)},
        "cpu_seconds": cpu_seconds,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "titles_per_cpu_second": len(labels) / score_cpu_seconds,
    }


def _read(folder: Path, name: str) -> LabeledProducts:
    texts = json.loads((folder / f"{name}.json").read_text())
    labels = np.load(folder / f"{name}.labels.npy")
    nothing = [""] * len(texts)
    return LabeledProducts(Products(texts, nothing, nothing), labels, np.ones(len(texts), np.float32))


def _run(name: str, command: list[str]) -> dict[str, float]:
    """One contestant in a process of its own; the last line it prints is its result."""
    answer = subprocess.run(command, cwd=HERE.parent, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, float] = json.loads(answer.stdout.strip().splitlines()[-1])
    print(
        f"{name:<34}{result['p_at_1']:>7.4f}{result['p_at_2']:>7.4f}{result['p_at_4']:>7.4f}"
        f"{result['cpu_seconds']:>11.1f}{result['peak_mb']:>9.0f}{result['titles_per_cpu_second']:>18,.0f}",
        flush=True,
    )
    return result


def _ignore(progress: FitProgress) -> None:
    """Nobody watches."""


if __name__ == "__main__":
    sys.exit(main())
