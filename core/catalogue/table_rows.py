"""Readers of Parquet and Excel workbooks, a few thousand rows in memory at a time."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from core.catalogue import own_exports, rejects
from core.catalogue.blocks import BLOCK_ROWS, Block, cell_text, record_of
from core.catalogue.columns import unique_headings
from core.catalogue.files import check_workbook
from core.catalogue.rejects import Reason, Reject
from core.errors import N_, InvalidInput, UnreadableFile


class ParquetReader:
    """See `Reader`. `wanted` limits reading to these columns; `line` is the row, from 1."""

    def __init__(self, path: Path, name: str, wanted: Sequence[str] | None = None) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            self._file = pq.ParquetFile(path, pre_buffer=False, buffer_size=2**20)
        except (pa.ArrowException, OSError) as error:
            raise UnreadableFile(
                N_("{file} is no readable Parquet file: {reason}"), file=name, reason=str(error).splitlines()[0]
            ) from None
        self._name = name
        self._names = [field for field in self._file.schema_arrow.names if wanted is None or field in wanted]
        self.headings, self.twice = unique_headings(self._names)
        self._n_rows = self._file.metadata.num_rows
        self._n_read = 0

    @property
    def fraction(self) -> float:
        return self._n_read / max(1, self._n_rows)

    def blocks(self) -> Iterator[Block]:
        import pyarrow as pa

        try:
            for batch in self._file.iter_batches(BLOCK_ROWS, columns=self._names, use_threads=False):
                columns = [[cell_text(value) for value in column.to_pylist()] for column in batch.columns]
                first = self._n_read + 1
                self._n_read += batch.num_rows
                rows: list[Sequence[str]] = list(zip(*columns, strict=True))
                yield Block(list(range(first, first + len(rows))), rows)
        except (pa.ArrowException, OSError) as error:
            raise UnreadableFile(
                N_("{file} is no readable Parquet file: {reason}"), file=self._name, reason=str(error).splitlines()[0]
            ) from None

    def close(self) -> None:
        self._file.close()


class WorkbookReader:
    """See `Reader`. The first row that is not empty holds the headings; `line` is the row of the sheet."""

    def __init__(self, path: Path, name: str, sheet: str = "") -> None:
        check_workbook(path, name)
        self._name = name
        self._book = self._guarded(lambda: _load_workbook(path))
        self.sheets: list[str] = [page.title for page in self._book.worksheets]
        if not self.sheets or (sheet and sheet not in self.sheets):
            raise InvalidInput(
                N_("{file} has no sheet '{sheet}'. It has: {sheets}."), file=name, sheet=sheet, sheets=self.sheets
            )
        page = self._book[sheet or self.sheets[0]]
        self._n_rows = page.max_row or 0
        page.reset_dimensions()  # what the file says of its size is often wrong
        self._rows: Iterator[tuple[Any, ...]] = page.iter_rows(values_only=True)
        self._number = 0
        headings = next((row for row in self._each_row() if any(row)), None)
        if headings is None:
            raise UnreadableFile(N_("{file} has nothing but blank lines."), file=name)
        while headings and not headings[-1]:
            headings.pop()
        self.headings, self.twice = unique_headings(headings)
        self._is_ours = rejects.MARK in self.headings or own_exports.is_ours(self.headings)  # saved from a CSV of ours

    @property
    def fraction(self) -> float:
        return min(1.0, self._number / max(1, self._n_rows))

    def blocks(self) -> Iterator[Block]:
        block, width = Block(), len(self.headings)
        for row in self._each_row():
            if not any(row):
                continue
            if any(row[width:]):
                reason = Reason(rejects.RAGGED, {"found": len(row), "expected": width})
                block.rejects.append(Reject(self._number, reason, record_of(self.headings, row)))
            else:
                if self._is_ours:
                    row = [rejects.restored(value) for value in row]
                block.lines.append(self._number)
                block.rows.append((row + [""] * width)[:width])
            if block.n_read == BLOCK_ROWS:
                yield block
                block = Block()
        if block.n_read:
            yield block

    def _each_row(self) -> Iterator[list[str]]:
        while True:
            row = self._guarded(lambda: next(self._rows, None))
            if row is None:
                return
            self._number += 1
            yield [cell_text(value) for value in row]

    def _guarded(self, step: Any) -> Any:
        """What `step` gives; whatever a broken workbook makes of the XML parser is an UnreadableFile."""
        import zipfile
        import zlib
        from xml.etree.ElementTree import ParseError

        from openpyxl.utils.exceptions import InvalidFileException

        try:
            return step()
        except (
            InvalidFileException,
            ParseError,
            zipfile.BadZipFile,
            zlib.error,
            KeyError,
            ValueError,
            TypeError,
            EOFError,
            OSError,
        ):
            raise UnreadableFile(N_("{file} is damaged: it is no Excel workbook."), file=self._name) from None

    def close(self) -> None:
        self._book.close()


def _load_workbook(path: Path) -> Any:
    from openpyxl import load_workbook

    return load_workbook(path, read_only=True, data_only=True)
