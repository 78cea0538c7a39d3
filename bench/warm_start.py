"""Beginning from an earlier model against training afresh, after labels changed: P@1 on test rows and CPU seconds.

The earlier model learned from training rows of which 5 % had another, random category; the new one learns from the
right ones ('labels'). Or from the right ones after the taxonomy changed: a tenth of the categories was merged into
another each before, which is undone, and another tenth is merged now ('categories'). Both models of a pair learn from
the same rows, in the same run; the one with the epochs of a warm start but from nothing shows what these alone give.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.catalogues import CATALOGUES, DATA, Split, split_by_group
from models.config import TitleModelConfig
from models.device import one_thread
from models.family import fit_model
from models.types import CategoryModel, FitProgress, FitTask, LabeledProducts

ROWS = 15_000
QUICK_ROWS = 2_000
WRONG = 0.05  # share of the earlier model's training rows with another category
MERGED = 0.1  # share of the categories that are merged before, and as many now
HEADER = f"{'':<44}{'P@1':>8}{'ECE':>8}{'fit CPU s':>11}"

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Change:
    """Labels of all rows before and now, as category ids."""

    name: str
    before: LabeledProducts
    train: LabeledProducts
    validation: LabeledProducts
    test: LabeledProducts
    descent: dict[int, list[int]] = field(default_factory=dict)  # category now -> those it came of


@dataclass(frozen=True)
class Result:
    p_at_1: float
    cpu_seconds: float


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with heissepreise/ and mercadona/")
    parser.add_argument("--rows", type=int, default=ROWS, help=f"at most so many rows of each (usually {ROWS:,})")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS} rows: does it run?")
    options = parser.parse_args(arguments)
    found = [read for name, read in CATALOGUES.items() if (options.data / name).is_dir()]
    if not found:
        print(f"Nothing measured: no heissepreise/ or mercadona/ in {options.data}. Say where with --data FOLDER.")
        return 0
    for read in found:
        catalogue = read(options.data)
        split = split_by_group(catalogue, QUICK_ROWS if options.quick else options.rows)
        for change in (labels_corrected(split), categories_changed(split)):
            compare(catalogue.name, change)
    return 0


def labels_corrected(split: Split) -> Change:
    chance = np.random.default_rng(1)
    labels = split.train.labels.copy()
    wrong = chance.random(len(labels)) < WRONG
    labels[wrong] = chance.integers(0, split.n_classes, int(wrong.sum()))
    before = replace(split.train, labels=labels)
    return Change(f"{WRONG:.0%} of the labels corrected", before, split.train, split.validation, split.test)


def categories_changed(split: Split) -> Change:
    """A tenth of the categories is new, split off others; another tenth is gone, merged into others."""
    order = np.random.default_rng(2).permutation(split.n_classes)
    n = max(1, int(split.n_classes * MERGED))
    split_off, merged, into = order[:n], order[n : 2 * n], order[2 * n : 3 * n]
    before, now = np.arange(split.n_classes), np.arange(split.n_classes)
    before[split_off], now[merged] = into, into

    def part(rows: LabeledProducts, ids: Labels) -> LabeledProducts:
        return replace(rows, labels=ids[rows.labels])

    return Change(
        f"{n} of {split.n_classes} categories split off, {n} merged",
        part(split.train, before),
        *(part(rows, now) for rows in (split.train, split.validation, split.test)),
        descent=_descent(before, now),
    )


def _descent(before: Labels, now: Labels) -> dict[int, list[int]]:
    """What each category of now is made of, where that is not just itself."""
    made_of = {category: sorted(set(before[now == category].tolist()) - {category}) for category in set(now.tolist())}
    return {category: sources for category, sources in made_of.items() if sources}


def compare(name: str, change: Change) -> None:
    print(f"\n{name}, {change.name}: {len(change.train):,} train, {len(change.test):,} test rows\n{HEADER}")
    config = TitleModelConfig()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        earlier = fit(change.before, change.validation, root / "a", config, None)[0]
        earlier.save(root / "earlier")
        judge("the earlier model", earlier, change, 0.0)
        afresh = judge("afresh", *_fitted(change, root / "b", config, None))
        short = replace(config, epochs=config.warm_epochs)
        judge(f"afresh, {short.epochs} epochs", *_fitted(change, root / "c", short, None))
        warm = judge(f"warm, {config.warm_epochs} epochs", *_fitted(change, root / "d", config, root / "earlier"))
        if change.descent:
            forgetful = replace(change, descent={})
            judge("warm, not told what became of what", *_fitted(forgetful, root / "e", config, root / "earlier"))
    print(
        f"{name}, {change.name}: warm / afresh = {warm.p_at_1 / afresh.p_at_1:.4f} in P@1 (n = {len(change.test):,}), "
        f"{warm.cpu_seconds / afresh.cpu_seconds:.2f} in CPU seconds",
        flush=True,
    )


def _fitted(
    change: Change, folder: Path, config: TitleModelConfig, earlier: Path | None
) -> tuple[CategoryModel, Change, float]:
    model, seconds = fit(change.train, change.validation, folder, config, earlier, change.descent)
    return model, change, seconds


def judge(name: str, model: CategoryModel, change: Change, cpu_seconds: float) -> Result:
    ids = model.predict_top(change.test.products, 1)[0][:, 0]
    share = float((ids == change.test.labels).mean())
    print(f"{name:<44}{share:>8.4f}{model.calibration.ece or 0.0:>8.4f}{cpu_seconds:>11.1f}", flush=True)
    return Result(share, cpu_seconds)


def fit(
    train: LabeledProducts,
    validation: LabeledProducts,
    folder: Path,
    config: TitleModelConfig,
    earlier: Path | None,
    descent: dict[int, list[int]] | None = None,
) -> tuple[CategoryModel, float]:
    """The model and the CPU seconds of its fit. Labels are category ids; rows of categories not trained go."""
    class_ids, labels = np.unique(train.labels, return_inverse=True)
    known = np.flatnonzero(np.isin(validation.labels, class_ids))
    held_out = validation.take(known)
    held_out = replace(held_out, labels=np.searchsorted(class_ids, held_out.labels))
    task = FitTask(
        replace(train, labels=labels),
        held_out,
        class_ids,
        config.to_dict(),
        "cpu",
        folder,
        _ignore,
        warm_start=earlier,
        descent=descent or {},
    )
    cpu = time.process_time()
    with one_thread():
        model = fit_model("joint", task)
    return model, time.process_time() - cpu


def _ignore(progress: FitProgress) -> None:
    """Nobody watches."""


if __name__ == "__main__":
    sys.exit(main())
