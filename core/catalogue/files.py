"""Opening a file from outside as a stream of bytes: what it is, how far it is read, and no zip bombs."""

import codecs
import gzip
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from core.errors import N_, UnreadableFile

FORMATS = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
}
BOMB_BYTES = 64 * 2**20  # below this much unpacked nothing is a bomb
BOMB_RATIO = 200  # text packs 5 to 50 times; more than this is made to fill a disk
MAX_SHARED_STRINGS = 192 * 2**20  # openpyxl keeps them all in memory
READ_BYTES = 2**20


def file_format(path: Path) -> str:
    """'csv', 'tsv', 'jsonl', 'parquet' or 'xlsx', by the name, with or without .gz. Raises UnreadableFile."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    found = FORMATS.get(suffixes[-1]) if suffixes else None
    if found is None:
        raise UnreadableFile(
            N_("{file} is none of the files that can be imported: CSV, TSV, JSONL, Parquet, XLSX, each also as .gz."),
            file=path.name,
        )
    return found


def check_file(path: Path) -> None:
    """Raise UnreadableFile for what is no readable file with something in it."""
    if path.is_dir():
        raise UnreadableFile(N_("{file} is a folder, not a file."), file=path.name or str(path))
    try:
        with path.open("rb") as file:
            first = file.read(2)
    except FileNotFoundError:
        raise UnreadableFile(N_("There is no file {file}."), file=str(path)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableFile(N_("{file} cannot be opened: {reason}"), file=path.name, reason=reason) from None
    if not first:
        raise UnreadableFile(N_("{file} is empty."), file=path.name)


class ByteStream:
    """Bytes of a file, unpacked on the way. `fraction` tells how much of the file (as it lies there) is read."""

    def __init__(self, path: Path) -> None:
        check_file(path)
        self.name = path.name
        self._size = path.stat().st_size
        self._raw = path.open("rb")
        packed = self._raw.read(2) == b"\x1f\x8b"
        self._raw.seek(0)
        self._file: BinaryIO = gzip.GzipFile(fileobj=self._raw) if packed else self._raw  # type: ignore[assignment]
        self._packed = packed
        self._n_read = 0

    @property
    def fraction(self) -> float:
        return min(1.0, self._raw.tell() / max(1, self._size))

    def read(self, n_bytes: int = READ_BYTES) -> bytes:
        """The next bytes, b'' at the end. Raises UnreadableFile when the packing is broken, cut off, or a bomb."""
        try:
            block = self._file.read(n_bytes)
        except EOFError:
            raise UnreadableFile(
                N_("{file} ends too early: it was cut off while it was written or copied."), file=self.name
            ) from None
        except (gzip.BadGzipFile, zlib.error):
            raise UnreadableFile(N_("{file} is damaged: it cannot be unpacked."), file=self.name) from None
        self._n_read += len(block)
        if self._packed and self._n_read > BOMB_BYTES and self._n_read > BOMB_RATIO * self._raw.tell():
            raise UnreadableFile(
                N_(
                    "{file} unpacks to more than {ratio} times its size: this looks like a zip bomb, so it is not read."
                ),
                file=self.name,
                ratio=BOMB_RATIO,
            )
        return block

    def close(self) -> None:
        self._file.close()
        self._raw.close()


class WideAsUtf8:
    """A UTF-16 or UTF-32 stream read as UTF-8, so that lines can be cut at a byte."""

    def __init__(self, stream: ByteStream, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")

    def read(self, n_bytes: int = READ_BYTES) -> bytes:
        while block := self._stream.read(n_bytes):
            text = self._decoder.decode(block)
            if text:
                return text.encode("utf-8", "replace")
        return self._decoder.decode(b"", final=True).encode("utf-8", "replace")


@contextmanager
def seekable(path: Path) -> Iterator[Path]:
    """A plain file for readers that jump about: a .gz is unpacked beside the system's other temporary files."""
    check_file(path)
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    if not packed:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="shelfwright-") as folder:
        target = Path(folder) / "unpacked"
        stream = ByteStream(path)
        try:
            with target.open("wb") as file:
                shutil.copyfileobj(stream, file, READ_BYTES)
        finally:
            stream.close()
        yield target


def check_workbook(path: Path, name: str) -> None:
    """Raise UnreadableFile for a workbook that is no zip, is made to fill a disk, or would fill the memory."""
    try:
        with zipfile.ZipFile(path) as book:
            parts = book.infolist()
    except (zipfile.BadZipFile, OSError):
        raise UnreadableFile(N_("{file} is damaged: it is no Excel workbook."), file=name) from None
    unpacked, packed = sum(part.file_size for part in parts), sum(part.compress_size for part in parts)
    if unpacked > BOMB_BYTES and unpacked > BOMB_RATIO * packed:
        raise UnreadableFile(
            N_("{file} unpacks to more than {ratio} times its size: this looks like a zip bomb, so it is not read."),
            file=name,
            ratio=BOMB_RATIO,
        )
    if any(part.filename.endswith("sharedStrings.xml") and part.file_size > MAX_SHARED_STRINGS for part in parts):
        raise UnreadableFile(
            N_("{file} is too large for an Excel workbook: save it as CSV and import that."), file=name
        )
