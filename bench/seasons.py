"""Months evened out or not, judged on the next month: train on all that came before, answer what comes in month m.

The same model learns the same rows twice: each row counting 1, and each weighing by its month of the year
(`core.curation.seasons`). Titles of month m that stood in the training rows are not judged. Catalogues: heissepreise by
the day a product was first seen, alone and with a stock of products whose day is not known; the demo's 24 months as
they are, and as a shop that grows by a third a month, where the last months crowd out the year before.
"""

import argparse
import csv
import gzip
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.catalogues import DATA
from core.catalogue.demo.making import make_products
from core.curation.seasons import month_weights
from core.training.intervals import paired_difference_interval
from models.family import fit_model
from models.tokenizer import normalise
from models.types import FitTask, LabeledProducts, Products

LEAST = 50  # judged rows of a month
STOCK = 10_000  # products without a known day
DEMO_ROWS = 6_000
MONTHS = 6  # the last ones are judged
GROWTH = 4 / 3  # a month
FIRST_KNOWN = 202306  # before that the scraper began, and saw everything on its first days
CONFIG: dict[str, dict[str, object]] = {"ngrams": {"costs": (0.7,)}, "joint": {"epochs": 8}}


@dataclass(frozen=True)
class Dated:
    """Products in the order they came; `months` are year x 100 + month, 0 where nobody knows."""

    name: str
    titles: list[str]
    fields: list[str]
    categories: list[str]
    months: NDArray[np.int64]

    def take(self, name: str, rows: NDArray[np.int64]) -> "Dated":
        at = rows.tolist()
        titles, fields, categories = ([column[i] for i in at] for column in (self.titles, self.fields, self.categories))
        return Dated(name, titles, fields, categories, self.months[rows])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with heissepreise/")
    parser.add_argument("--encoder", choices=list(CONFIG), default="ngrams")
    parser.add_argument("--only", default="", help="only catalogues whose name begins so")
    parser.add_argument("--quick", action="store_true", help="the demo with 2,000 products, two months: does it run?")
    options = parser.parse_args(arguments)
    print(f"{'':<46}{'rows':>7}{'judged':>8}{'P@1 plain':>11}{'evened':>9}{'difference, 95 %':>24}{'CPU s':>8}")
    for catalogue in catalogues(options.data, options.quick):
        if not catalogue.name.startswith(options.only):
            continue
        months = [month for month in judged_months(catalogue) if month][-2 if options.quick else -MONTHS :]
        compare(catalogue, months, options.encoder)
    return 0


def catalogues(data: Path, quick: bool) -> Iterator[Dated]:
    if not quick and (data / "heissepreise").is_dir():
        found = read_heissepreise(data)
        known = np.flatnonzero(found.months)
        stock = np.flatnonzero(found.months == 0)
        drawn = np.random.default_rng(7).permutation(stock)[:STOCK]
        yield found.take("heissepreise, days known", known)
        yield found.take(f"heissepreise, {STOCK:,} of unknown day besides", np.sort(np.concatenate([known, drawn])))
    demo = read_demo(2_000 if quick else DEMO_ROWS)
    yield demo
    yield demo.take(f"demo, growing by {GROWTH - 1:.0%} a month", growing(demo.months))


def read_heissepreise(data: Path) -> Dated:
    with gzip.open(data / "heissepreise" / "products_labelled.csv.gz", "rt", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["category_code"]]
    months = np.array([int(row["first_seen"][:6]) for row in rows])
    months[(months < FIRST_KNOWN) | (months > 202402)] = 0  # one shop's later file has one day for all
    return Dated(
        "heissepreise",
        [row["name"] for row in rows],
        [f"{row['store']} > {row['unit']}" for row in rows],
        [row["category_code"] for row in rows],
        months,
    )


def read_demo(n: int) -> Dated:
    made = make_products(n)
    return Dated(
        "demo, as registered",
        [product.title for product in made],
        [product.mall_category or "" for product in made],
        [" > ".join(product.truth) for product in made],
        np.array([product.registered_at.year * 100 + product.registered_at.month for product in made]),
    )


