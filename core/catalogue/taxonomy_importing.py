"""Taxonomy files alone: any of the import formats in, categories out; a bad row is a record."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from core.catalogue.blocks import record_of
from core.catalogue.columns import detect_separator
from core.catalogue.import_options import ImportOptions
from core.catalogue.readers import detect_shape, open_reader
from core.catalogue.rejects import Reason, Reject, for_storage
from core.catalogue.taxonomy import Growth, Names, clean_path, grow_taxonomy
from core.catalogue.taxonomy_columns import TaxonomyColumns, find_columns
from core.errors import N_, InvalidInput
from core.jobs.context import JobContext
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.people import add_audit

MAX_CATEGORIES = 200_000  # more than any shop has: it is a file of products
CHUNK = 4_000  # categories in one transaction
MAX_RESULT_REJECTS = 200  # kept with a job; the file itself has the rest

GAP = N_("The level above '{name}' is empty.")
CODE_TWICE = N_("The same path stands on line {line} with the code '{code}'.")
NO_ENGLISH = N_("The English path has {found} levels, the path has {expected}.")


@dataclass(frozen=True)
class TaxonomyOptions:
    """Empty means: detect it. `language` chooses the names where a file has them in several ('ko', 'en', 'ja')."""

    language: str = ""
    separator: str | None = None
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""


@dataclass(frozen=True)
class TaxonomyImport:
    """What an import did. `counts` are whole numbers, but for `seconds`."""

    counts: dict[str, int | float]
    rejects: list[Reject]


@dataclass
class TreeFile:
    """The good rows of a file: path -> English path (or none) and code (or none)."""

    paths: dict[Names, int] = field(default_factory=dict)  # -> line
    english: dict[Names, Names] = field(default_factory=dict)
    codes: dict[Names, str] = field(default_factory=dict)
    by_code: dict[str, Names] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    n_rows: int = 0


def import_taxonomy_file(
    runtime: Runtime, actor: Actor, path: Path, options: TaxonomyOptions | None = None
) -> dict[str, int | float]:
    """Make the categories of a file that are missing, and fill in English names and codes. Returns counts.

    Raises UnreadableFile or InvalidInput for a file that is no taxonomy, Forbidden. Done twice it changes nothing.
    """
    return load_taxonomy_file(runtime, actor, path, options).counts


def load_taxonomy_file(
    runtime: Runtime,
    actor: Actor,
    path: Path,
    options: TaxonomyOptions | None = None,
    file_name: str | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> TaxonomyImport:
    """`import_taxonomy_file`, with the rejected rows. `file_name` is what people call an uploaded file."""
    authorize(actor, Action.EDIT_TAXONOMY)
    started = time.perf_counter()
    nodes = read_tree(path, options or TaxonomyOptions())
    n_created = n_updated = n_done = 0
    for chunk in _chunks(nodes.paths):
        growth = _grow(runtime, nodes, chunk)
        n_created += growth.n_created
        n_updated += growth.n_updated
        n_done += len(chunk)
        if on_progress:
            on_progress(n_done / len(nodes.paths))
    counts: dict[str, int | float] = {
        "rows_read": nodes.n_rows,
        "rows_imported": nodes.n_rows - len(nodes.rejects),
        "categories_created": n_created,
        "categories_updated": n_updated,
        "categories_unchanged": max(0, len(nodes.paths) - n_created - n_updated),
        "rows_rejected": len(nodes.rejects),
        "seconds": round(time.perf_counter() - started, 3),
    }
    if n_created or n_updated:
        with runtime.sessions.write() as session:
            after = {"file": file_name or path.name, **counts}
            add_audit(session, utc_now(), actor.person_id, "import_taxonomy", "taxonomy", after=after)
    return TaxonomyImport(counts, nodes.rejects)


def read_taxonomy_codes(path: Path, options: TaxonomyOptions | None = None) -> dict[str, Names]:
    """Code -> path, for products whose category is a code. Raises InvalidInput when the file has no codes."""
    nodes = read_tree(path, options or TaxonomyOptions())
    if not nodes.by_code:
        raise InvalidInput(N_("{file} has no column with category codes (such as code or id)."), file=path.name)
    return nodes.by_code


def run_taxonomy_job(context: JobContext) -> dict[str, Any]:
    """The job 'import_taxonomy': payload `path`, perhaps `file_name` and `options`. Safe to run twice."""
    payload = context.payload
    result = load_taxonomy_file(
        context.runtime,
        context.actor,
        Path(payload["path"]),
        TaxonomyOptions(**payload.get("options", {})),
        payload.get("file_name"),
        lambda share: context.report(share, "categories"),
    )
    rejects = [
        {"line": reject.line, "column": reject.column, "value": reject.value, "reason": str(reject.reason)}
        for reject in result.rejects[:MAX_RESULT_REJECTS]
    ]
    return {**result.counts, "rejects": rejects}


def _grow(runtime: Runtime, nodes: TreeFile, chunk: list[Names]) -> Growth:
    with runtime.sessions.write() as session:
        return grow_taxonomy(
            session,
            chunk,
            utc_now(),
            {path: nodes.english[path] for path in chunk if path in nodes.english},
            {path: nodes.codes[path] for path in chunk if path in nodes.codes},
        )


def _chunks(paths: dict[Names, int]) -> Iterator[list[Names]]:
    remaining = iter(paths)
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk


def read_tree(path: Path, options: TaxonomyOptions) -> TreeFile:
    """All good rows of a taxonomy file, and the bad ones. Raises UnreadableFile or InvalidInput."""
    shape = detect_shape(
        path, ImportOptions(encoding=options.encoding, delimiter=options.delimiter, sheet=options.sheet)
    )
    nodes = TreeFile()
    with open_reader(path, shape) as reader:
        columns = find_columns(path.name, reader.headings, options.language)
        separators: tuple[str, str] | None = None
        for block in reader.blocks():
            nodes.rejects.extend(block.rejects)
            nodes.n_rows += block.n_read
            if separators is None:
                separators = _separators(columns, block.rows, options.separator)
            for line, row in zip(block.lines, block.rows, strict=True):
                reject = _take(nodes, columns, separators, line, row)
                if reject:
                    reason, place = reject
                    value = for_storage(row[place])
                    record = record_of(reader.headings, row)
                    nodes.rejects.append(Reject(line, reason, record, reader.headings[place], value))
            if len(nodes.paths) > MAX_CATEGORIES:
                raise InvalidInput(
                    N_("{file} has more than {limit:,} categories. Is it a file of products?"),
                    file=path.name,
                    limit=MAX_CATEGORIES,
                )
    if not nodes.n_rows:
        raise InvalidInput(N_("{file} has headings and no rows."), file=path.name)
    return nodes


def _separators(columns: TaxonomyColumns, rows: Sequence[Sequence[str]], given: str | None) -> tuple[str, str]:
    """What cuts the path and the English path into levels; '' where nothing does."""
    if given is not None:
        return given, given
    first, english = columns.path[0], columns.english[0] if columns.english else columns.path[0]
    return detect_separator(row[first] for row in rows), detect_separator(row[english] for row in rows)


def _split(row: Sequence[str], places: tuple[int, ...], separator: str) -> tuple[str, ...]:
    if len(places) == 1 and separator:
        return tuple(part.strip() for part in row[places[0]].split(separator))
    return tuple(row[place].strip() for place in places)


def _take(
    nodes: TreeFile, columns: TaxonomyColumns, separators: tuple[str, str], line: int, row: Sequence[str]
) -> tuple[Reason, int] | None:
    """Add a row to `nodes`; the reason and the place of the column when that cannot be."""
    names = _split(row, columns.path, separators[0])
    filled = [bool(name) for name in names]
    if False in filled[: sum(filled)]:
        last = max(place for place, is_filled in enumerate(filled) if is_filled)
        return Reason(GAP, {"name": for_storage(names[last])[:80]}), columns.path[min(last, len(columns.path) - 1)]
    try:
        path = clean_path(names)
    except InvalidInput as error:
        return Reason(error.template, error.values), columns.path[0]
    code = row[columns.code].strip() if columns.code is not None else ""
    if code:
        nodes.by_code[code] = path
    known = nodes.codes.get(path)
    if code and known and code != known:
        return Reason(CODE_TWICE, {"line": nodes.paths[path], "code": known}), columns.path[0]
    nodes.paths.setdefault(path, line)
    if code:
        nodes.codes[path] = code
    english = tuple(filter(None, _split(row, columns.english, separators[1]))) if columns.english else ()
    if english and len(english) != len(path):
        return Reason(NO_ENGLISH, {"found": len(english), "expected": len(path)}), columns.english[0]
    if english:
        nodes.english.setdefault(path, english)
    return None
