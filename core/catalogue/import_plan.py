"""Looking at a file before it is imported: its shape, its headings, its first rows, and how they would map."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.catalogue import own_exports
from core.catalogue.blocks import Block
from core.catalogue.columns import (
    check_columns,
    detect_decimal_comma,
    detect_separator,
    is_taxonomy,
    looks_like_code,
    propose_columns,
)
from core.catalogue.import_options import ImportOptions
from core.catalogue.readers import FileShape, detect_shape, open_reader
from core.catalogue.rejects import Reason, Reject
from core.catalogue.rows import RowMapper
from core.errors import N_, InvalidInput

PREVIEW_ROWS = 20

ONLY_HEADINGS = N_("{file} has headings, but no rows.")
STANDS_TWICE = N_("The heading '{heading}' stands more than once; from the second on it is called '{heading} (2)' ...")
HOLDS_CODES = N_(
    "The column '{heading}' seems to hold category codes: with a taxonomy file they become names; without one, "
    "rows whose code no leaf of the category tree has are rejected."
)


@dataclass(frozen=True)
class Plan:
    """How a file would be imported. `options` are complete; `rows` are its first ones, as text."""

    path: Path
    shape: FileShape
    headings: list[str]
    options: ImportOptions
    rows: list[Sequence[str]]
    notes: list[Reason]
    is_taxonomy: bool
    sheets: list[str]  # of a workbook
    n_tried: int  # rows that were read for this look at the file ...
    bad: list[Reject]  # ... and those that would be rejected


def plan_import(path: Path, given: ImportOptions, remembered: ImportOptions | None = None) -> Plan:
    """Look at the start of a file. What is not given is taken as remembered if the file fits, else detected.

    Raises UnreadableFile, or InvalidInput when an option is impossible. A missing title is no error here.
    """
    shape = detect_shape(path, given)
    if remembered:
        shape = _as_remembered(shape, given, remembered)
        given = replace(given, date_order=given.date_order or remembered.date_order)
    with open_reader(path, shape) as reader:
        first = next(iter(reader.blocks()), Block())
        headings, twice, sheets = reader.headings, reader.twice, getattr(reader, "sheets", [])
    if not first.n_read:
        raise InvalidInput(ONLY_HEADINGS, file=path.name)
    if own_exports.is_products(headings) and not given.columns:
        given, remembered = replace(given, **own_exports.options()), None
    columns = _columns(headings, given, remembered)
    options = _completed(replace(given, columns=columns), remembered, headings, first)
    notes = [Reason(STANDS_TWICE, {"heading": heading}) for heading in twice]
    notes += [Reason(own_exports.NOTE)] if options.is_export else []
    category = columns.get("category", ())
    if len(category) == 1 and looks_like_code(category[0]) and not options.taxonomy:
        notes.append(Reason(HOLDS_CODES, {"heading": category[0]}))
    return Plan(
        path=path,
        shape=shape,
        headings=headings,
        options=options,
        rows=first.rows[:PREVIEW_ROWS],
        notes=notes,
        is_taxonomy=is_taxonomy(headings),
        sheets=sheets,
        n_tried=first.n_read,
        bad=_bad_rows(headings, options, first),
    )


def _bad_rows(headings: Sequence[str], options: ImportOptions, first: Block) -> list[Reject]:
    """Which of the first rows would be rejected. Codes are not looked up here: that needs the taxonomy file."""
    names = {name for names in options.columns.values() for name in names}
    if not options.columns.get("title") or not names <= set(headings):
        return first.rejects
    _, bad = RowMapper(headings, options, source="").convert(first)
    return bad


def _as_remembered(shape: FileShape, given: ImportOptions, remembered: ImportOptions) -> FileShape:
    """What somebody chose by hand last time; but what is plainly UTF-8 or UTF-16 stays that."""
    if remembered.encoding and not given.encoding and shape.encoding not in ("", "utf-8", "utf-16"):
        shape = replace(shape, encoding=remembered.encoding)
    if remembered.delimiter and not given.delimiter and shape.delimiter:
        shape = replace(shape, delimiter=remembered.delimiter)
    return shape


def check_plan(plan: Plan) -> None:
    """Raise InvalidInput, in a sentence, when the plan lacks a title column or names one that is not there."""
    if plan.is_taxonomy and not plan.options.columns.get("title"):
        raise InvalidInput(
            N_(
                "{file} holds a category tree and no products. Import it on the Taxonomy page or with "
                "`cli.py import --taxonomy {file}`."
            ),
            file=plan.path.name,
        )
    check_columns(plan.options.columns, plan.headings)


def _columns(
    headings: Sequence[str], given: ImportOptions, remembered: ImportOptions | None
) -> dict[str, tuple[str, ...]]:
    """Each field as given (empty: not mapped), else as remembered if the file has it, else as proposed."""
    columns = dict(given.columns)
    taken = {name for names in columns.values() for name in names}
    sources: list[Mapping[str, tuple[str, ...]]] = [remembered.columns if remembered else {}]
    sources.append(_with_codes(propose_columns(headings), headings, bool(given.taxonomy)))
    for source in sources:
        for field, names in source.items():
            if field not in columns and set(names) <= set(headings) - taken:
                columns[field] = names
                taken |= set(names)
    return columns


def _with_codes(
    proposal: dict[str, tuple[str, ...]], headings: Sequence[str], has_taxonomy: bool
) -> dict[str, tuple[str, ...]]:
    """With a taxonomy file the category is the column of codes."""
    code = next((heading for heading in headings if looks_like_code(heading)), None)
    return proposal | {"category": (code,)} if has_taxonomy and code else proposal


def _completed(
    options: ImportOptions, remembered: ImportOptions | None, headings: Sequence[str], first: Block
) -> ImportOptions:
    """The options with separator and decimal sign filled in."""

    def cells(field: str) -> Iterable[str]:
        place = list(headings).index(names[0]) if (names := options.columns.get(field)) and names[0] in headings else -1
        return [row[place] for row in first.rows] if place >= 0 else []

    changes: dict[str, Any] = {}
    if options.separator is None:
        kept = remembered.separator if remembered and remembered.columns == options.columns else None
        changes["separator"] = kept if kept is not None else detect_separator(cells("category"))
    if options.decimal_comma is None:
        changes["decimal_comma"] = detect_decimal_comma(cells("price"))
    return replace(options, **changes)