def growing(months: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places of the rows that a growing shop would have had: each month 1 / `GROWTH` of the next."""
    order = {month: place for place, month in enumerate(sorted(set(months.tolist()), reverse=True))}
    chance = np.array([GROWTH ** -order[month] for month in months.tolist()])
    kept: NDArray[np.int64] = np.flatnonzero(np.random.default_rng(7).random(len(months)) < chance)
    return kept


def judged_months(catalogue: Dated) -> list[int]:
    """Months with enough rows, and two months at least before them."""
    months, counts = np.unique(catalogue.months[catalogue.months > 0], return_counts=True)
    return [int(month) for month, n in zip(months[2:], counts[2:], strict=True) if n >= LEAST]


def compare(catalogue: Dated, months: list[int], encoder: str) -> None:
    plain_right, evened_right, rows, seconds = [], [], 0, 0.0
    for month in months:
        began = time.process_time()
        plain, evened, n_train = judge(catalogue, month, encoder)
        seconds += time.process_time() - began
        line(f"{catalogue.name}: {month}", n_train, plain, evened, time.process_time() - began)
        plain_right.append(plain)
        evened_right.append(evened)
        rows += n_train
    if months:
        all_plain, all_evened = np.concatenate(plain_right), np.concatenate(evened_right)
        line(f"{catalogue.name}: all", rows, all_plain, all_evened, seconds)


def line(name: str, n_train: int, plain: NDArray[np.bool_], evened: NDArray[np.bool_], seconds: float) -> None:
    both, only_plain, only_evened = (plain & evened).sum(), (plain & ~evened).sum(), (~plain & evened).sum()
    neither = len(plain) - both - only_plain - only_evened
    low, high = paired_difference_interval(int(both), int(only_plain), int(only_evened), int(neither))
    change = f"{evened.mean() - plain.mean():+.4f} ({low:+.3f} to {high:+.3f})"
    print(
        f"{name:<46}{n_train:>7,}{len(plain):>8,}{plain.mean():>11.4f}{evened.mean():>9.4f}{change:>24}{seconds:>8.1f}",
        flush=True,
    )


def judge(catalogue: Dated, month: int, encoder: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_], int]:
    """Which rows of the month are answered right by the plain and by the evened model, (n,) each; training rows."""
    keys = np.array([normalise(title, 500) for title in catalogue.titles])
    before = np.flatnonzero(catalogue.months < month)  # what has no month was there before
    known = {category: place for place, category in enumerate(sorted({catalogue.categories[row] for row in before}))}
    seen = set(keys[before].tolist())
    coming = [row for row in np.flatnonzero(catalogue.months == month).tolist() if keys[row] not in seen]
    held_out = before[np.random.default_rng(3).random(len(before)) < 0.1]  # for choosing and calibrating
    learned = np.setdiff1d(before, held_out)

    def part(rows: NDArray[np.int64]) -> LabeledProducts:
        at = rows.tolist()
        products = Products(
            [catalogue.titles[i] for i in at], [catalogue.fields[i] for i in at], [""] * len(at), np.ones(len(at), "f4")
        )
        labels = np.array([known.get(catalogue.categories[i], -1) for i in at], np.int64)
        return LabeledProducts(products, labels, np.ones(len(at), np.float32))

    train, validation, test = part(learned), part(held_out), part(np.asarray(coming, np.int64))
    days = [datetime(m // 100, m % 100, 1, tzinfo=UTC) if m else None for m in catalogue.months[learned].tolist()]
    right = []
    for weights in (train.weights, month_weights(days)):
        with tempfile.TemporaryDirectory() as folder:
            task = FitTask(
                replace(train, weights=weights),
                validation,
                np.arange(len(known), dtype=np.int64),
                CONFIG[encoder] | {"seed": 7},
                "cpu",
                Path(folder),
                on_progress=lambda progress: None,
            )
            ids, _ = fit_model(encoder, task).predict_top(test.products, 1)
        right.append(ids[:, 0] == test.labels)
    return right[0], right[1], len(learned)


if __name__ == "__main__":
    sys.exit(main())
