"""Rows that could not be taken: what is kept of them, and the CSV to mend and import again."""

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from core.errors import N_

MAX_KEPT = 10_000  # characters of one value; the file itself still has the rest
MARK = "reject_reason"  # a file with this heading is one of ours, mended
HEADINGS = ("reject_file", "reject_line", "reject_column", "reject_value", MARK)
FORMULA = re.compile(
    r"'*[=+\-@\t\r\n＝＋－＠]"
)  # what a spreadsheet runs; with apostrophes, what looks like one of ours


@dataclass(frozen=True)
class Reason:
    """Why, as a sentence for people, with its values: can be said in another language."""

    template: str
    values: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.template.format(**self.values) if self.values else self.template


@dataclass(frozen=True)
class Reject:
    """A row of the file that was not imported. `line` is the line in the file, or the row where it has no lines."""

    line: int
    reason: Reason
    record: dict[str, str]  # heading -> what stood there, as far as it could be told
    column: str | None = None
    value: str | None = None


RAGGED = N_("The row has {found} fields, the heading has {expected}.")
BROKEN_QUOTES = N_("The quotation marks do not close as they should.")
NOT_DECODED = N_("These bytes are not {encoding}: {bytes}.")
TOO_LONG_LINE = N_("The line is longer than {limit:,} bytes.")
NOT_JSON = N_("This is not JSON: {reason} at character {at}. The line must be one whole object with named values.")
NOT_AN_OBJECT = N_("This is JSON, but no object with named values.")
HAS_NUL = N_("The value holds NUL bytes: the file is damaged here.")
NO_TITLE = N_("The title is empty.")
TOO_LONG = N_("The value has {found:,} characters; {limit:,} are possible.")
NOT_A_PRICE = N_("'{value}' is not a price.")
PRICE_RANGE = N_("A price lies between 0 and 999,999,999,999.99.")
NOT_A_DATE = N_("'{value}' is not a date.")
WHICH_DATE = N_("'{value}' may be day/month or month/day: choose the order of dates.")
UNKNOWN_CODE = N_("The taxonomy file has no category with the code '{value}'.")
NOT_IN_TREE = N_(
    "No leaf of the category tree has the code '{value}'. Import with the file that explains the codes "
    "(a taxonomy; --taxonomy FILE), or leave this column out."
)
TWICE = N_("The same product stands further up in this file, with other values.")


def for_storage(text: str) -> str:
    """Text that both databases can hold: no NUL, no lone surrogate, of bounded length."""
    if len(text) > MAX_KEPT:
        text = text[:MAX_KEPT] + "…"
    if not text.isprintable():
        text = text.replace("\0", "␀").encode("utf-8", "replace").decode("utf-8")
    return text


def neutralised(text: str) -> str:
    """Text that a spreadsheet does not run as a formula: an apostrophe before it, also before one of its own."""
    return "'" + text if FORMULA.match(text) else text


def restored(text: str) -> str:
    """What `neutralised` was given."""
    return text[1:] if text.startswith("'") and FORMULA.match(text) else text


def rejects_csv(
    file_name: str, rejects: Iterator[Reject], headings: list[str], words: Callable[[Reason], str] = str
) -> Iterator[str]:
    """The rejects as CSV text, a part at a time: five columns that say what is wrong, then the row as it was."""
    names = [*HEADINGS, *headings]
    yield _csv_line(names)
    for reject in rejects:
        facts = (file_name, str(reject.line), reject.column or "", (reject.value or "")[:200], words(reject.reason))
        yield _csv_line([*facts, *(reject.record.get(heading, "") for heading in headings)])


def _csv_line(values: list[str]) -> str:
    line = StringIO()
    csv.writer(line, lineterminator="\r\n").writerow([neutralised(value) for value in values])
    return line.getvalue()
