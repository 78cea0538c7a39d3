"""Reader of CSV and TSV that goes on after a broken row: strict about quotes, exact about lines."""

import csv
from collections.abc import Iterator

from core.catalogue import own_exports, rejects
from core.catalogue.blocks import BLOCK_ROWS, Block, record_of
from core.catalogue.columns import unique_headings
from core.catalogue.files import ByteStream
from core.catalogue.rejects import MARK, Reason, Reject, for_storage, restored
from core.catalogue.text_lines import MAX_LINE_BYTES, NOT_KEPT, TextLines
from core.catalogue.values import MAX_TEXT
from core.errors import N_, UnreadableFile

MAX_RECORD_LINES = 100  # a quoted value may go over so many lines
MAX_RECORD_CHARS = 1_000_000


class DelimitedReader:
    """See `Reader`. The first line that is not blank holds the headings."""

    def __init__(self, stream: ByteStream, encoding: str, delimiter: str) -> None:
        self._stream = stream
        self._delimiter = delimiter
        self._encoding = encoding
        self._text = TextLines(stream, encoding)
        self._lines = iter(self._text)
        self._width = 0
        self.headings, self.twice = unique_headings(self._read_headings())
        self._width = len(self.headings)
        # A file of rejects, mended, or an export: undo what kept the spreadsheet from running values as formulas.
        self._is_ours = MARK in self.headings or own_exports.is_ours(self.headings)

    @property
    def fraction(self) -> float:
        return self._stream.fraction

    def _read_headings(self) -> list[str]:
        for line in self._lines:
            if line is None:
                break
            if isinstance(line, bytes):
                raise UnreadableFile(
                    N_("The headings of {file} are not in {encoding}: choose another encoding."),
                    file=self._stream.name,
                    encoding=self._encoding,
                )
            if line.strip(" \t\0"):
                fields = self._split(line)
                if isinstance(fields, Reason):
                    raise UnreadableFile(
                        N_("The headings of {file} cannot be read: {reason}"), file=self._stream.name, reason=fields
                    )
                return fields
        raise UnreadableFile(N_("{file} has nothing but blank lines."), file=self._stream.name)

    def blocks(self) -> Iterator[Block]:
        block, width, delimiter = Block(), self._width, self._delimiter
        for line in self._lines:
            if line is None:
                break
            number = self._text.number
            if type(line) is str and '"' not in line:
                fields: list[str] | Reason = line.split(delimiter)
            else:
                fields = self._split(line)
            if isinstance(fields, Reason):
                block.rejects.append(self._reject(number, line, fields))
            elif not any(fields):
                continue  # a blank line, or one of nothing but delimiters
            elif len(fields) < width or (len(fields) > width and any(fields[width:])):
                reason = Reason(rejects.RAGGED, {"found": len(fields), "expected": width})
                block.rejects.append(self._reject(number, line, reason))
            else:
                if self._is_ours:
                    fields = [restored(value) for value in fields]
                block.lines.append(number)
                block.rows.append(fields[:width] if len(fields) > width else fields)
            if block.n_read >= BLOCK_ROWS:
                yield block
                block = Block()
        if block.n_read:
            yield block

    def _split(self, line: str | bytes) -> list[str] | Reason:
        """The fields of the record that starts with `line`, or why it has none."""
        if isinstance(line, bytes):
            return self._undecoded(line)
        taken: list[str | bytes] = []
        text = line
        while True:
            fields, is_open = self._parse(text)
            if fields is not None and not (taken and self._swallows_rows(fields, line, taken)):
                return fields
            more = self._until_quote(taken, len(text)) if is_open else None
            if more is None:
                self._text.push_back(taken)
                if len(text) > csv.field_size_limit():
                    return Reason(rejects.TOO_LONG, {"found": len(text), "limit": MAX_TEXT})
                return Reason(rejects.BROKEN_QUOTES)
            text += more

    def _swallows_rows(self, fields: list[str], first: str, taken: list[str | bytes]) -> bool:
        """Whether a value over several lines is rather two broken rows and what stands between them."""
        if not self._width:
            return False
        signs = [line.count(self._delimiter) for line in (first, *taken) if isinstance(line, str)]
        return len(fields) != self._width or (self._width > 2 and all(n == self._width - 1 for n in signs))

    def _parse(self, text: str) -> tuple[list[str] | None, bool]:
        """(fields or None, whether a quoted value is still open at the end)."""
        try:
            return next(csv.reader([text], delimiter=self._delimiter, strict=True)), False
        except csv.Error as error:
            return None, "unexpected end" in str(error)

    def _until_quote(self, taken: list[str | bytes], n_chars: int) -> str | None:
        """The next lines up to one with a quotation mark, added to `taken`; None when the value goes on too long."""
        more: list[str] = []
        while len(taken) < MAX_RECORD_LINES and n_chars < MAX_RECORD_CHARS:
            line = next(self._lines)
            if line is None:
                return None
            taken.append(line)
            if isinstance(line, bytes):
                return None
            more.append("\n" + line)
            n_chars += len(line)
            if '"' in line:
                return "".join(more)
        return None

    def _undecoded(self, line: bytes) -> Reason:
        if line is NOT_KEPT:
            return Reason(rejects.TOO_LONG_LINE, {"limit": MAX_LINE_BYTES})
        try:
            line.decode(self._text.encoding)
        except UnicodeDecodeError as error:
            wrong = line[error.start : error.start + 4].hex(" ")
            return Reason(rejects.NOT_DECODED, {"encoding": self._encoding, "bytes": wrong})
        raise AssertionError("only lines that do not decode come as bytes")

    def _reject(self, number: int, line: str | bytes, reason: Reason) -> Reject:
        """The row as well as it can be told, and the line itself as the value."""
        text = line.decode(self._text.encoding, "backslashreplace") if isinstance(line, bytes) else line
        fields = [field.strip('"') for field in text.split(self._delimiter)]
        return Reject(number, reason, record_of(self.headings, fields), value=for_storage(text))
