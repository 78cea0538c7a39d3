"""Bench: thresholds that promise a precision beside 'confidence of .95 or more', and logit adjustment, on real titles.

    python -m bench.abstention [--quick] [--rows N] [--catalogue heissepreise]

Thresholds are chosen on validation rows, everything is judged on test rows.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.catalogues import CATALOGUES, DATA, Split, split_by_group
from core.training.near_duplicates import group_titles
from models.adjusted import adjust_model
from models.answering import answer_products, answer_sums
from models.answers import NOWHERE, AnswerRules
from models.calibration_error import expected_calibration_error
from models.family import fit_model
from models.thresholds import choose_thresholds
from models.types import CategoryModel, FitProgress, FitTask

TARGETS = (0.9, 0.95)
TAUS = (0.0, 0.5, 1.0)
QUICK_ROWS = 3_000


@dataclass(frozen=True)
class Tree:
    """Paths of the classes: ids of nodes are made up, a class's own id is the last of its path."""

    paths: NDArray[np.int64]  # (K, D)

    @classmethod
    def of(cls, names: Sequence[str], separator: str | None) -> "Tree":
        """Categories 'a > b > c', or codes whose first character is their branch."""
        ids: dict[str, int] = {}
        paths = []
        for name in names:
            parts = name.split(separator) if separator else [name[0], name]
            paths.append([ids.setdefault("/".join(parts[: depth + 1]), len(ids)) for depth in range(len(parts))])
        return cls(np.array(paths))


def measure(model: CategoryModel, split: Split, tree: Tree) -> Iterator[dict[str, Any]]:
    """A row a target: what is sure and rightly so, by promised thresholds and by plain confidence."""
    products, labels = split.test.products, tree.paths[split.test.labels, -1]
    sums = answer_sums(model, split.validation.products, tree.paths, frozenset())
    groups = group_titles(split.validation.products.titles)
    for target in TARGETS:
        thresholds = choose_thresholds(*sums, split.validation.labels, tree.paths, target, groups)
        found = answer_products(model, products, 4, AnswerRules(thresholds))
        right, sure = found.ids[:, 0] == labels, ~found.abstained
        backed = np.flatnonzero(found.abstained & (found.back_off_ids != NOWHERE))
        above = [found.back_off_ids[row] in tree.paths[split.test.labels[row]] for row in backed]
        naive = found.probs[:, 0] >= target
        n = np.bincount(split.test.labels, minlength=len(tree.paths))
        said = np.array([(found.ids[:, 0] == id_).sum() for id_ in tree.paths[:, -1]])
        hits = np.bincount(split.test.labels[right], minlength=len(tree.paths))
        f1 = 2 * hits / np.maximum(n + said, 1)
        yield {
            "target": target,
            "P@1": right.mean(),
            "macro-F1": f1[n > 0].mean(),
            "ECE": expected_calibration_error(found.probs[:, 0], right),
            "sure": sure.mean(),
            "right": right[sure].mean() if sure.any() else np.nan,
            "backed off": len(backed) / len(labels),
            "right above": np.mean(above) if above else np.nan,
            "naive sure": naive.mean(),
            "naive right": right[naive].mean() if naive.any() else np.nan,
        }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few rows, to see that it runs")
    parser.add_argument("--rows", type=int, help="a random part of each catalogue")
    parser.add_argument("--catalogue", choices=sorted(CATALOGUES), action="append")
    options = parser.parse_args(arguments)
    rows = QUICK_ROWS if options.quick else options.rows
    wanted = options.catalogue or sorted(CATALOGUES)
    found = [name for name in wanted if (DATA / name).is_dir()]
    if missing := sorted(set(wanted) - set(found)):
        print(f"Nothing measured of {', '.join(missing)}: not in {DATA}.")
    for name in found:
        catalogue = CATALOGUES[name](DATA)
        split = split_by_group(catalogue, rows)
        tree = Tree.of(split.categories, " > " if " > " in split.categories[0] else None)
        print_rows(name, split, tree, epochs=1 if options.quick else 3)


def print_rows(name: str, split: Split, tree: Tree, epochs: int) -> None:
    """Fit once, adjust for each tau, print a line a target."""
    with tempfile.TemporaryDirectory() as folder:
        config = {"seed": 7, "epochs": epochs}
        task = FitTask(
            split.train, split.validation, tree.paths[:, -1], config, "cpu", Path(folder), _ignore, tree.paths
        )
        plain = fit_model("joint", task)
    sys.stdout.write(f"{name}: {len(split.train):,} / {len(split.validation):,} / {len(split.test):,} rows\n")
    for tau in TAUS:
        for found in measure(adjust_model(plain, tau, split.train.labels, split.validation), split, tree):
            cells = "  ".join(f"{key} {value:.3f}" for key, value in found.items())
            sys.stdout.write(f"tau {tau}  {cells}\n")


def _ignore(progress: FitProgress) -> None:
    """Nobody watches."""


if __name__ == "__main__":
    main()
