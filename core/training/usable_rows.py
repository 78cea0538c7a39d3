"""Whether rows can be trained on at all, said before the fit begins, and what is odd about them."""

from collections.abc import Callable
from itertools import chain

from core.errors import N_, TooFewLabels
from core.training.learning_rows import LearningRows, Rows
from models.tokenizer import normalise
from models.types import Products

MIN_TRAIN_ROWS = 20
MAX_CHARACTERS = 500  # of a text that is looked at


def check_rows(rows: LearningRows) -> None:
    """Raises TooFewLabels with the reason when there is too little, or nothing to tell categories apart."""
    n_train = len(rows.train.labeled)
    if len(rows.class_ids) == 1 and n_train >= MIN_TRAIN_ROWS:
        raise TooFewLabels(
            N_("All {n} products to train on are of one category. A model needs at least two to tell apart."), n=n_train
        )
    if n_train < MIN_TRAIN_ROWS or len(rows.class_ids) < 2:
        raise TooFewLabels(
            N_("{n} products in {n_categories} categories are too few to train on: label at least {least} in two."),
            n=n_train,
            n_categories=len(rows.class_ids),
            least=MIN_TRAIN_ROWS,
        )
    if not _has_evidence(rows.train.labeled.products):
        raise TooFewLabels(
            N_("None of the {n} titles to train on has a word left after cleaning, and nothing else is known of them."),
            n=n_train,
        )
    if not len(rows.test.labeled) or not len(rows.validation.labeled):
        raise TooFewLabels(
            N_("With {n} labeled products none fell into the test or the validation fold. Label some more."), n=n_train
        )


def tell_oddities(rows: Rows, log: Callable[[str], None]) -> None:
    """Lines in the log: titles that cleaning and exclusion rules left empty, labels that are all of one source."""
    n_empty = sum(map(_is_empty, rows.labeled.products.titles))
    if n_empty:
        log(f"{n_empty:,} of {len(rows):,} titles to train on have no word left after cleaning.")
    if not any(rows.is_human):
        log("All labels to train on are imported: how well people's decisions are met cannot be told.")
    elif all(rows.is_human):
        log("All labels to train on are people's decisions.")


def _is_empty(text: str) -> bool:
    return not normalise(text, MAX_CHARACTERS)


def _has_evidence(products: Products) -> bool:
    """Whether any product has a word in any field, or an image. Most first titles have one, so this is quick."""
    if products.images is not None and products.images.present.any():
        return True
    texts = chain(products.titles, products.mall_categories, products.brands)
    return any(not _is_empty(text) for text in texts)
