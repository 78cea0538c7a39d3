"""Files that we wrote ourselves, known by their headings: an export of products comes back as it was."""

from collections.abc import Sequence
from typing import Any

from core.errors import N_

MARK = "shelfwright_id"  # stands in every table that we export
SOURCE, LABEL_SOURCE = "source", "label_source"
COLUMNS: dict[str, tuple[str, ...]] = {
    name: (name,)
    for name in (
        "title",
        "external_id",
        "category",
        "mall",
        "mall_category",
        "brand",
        "price",
        "image",
        "registered_at",
    )
}
EXTRA = (MARK, SOURCE, LABEL_SOURCE)  # read beside the fields of a product
DEFAULT_SOURCE = "shelfwright"  # of the import as a whole: each product has its own
NOTE = N_("An export of Shelfwright: each product keeps the source and the id that it had.")


def is_ours(headings: Sequence[str]) -> bool:
    return MARK in headings


def is_products(headings: Sequence[str]) -> bool:
    """Whether these are the headings of an export of products."""
    return {*COLUMNS, *EXTRA} <= set(headings)


def options() -> dict[str, Any]:
    """How an export of products is read: nothing about it is guessed."""
    return {
        "columns": dict(COLUMNS),
        "separator": " > ",
        "decimal_comma": False,
        "date_order": "",
        "no_category": (),
        "is_export": True,
    }
