"""The mapping that comes with a new version of a taxonomy: old path (or code) -> new path (or code), one row each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.catalogue.blocks import record_of
from core.catalogue.columns import detect_separator
from core.catalogue.import_options import ImportOptions
from core.catalogue.readers import detect_shape, open_reader
from core.catalogue.rejects import Reason, Reject, for_storage
from core.catalogue.taxonomy import Names, clean_path
from core.errors import N_, InvalidInput

OLD_HEADINGS = ("src", "source", "old", "from", "before", "old path", "old_path", "from_path", "이전", "기존", "원본")
NEW_HEADINGS = (
    "dst",
    "destination",
    "target",
    "new",
    "to",
    "after",
    "new path",
    "new_path",
    "to_path",
    "이후",
    "변경",
    "새",
)
MAX_ROWS = 400_000
NO_OLD = N_("This row does not say which old category it is about.")


@dataclass(frozen=True)
class MappingRow:
    """`old` and `new` as paths; a single name may be a code. No `new`: the category is gone."""

    line: int
    old: Names
    new: Names | None


@dataclass
class MappingFile:
    """The rows of a mapping in the file's order, and those that cannot be understood."""

    rows: list[MappingRow] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    headings: Sequence[str] = ()


def read_mapping(path: Path, options: ImportOptions | None = None) -> MappingFile:
    """Read a mapping file of any format that can be imported.

    Raises UnreadableFile, or InvalidInput when it has no columns for old and new, too many rows or none.
    """
    mapping = MappingFile()
    with open_reader(path, detect_shape(path, options)) as reader:
        mapping.headings = reader.headings
        old, new = find_mapping_columns(path.name, reader.headings)
        separators: tuple[str, str] | None = None
        for block in reader.blocks():
            mapping.rejects.extend(block.rejects)
            if separators is None:
                separators = _separator(block.rows, old), _separator(block.rows, new)
            for line, row in zip(block.lines, block.rows, strict=True):
                try:
                    mapping.rows.append(_row(line, row[old], row[new], separators))
                except InvalidInput as error:
                    record = record_of(reader.headings, row)
                    reason = Reason(error.template, error.values)
                    mapping.rejects.append(Reject(line, reason, record, reader.headings[old], for_storage(row[old])))
            if len(mapping.rows) > MAX_ROWS:
                raise InvalidInput(N_("{file} has more than {limit:,} rows."), file=path.name, limit=MAX_ROWS)
    if not mapping.rows and not mapping.rejects:
        raise InvalidInput(N_("{file} has headings and no rows."), file=path.name)
    return mapping


def find_mapping_columns(file_name: str, headings: Sequence[str]) -> tuple[int, int]:
    """The places of the old and the new category: by their headings, or simply the two columns there are."""
    plain = [heading.strip().casefold() for heading in headings]
    old = next((plain.index(name) for name in OLD_HEADINGS if name in plain), None)
    new = next((plain.index(name) for name in NEW_HEADINGS if name in plain), None)
    if old is not None and new is not None:
        return old, new
    if len(headings) == 2:
        return 0, 1
    raise InvalidInput(
        N_(
            "{file} needs a column with the old category and one with the new, such as src and dst. It has: {headings}."
        ),
        file=file_name,
        headings=", ".join(headings[:40]),
    )


def _separator(rows: Sequence[Sequence[str]], place: int) -> str:
    return detect_separator(row[place] for row in rows)


def _row(line: int, old: str, new: str, separators: tuple[str, str]) -> MappingRow:
    if not old.strip():
        raise InvalidInput(NO_OLD)
    return MappingRow(line, _names(old, separators[0]), _names(new, separators[1]) if new.strip() else None)


def _names(text: str, separator: str) -> Names:
    return clean_path(part.strip() for part in (text.split(separator) if separator else [text]))
