"""Opens any file that can be imported, as a `Reader`: what it is, is told by its name and its first bytes."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.catalogue import own_exports
from core.catalogue.blocks import Reader
from core.catalogue.delimited_rows import DelimitedReader
from core.catalogue.encodings import (
    SAMPLE_BYTES,
    check_delimiter,
    check_encoding,
    check_text,
    detect_delimiter,
    detect_encoding,
)
from core.catalogue.files import ByteStream, check_file, file_format, seekable
from core.catalogue.import_options import ImportOptions
from core.catalogue.json_rows import JsonLinesReader
from core.catalogue.table_rows import ParquetReader, WorkbookReader
from core.catalogue.text_lines import TextLines
from core.errors import N_, InvalidInput

TEXT_FORMATS = {"csv", "tsv", "jsonl"}


@dataclass(frozen=True)
class FileShape:
    """What a file is: chosen in the options, else detected. `encoding` and `delimiter` are '' where there is none."""

    format: str
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""


def detect_shape(path: Path, options: ImportOptions | None = None) -> FileShape:
    """How to read this file. Raises UnreadableFile when it cannot be, InvalidInput for an impossible option."""
    options = options or ImportOptions()
    check_file(path)
    kind = file_format(path)
    _refuse_what_has_no_effect(path, kind, options)
    if kind not in TEXT_FORMATS:
        return FileShape(kind, sheet=options.sheet)
    check_text(path, options.encoding)
    encoding = check_encoding(options.encoding) if options.encoding else detect_encoding(path, kind == "jsonl")
    if kind == "jsonl":
        return FileShape(kind, encoding)
    if options.delimiter:
        return FileShape(kind, encoding, check_delimiter(options.delimiter))
    start = _start(path, encoding)
    if start.startswith(own_exports.MARK + ","):
        return FileShape(kind, encoding, ",")
    return FileShape(kind, encoding, detect_delimiter(start, "\t" if kind == "tsv" else ","))


def _refuse_what_has_no_effect(path: Path, kind: str, options: ImportOptions) -> None:
    """A delimiter for a workbook, a sheet of a CSV: whoever gives one expects something of it."""
    given = {
        "sheet": options.sheet if kind != "xlsx" else "",
        "delimiter": options.delimiter if kind not in ("csv", "tsv") else "",
        "encoding": options.encoding if kind not in TEXT_FORMATS else "",
    }
    for name, value in given.items():
        if value:
            raise InvalidInput(
                N_("{file} is {format}: the option '{option}' means nothing there. Leave it out."),
                file=path.name,
                format=kind.upper(),
                option=name,
            )


def _start(path: Path, encoding: str) -> str:
    """The first lines of a text file."""
    with closing(ByteStream(path)) as stream:
        lines: list[str] = []
        n_chars = 0
        for line in TextLines(stream, encoding):
            if line is None or n_chars > SAMPLE_BYTES // 4 or len(lines) > 60:
                break
            if isinstance(line, str):
                lines.append(line)
                n_chars += len(line)
        return "\n".join(lines) + "\n"


@contextmanager
def open_reader(path: Path, shape: FileShape, wanted: Sequence[str] | None = None) -> Iterator[Reader]:
    """The rows of a file. `wanted` names the only columns needed, where leaving out others saves reading.

    Raises UnreadableFile here or while reading.
    """
    if shape.format in TEXT_FORMATS:
        with closing(ByteStream(path)) as stream:
            if shape.format == "jsonl":
                yield JsonLinesReader(stream, shape.encoding)
            else:
                yield DelimitedReader(stream, shape.encoding, shape.delimiter)
        return
    with seekable(path) as plain:
        if shape.format == "parquet":
            with closing(ParquetReader(plain, path.name, wanted)) as table:
                yield table
        else:
            with closing(WorkbookReader(plain, path.name, shape.sheet)) as book:
                yield book
