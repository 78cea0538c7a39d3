"""Writers of CSV, JSON lines and Parquet: a part of the rows at a time, hashed while it is written."""

import csv
import hashlib
import io
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from core.catalogue.rejects import neutralised

Columns = Sequence[Sequence[Any]]

# What a column holds; all others hold text. 'json' is a list of {category, probability}, 'list' one of texts.
KINDS = {
    "shelfwright_id": "int",
    "decision_id": "int",
    "label_id": "int",
    "undoes_id": "int",
    "copied_from_id": "int",
    "edit_id": "int",
    "carried_from_id": "int",
    "suggestion_rank": "int",
    "fold": "int",
    "seconds_spent": "float",
    "confidence": "float",
    "margin": "float",
    "weight": "float",
    "mall_weight": "float",
    "is_undone": "bool",
    "is_void": "bool",
    "is_current": "bool",
    "is_blind": "bool",
    "is_gold_check": "bool",
    "hard_to_predict": "bool",
    "price": "price",
    "created_at": "time",
    "registered_at": "time",
    "labeled_at": "time",
    "suggestions": "json",
    "alternatives": "list",
}


class HashedFile(io.RawIOBase):
    """A new file that knows the SHA-256 and the number of the bytes written to it."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")
        self.sha256 = hashlib.sha256()
        self.n_bytes = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.sha256.update(data)
        self.n_bytes += memoryview(data).nbytes
        return self._file.write(data)

    def flush(self) -> None:
        if not self._file.closed:
            self._file.flush()

    def flush_to_disk(self) -> None:
        """What was written survives a power cut from here on."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()
        super().close()


class Writer(Protocol):
    """Takes rows as columns in the order of the names; `end` writes what belongs at the end of the file."""

    def write(self, columns: Columns) -> None: ...

    def end(self) -> None: ...


def open_writer(format: str, file: HashedFile, names: Sequence[str]) -> Writer:
    """A writer of 'csv', 'jsonl' or 'parquet'."""
    makers: dict[str, Callable[[HashedFile, Sequence[str]], Writer]] = {
        "csv": _CsvWriter,
        "jsonl": _JsonLinesWriter,
        "parquet": _ParquetWriter,
    }
    return makers[format](file, names)


class _CsvWriter:
    """UTF-8 with a byte order mark, for spreadsheets; texts that one would run as a formula start with an apostrophe,
    which the import takes off again."""

    def __init__(self, file: HashedFile, names: Sequence[str]) -> None:
        self._file = file
        self._kinds = [KINDS.get(name, "text") for name in names]
        file.write(b"\xef\xbb\xbf")
        self._write([tuple(names)])

    def write(self, columns: Columns) -> None:
        cells = [self._cells(kind, column) for kind, column in zip(self._kinds, columns, strict=True)]
        self._write(zip(*cells, strict=True))

    def _cells(self, kind: str, column: Sequence[Any]) -> Sequence[Any]:
        if kind == "text":
            return [neutralised(cell) if cell else cell for cell in column]
        if kind == "bool":
            return [None if cell is None else "true" if cell else "false" for cell in column]
        if kind in ("json", "list"):
            return [None if cell is None else json.dumps(cell, ensure_ascii=False) for cell in column]
        return column

    def _write(self, rows: Any) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerows(rows)
        self._file.write(text.getvalue().encode())

    def end(self) -> None:
        pass


class _JsonLinesWriter:
    """One object a line, all names in each; what is not known is null."""

    def __init__(self, file: HashedFile, names: Sequence[str]) -> None:
        self._file = file
        self._names = list(names)
        self._encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode

    def write(self, columns: Columns) -> None:
        cells = [
            [None if cell is None else float(cell) for cell in column] if KINDS.get(name) == "price" else column
            for name, column in zip(self._names, columns, strict=True)
        ]
        names, encode = self._names, self._encode
        lines = [encode(dict(zip(names, row, strict=True))) for row in zip(*cells, strict=True)]
        self._file.write(("\n".join(lines) + "\n").encode() if lines else b"")

    def end(self) -> None:
        pass


class _ParquetWriter:
    """Typed columns: times in UTC, prices as decimals, suggestions as lists."""

    def __init__(self, file: HashedFile, names: Sequence[str]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        suggestion = pa.struct([("category", pa.string()), ("probability", pa.float64())])
        types = {
            "int": pa.int64(),
            "float": pa.float64(),
            "bool": pa.bool_(),
            "price": pa.decimal128(14, 2),
            "time": pa.timestamp("us", "UTC"),
            "json": pa.list_(suggestion),
            "list": pa.list_(pa.string()),
            "text": pa.string(),
        }
        self._schema = pa.schema([(name, types[KINDS.get(name, "text")]) for name in names])
        self._writer = pq.ParquetWriter(pa.PythonFile(file, mode="w"), self._schema, compression="zstd")

    def write(self, columns: Columns) -> None:
        import pyarrow as pa

        arrays = []
        for field, column in zip(self._schema, columns, strict=True):
            by_text = pa.types.is_timestamp(field.type) or pa.types.is_decimal(field.type)
            array = pa.array(column, pa.string() if by_text else field.type)
            arrays.append(array.cast(field.type) if by_text else array)
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def end(self) -> None:
        self._writer.close()
