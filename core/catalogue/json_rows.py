"""Reader of JSON lines: one object a line, its names are the headings."""

import json
from collections.abc import Iterator
from typing import Any

from core.catalogue import rejects
from core.catalogue.blocks import BLOCK_ROWS, Block, cell_text, record_of
from core.catalogue.files import ByteStream
from core.catalogue.rejects import Reason, Reject, for_storage
from core.catalogue.text_lines import MAX_LINE_BYTES, NOT_KEPT, TextLines

Parsed = list[tuple[int, dict[str, str] | Reject]]


class JsonLinesReader:
    """See `Reader`. The names of the first block of objects are the headings; nested names are joined by a point."""

    def __init__(self, stream: ByteStream, encoding: str) -> None:
        self._stream = stream
        self._encoding = encoding
        self._text = TextLines(stream, encoding)
        self._lines = iter(self._text)
        self._first = self._read()
        names = (name for _, found in self._first if isinstance(found, dict) for name in found)
        self.headings = list(dict.fromkeys(names))
        self.twice: list[str] = []

    @property
    def fraction(self) -> float:
        return self._stream.fraction

    def blocks(self) -> Iterator[Block]:
        parsed = self._first
        while parsed:
            block = Block()
            for number, found in parsed:
                if isinstance(found, Reject):
                    block.rejects.append(found)
                else:
                    block.lines.append(number)
                    block.rows.append([found.get(heading, "") for heading in self.headings])
            yield block
            parsed = self._read()

    def _read(self) -> Parsed:
        """The next block of lines; empty at the end."""
        parsed: Parsed = []
        for line in self._lines:
            if line is None or (line and line.isspace()):
                if line is None:
                    break
                continue
            if line == "":
                continue
            parsed.append((self._text.number, self._parse(line)))
            if len(parsed) == BLOCK_ROWS:
                break
        return parsed

    def _parse(self, line: str | bytes) -> dict[str, str] | Reject:
        if line is NOT_KEPT:
            return self._reject(line, Reason(rejects.TOO_LONG_LINE, {"limit": MAX_LINE_BYTES}))
        if isinstance(line, bytes):
            return self._reject(line, Reason(rejects.NOT_DECODED, {"encoding": self._encoding, "bytes": _wrong(line)}))
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            at, reason = getattr(error, "pos", 0) + 1, getattr(error, "msg", "nested too deep")
            return self._reject(line, Reason(rejects.NOT_JSON, {"at": at, "reason": reason}))
        if not isinstance(value, dict):
            return self._reject(line, Reason(rejects.NOT_AN_OBJECT))
        return _flat(value)

    def _reject(self, line: str | bytes, reason: Reason) -> Reject:
        text = line.decode("utf-8", "backslashreplace") if isinstance(line, bytes) else line
        return Reject(self._text.number, reason, record_of([], []), value=for_storage(text))


def _wrong(line: bytes) -> str:
    """Where the first byte that is not UTF-8 stands."""
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        return line[error.start : error.start + 4].hex(" ")
    return line[:4].hex(" ")


def _flat(value: dict[str, Any]) -> dict[str, str]:
    """{"price": {"amount": 3}} as {"price.amount": "3"}."""
    flat: dict[str, str] = {}
    for name, part in value.items():
        if isinstance(part, dict):
            flat |= {f"{name}.{inner}": cell_text(item) for inner, item in part.items()}
        else:
            flat[name] = cell_text(part)
    return flat
