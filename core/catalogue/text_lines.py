"""The physical lines of a text file, with their numbers; a line that cannot be decoded comes as bytes."""

from collections import deque
from collections.abc import Iterator, Sequence

from core.catalogue.files import ByteStream, WideAsUtf8

MAX_LINE_BYTES = 4 * 2**20
NOT_KEPT = b""  # stands for a line that is too long to be kept


class TextLines:
    """Iterate over it; `number` is the line (from 1) last given. Ends with None, so that lines can be pushed back.

    A line is str without its end, bytes when it is not in the encoding, NOT_KEPT when it is too long.
    """

    def __init__(self, stream: ByteStream, encoding: str) -> None:
        wide = encoding.startswith(("utf-16", "utf-32"))
        self._source: ByteStream | WideAsUtf8 = WideAsUtf8(stream, encoding) if wide else stream
        self.encoding = "utf-8" if wide else encoding
        self.number = 0
        self._pushed: deque[str | bytes] = deque()

    def push_back(self, lines: list[str | bytes]) -> None:
        """Give these lines, the last ones given, once more."""
        self._pushed.extendleft(reversed(lines))
        self.number -= len(lines)

    def __iter__(self) -> Iterator[str | bytes | None]:
        for lines in self._chunks():
            for line in lines:
                self.number += 1
                yield line
                while self._pushed:
                    self.number += 1
                    yield self._pushed.popleft()
        while True:
            yield None
            while self._pushed:
                self.number += 1
                yield self._pushed.popleft()

    def _chunks(self) -> Iterator[Sequence[str | bytes]]:
        """The lines of about a megabyte at a time."""
        rest, too_long = b"", False
        first = self._source.read()
        is_mac = b"\r" in first and b"\n" not in first
        block = first.removeprefix(b"\xef\xbb\xbf")
        while block:
            if is_mac:
                block = block.replace(b"\r", b"\n")
            whole, newline, tail = block.rpartition(b"\n")
            if not newline:
                rest, too_long = self._grown(rest, tail, too_long)
            else:
                if too_long:
                    _, _, whole = (whole + newline).partition(b"\n")
                    yield [NOT_KEPT]
                    whole = whole.removesuffix(b"\n")
                    if whole:
                        yield self._decoded(whole)
                else:
                    yield self._decoded(rest + whole)
                rest, too_long = tail, False
            block = self._source.read()
        if too_long:
            yield [NOT_KEPT]
        elif rest:
            yield self._decoded(rest)

    def _grown(self, rest: bytes, more: bytes, too_long: bool) -> tuple[bytes, bool]:
        if too_long or len(rest) + len(more) > MAX_LINE_BYTES:
            return b"", True
        return rest + more, False

    def _decoded(self, block: bytes) -> Sequence[str | bytes]:
        try:
            text = block.decode(self.encoding)
        except UnicodeDecodeError:
            return [self._decoded_line(line) for line in block.split(b"\n")]
        if "\r" in text:
            return [line.removesuffix("\r") for line in text.split("\n")]
        return text.split("\n")

    def _decoded_line(self, line: bytes) -> str | bytes:
        try:
            return line.decode(self.encoding).removesuffix("\r")
        except UnicodeDecodeError:
            return line
