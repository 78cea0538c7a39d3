"""Labels made wrong on purpose, the same for the same seed, and Korean rows to do it to."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.catalogues import Catalogue, Split
from models.noise.text_space import TextSpace
from models.types import LabeledProducts

SHARE = 0.15
_TARGETS = (0.6, 0.25, 0.15)  # of a category's wrong labels go to its first, second, third target


def make_wrong(rows: LabeledProducts, n_classes: int, targets: str, seed: int) -> NDArray[np.int64]:
    """Labels (N,) of which about 15 % are wrong, by category: each has a rate and three targets of its own.

    `targets` are 'any' categories, drawn once, or the most 'similar' ones by the centres of their titles.
    """
    chance, labels = np.random.default_rng(seed), rows.labels
    counts = np.bincount(labels, minlength=n_classes)
    rates = chance.beta(2, 2 / SHARE - 2, n_classes)
    rates = np.minimum(rates * SHARE / (rates @ counts / counts.sum()), 0.6)
    alike = _likeness(rows, n_classes) if targets == "similar" else None
    wrong = labels.copy()
    for kind in range(n_classes):
        others = np.delete(np.arange(n_classes), kind)
        chosen = chance.permutation(others)[:3] if alike is None else np.argsort(-alike[kind], kind="stable")[:3]
        members = np.flatnonzero(labels == kind)
        hit = members[chance.random(len(members)) < rates[kind]]
        shares = np.asarray(_TARGETS[: len(chosen)])
        wrong[hit] = chance.choice(chosen, len(hit), p=shares / shares.sum())
    return wrong


def _likeness(rows: LabeledProducts, n_classes: int) -> NDArray[np.float64]:
    from models.noise.text_space import _centres

    centres = _centres(TextSpace(rows.products).rows, rows.labels, np.ones(len(rows), np.float32), n_classes)
    found = np.asarray((centres @ centres.T).todense(), np.float64)
    np.fill_diagonal(found, -1)
    return found


def with_labels(split: Split, labels: NDArray[np.int64]) -> Split:
    return replace(split, train=replace(split.train, labels=labels))


def read_demo(data: Path) -> Catalogue:
    """The demo's Korean titles with their true categories; made, not real."""
    from core.catalogue.demo.making import make_products

    rows = make_products(6_000)
    return Catalogue(
        "demo",
        "mall category",
        [row.title for row in rows],
        [row.mall_category or "" for row in rows],
        [" > ".join(row.truth) for row in rows],
    )


def read_naver(data: Path) -> Catalogue:
    """Short Korean titles made of the names of NAVER's categories: hard, for many names stand under several parents.

    A title is the leaf's name or a part of it with words of its path or of other leaves. 200 leaves, 60 to 120 rows
    each with a long tail; made, not real.
    """
    chance = np.random.default_rng(20261120)
    with (data / "naver-categories" / "naver_categories.csv").open(encoding="utf-8", newline="") as file:
        paths = [row["wholeCategoryName"].split(">") for row in csv.DictReader(file) if row["last"] == "True"]
    paths = [paths[place] for place in np.sort(chance.permutation(len(paths))[:200])]
    words = sorted({word for path in paths for name in path for word in name.split("/")})
    titles, categories = [], []
    for place, path in enumerate(paths):
        sibling = [other[-1] for other in paths if other[:2] == path[:2] and other != path]
        for _ in range(int(20 + 6_000 / (place % 50 + 20))):
            names = path[-1].split("/")
            parts = [str(chance.choice(names))] if chance.random() < 0.7 else []
            parts += [str(chance.choice(path[:-1]))] if chance.random() < 0.5 or not parts else []
            parts += [str(chance.choice(sibling))] if sibling and chance.random() < 0.25 else []
            parts += [str(word) for word in chance.choice(words, chance.integers(1, 4))]
            chance.shuffle(parts)
            titles.append(" ".join(parts))
            categories.append(" > ".join(path))
    return Catalogue("naver names", "", titles, [""] * len(titles), categories)
