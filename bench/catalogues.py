"""Real catalogues for benches, split the same way in every run: near-identical titles never cross."""

import csv
import gzip
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.tokenizer import normalise
from models.types import LabeledProducts, Products

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
TEST_PERCENT, VALIDATION_PERCENT = 15, 10


@dataclass(frozen=True)
class Catalogue:
    """Titles, what else is known of each product, and its category."""

    name: str
    fields: str  # what `others` holds
    titles: list[str]
    others: list[str]
    categories: list[str]


@dataclass(frozen=True)
class Split:
    """The three parts, and how many held-out rows had to go because training has none of their category."""

    train: LabeledProducts
    validation: LabeledProducts
    test: LabeledProducts
    n_classes: int
    n_unknown: int
    categories: tuple[str, ...] = ()  # the classes' names, in the order of the labels


def split_by_group(catalogue: Catalogue, rows: int | None) -> Split:
    """Test, validation and training rows by a hash of the title's normal form: the same in every run."""
    keys = np.array([_percent(normalise(title, 500)) for title in catalogue.titles])
    chosen = np.arange(len(keys))
    if rows is not None and rows < len(chosen):
        chosen = np.sort(np.random.default_rng(7).permutation(chosen)[:rows])
    keys = keys[chosen]
    in_test = keys >= 100 - TEST_PERCENT
    in_validation = ~in_test & (keys >= 100 - TEST_PERCENT - VALIDATION_PERCENT)
    in_train = ~in_test & ~in_validation
    known = sorted({catalogue.categories[row] for row in chosen[in_train]})
    places = {category: place for place, category in enumerate(known)}
    labels = np.array([places.get(catalogue.categories[row], -1) for row in chosen], np.int64)

    def part(mask: NDArray[np.bool_]) -> LabeledProducts:
        mask = mask & (labels >= 0)
        texts = Products(
            [catalogue.titles[row] for row in chosen[mask]],
            [catalogue.others[row] for row in chosen[mask]],
            [""] * int(mask.sum()),
        )
        return LabeledProducts(texts, labels[mask], np.ones(int(mask.sum()), np.float32))

    return Split(part(in_train), part(in_validation), part(in_test), len(known), int((labels < 0).sum()), tuple(known))


def _percent(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") % 100


def titles_only(part: LabeledProducts) -> LabeledProducts:
    nothing = [""] * len(part)
    return LabeledProducts(Products(part.products.titles, nothing, nothing), part.labels, part.weights)


def read_heissepreise(data: Path) -> Catalogue:
    """German supermarket products; the shop's own category is not in this data, its name and the unit are."""
    with gzip.open(data / "heissepreise" / "products_labelled.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return _catalogue("heissepreise", "shop and unit", file, "name", ("store", "unit"), ("category_code",))


def read_mercadona(data: Path) -> Catalogue:
    """Spanish supermarket products in three levels, many small leaves."""
    with (data / "mercadona" / "productos.csv").open(encoding="utf-8", newline="") as file:
        levels = ("categoria_L1", "categoria_L2", "categoria_L3")
        return _catalogue("mercadona", "packaging", file, "nombre", ("packaging",), levels)


def _catalogue(
    name: str, fields: str, file: Iterable[str], title: str, others: tuple[str, ...], levels: tuple[str, ...]
) -> Catalogue:
    rows = list(csv.DictReader(file))
    return Catalogue(
        name,
        fields,
        [row[title] for row in rows],
        [" > ".join(row[other] for other in others) for row in rows],
        [" > ".join(row[level] for level in levels) for row in rows],
    )


CATALOGUES = {"heissepreise": read_heissepreise, "mercadona": read_mercadona}
