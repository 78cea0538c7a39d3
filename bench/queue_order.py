"""How many wrong labels a thousand checks find, by the order of the queue, against random order in the same run.

Catalogues with known wrong labels (15 % made wrong by category, or the demo's planted ones) go into a real database
with out-of-fold answers of a TF-IDF logistic regression and the verdicts of our own detector; a campaign of each order
is made by the same code as the page's, and its queue is replayed: a check finds an error where the label is not the
true one. Beside them cleanlab's two label quality scores on the same answers. Seeds below 100 are for measuring; the
order `expected_gain` was chosen on seeds from 100 on.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.catalogues import CATALOGUES, DATA, Catalogue, Split, split_by_group
from bench.label_noise import _titles, find_wrong, logistic_out_of_fold
from bench.noisy_labels import make_wrong, with_labels
from bench.order_shelf import fill, queue_of
from core.catalogue.demo.making import make_products
from db.enums import CampaignOrder
from models.noise.detector import Suspicion

QUICK_ROWS = 1_500
CHECKS = 1_000
LARGEST_SHARE = 0.1  # of a small catalogue no more is checked: after that there would be no errors left to find


def read_planted(data: Path) -> Catalogue:
    """The demo's titles with their true categories; beside them what the demo's shop says, planted errors and all."""
    rows = make_products()
    return Catalogue(
        "demo",
        "label",
        [row.title for row in rows],
        [" > ".join(row.label) for row in rows],
        [" > ".join(row.truth) for row in rows],
    )


def _planted(split: Split) -> NDArray[np.int64]:
    """The shop's labels (N,) of the training rows; one that no training row truly has is left right."""
    places = {category: place for place, category in enumerate(split.categories)}
    said = zip(split.train.products.mall_categories, split.train.labels.tolist(), strict=True)
    return np.array([places.get(path, truth) for path, truth in said], np.int64)


READ = {**CATALOGUES, "demo": read_planted}


@dataclass(frozen=True)
class Order:
    """Rows in the order in which they are checked; maybe not all of them."""

    name: str
    rows: NDArray[np.int64]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with the catalogues")
    parser.add_argument("--only", nargs="*", default=list(READ), help=f"which of {', '.join(READ)}")
    parser.add_argument("--rows", type=int, help="at most so many rows of each")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS} rows: does it run?")
    parser.add_argument("--targets", default="any", choices=("any", "similar"), help="what is mistaken for what")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-detector", action="store_true", help="leave out our own search for wrong labels")
    options = parser.parse_args(arguments)
    for name in options.only:
        if name != "demo" and not (options.data / name).is_dir():
            print(f"{name}: its data are not here.")
            continue
        bench(name, options)
    return 0


def bench(name: str, options: argparse.Namespace) -> None:
    rows = options.rows or (QUICK_ROWS if options.quick else None)
    whole = split_by_group(READ[name](options.data), rows)
    split = _titles(whole)
    if name == "demo":
        wrong = _planted(whole)
    else:
        wrong = make_wrong(split.train, split.n_classes, options.targets, options.seed)
    is_wrong = wrong != split.train.labels
    noisy = with_labels(split, wrong)
    answers = logistic_out_of_fold(noisy, options.seed)
    detected = None if options.no_detector else find_wrong(noisy, options.seed)
    orders = [*_queues(noisy.train.products.titles, wrong, answers, detected), *_peers(wrong, answers)]
    n_checks = min(CHECKS, round(len(wrong) * LARGEST_SHARE))
    print(
        f"\n{name}: {len(wrong):,} rows, {split.n_classes} categories, {is_wrong.mean():.1%} wrong labels "
        f"{'planted' if name == 'demo' else f'to {options.targets} categories'}, seed {options.seed}; "
        f"the first {n_checks:,} checks\n"
        f"{'':<34}{'per 1,000':>10}{'x random':>10}{'checks':>8}"
    )
    base = 0.0
    for order in orders:
        checked = order.rows[:n_checks]
        found = float(is_wrong[checked].mean()) if len(checked) else 0.0
        base = base or found  # random comes first
        print(f"{order.name:<34}{1_000 * found:>10.0f}{found / base:>10.2f}{len(checked):>8,}", flush=True)
    print(f"{'(nothing but errors)':<34}{1_000:>10}{1 / base:>10.2f}")


def _queues(
    titles: Sequence[str], labels: NDArray[np.int64], answers: NDArray[np.float32], detected: Suspicion | None
) -> list[Order]:
    """What the campaigns really hand out, random first."""
    kinds = [CampaignOrder.RANDOM, *(order for order in CampaignOrder if order != CampaignOrder.RANDOM)]
    if detected is None:
        kinds.remove(CampaignOrder.LABEL_QUALITY)
    with tempfile.TemporaryDirectory() as folder:
        shelf = fill(Path(folder), list(titles), labels, answers, detected)
        try:
            return [Order(order.value, queue_of(shelf, order)) for order in kinds]
        finally:
            shelf.runtime.close()


def _peers(labels: NDArray[np.int64], answers: NDArray[np.float32]) -> list[Order]:
    from cleanlab.rank import get_label_quality_scores

    return [
        Order(f"cleanlab {method}", np.argsort(get_label_quality_scores(labels, answers, method=method), kind="stable"))
        for method in ("normalized_margin", "self_confidence")
    ]


if __name__ == "__main__":
    sys.exit(main())
