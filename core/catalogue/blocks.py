"""What readers give: rows of a file in blocks of one size, with the rows that could not be read."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from core.catalogue.rejects import Reject, for_storage

BLOCK_ROWS = 4_000  # a block is one short transaction; a change of this number is harmless


@dataclass
class Block:
    """Rows as text, in the order of the headings, each with its line in the file."""

    lines: list[int] = field(default_factory=list)
    rows: list[Sequence[str]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)

    @property
    def n_read(self) -> int:
        return len(self.rows) + len(self.rejects)


class Reader(Protocol):
    """A file open for reading. `fraction` in 0..1 is how far it is read; `twice` are headings that stood twice."""

    headings: list[str]
    twice: list[str]

    @property
    def fraction(self) -> float: ...

    def blocks(self) -> Iterator[Block]:
        """All rows, BLOCK_ROWS at a time. Can be gone through once. Raises UnreadableFile where the file breaks off."""
        ...


def record_of(headings: Sequence[str], row: Sequence[str]) -> dict[str, str]:
    """A row as it is kept with a reject."""
    return {heading: for_storage(value) for heading, value in zip(headings, row, strict=False)}


def cell_text(value: Any) -> str:
    """A typed cell (JSON, Parquet, Excel) as the text that a CSV would have."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list | tuple):
        return " > ".join(cell_text(part) for part in value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
