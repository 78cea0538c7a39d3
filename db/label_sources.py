"""Who gave a product its label, as a condition: written once, because gold counts as checked by people too."""

from typing import Any

import sqlalchemy as sa

from db.enums import CHECKED_BY_PEOPLE, LabelSource


def is_checked(label_source: Any) -> sa.ColumnElement[bool]:
    """A person gave the label; false, never unknown, of a product without a label."""
    said = sa.or_(*(label_source == source for source in CHECKED_BY_PEOPLE))  # IN (...) is not for many rows at once
    return sa.func.coalesce(said, sa.false())


def outranks(label_source: Any) -> sa.ColumnElement[int]:
    """Of a product's labels the one of the highest rank counts: gold 2, human 1, import 0."""
    return sa.case((label_source == LabelSource.GOLD, 2), (label_source == LabelSource.HUMAN, 1), else_=0)
