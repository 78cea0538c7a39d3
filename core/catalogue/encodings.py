"""In which encoding and with which delimiter a text file was written, from a sample of it."""

import csv
from collections import Counter
from pathlib import Path

from core.catalogue.files import ByteStream
from core.errors import N_, InvalidInput, UnreadableFile

ENCODINGS = ("utf-8", "cp949", "utf-16", "cp1252", "shift_jis", "gb18030")  # offered for choosing
DELIMITERS = (",", "\t", ";", "|")
SAMPLE_BYTES = 512 * 1024  # enough for the delimiter and for a plain guess
SEARCH_BYTES = 32 * 2**20  # how far to look for the first letters outside ASCII
ENOUGH_LINES = 2_000  # lines with letters outside ASCII that settle the encoding
WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
OTHERS = ["cp1252", "cp1250", "cp1251", "shift_jis", "euc_jp", "gb18030", "big5"]  # as charset-normalizer names them
MAX_NUL_SHARE = 0.05


def detect_encoding(path: Path, is_json: bool = False) -> str:
    """The encoding of a text file, as Python names it. Raises UnreadableFile when it cannot be read.

    UTF-8 when nearly all lines are; then CP949 (which holds EUC-KR) when they read as Korean; then what
    charset-normalizer says. A few broken lines do not change the answer: they become rejected rows.
    """
    stream = ByteStream(path)
    try:
        start = stream.read(SAMPLE_BYTES)
        if start.startswith(WIDE_MARKS):
            return "utf-16"
        if start.startswith(b"\xef\xbb\xbf"):
            return "utf-8"
        return _encoding_of(_foreign_lines(start) or _later_foreign_lines(stream), is_json)
    finally:
        stream.close()


def _later_foreign_lines(stream: ByteStream) -> list[bytes]:
    """The first lines with bytes outside ASCII, searched for a good while."""
    n_read = 0
    try:
        while n_read < SEARCH_BYTES and (block := stream.read()):
            n_read += len(block)
            if not block.isascii():
                return _foreign_lines(block)
    except UnreadableFile:
        return []  # it breaks off later: the import says so when it gets there
    return []


def check_text(path: Path, encoding: str = "") -> None:
    """Raise UnreadableFile for a file that cannot be text."""
    stream = ByteStream(path)
    try:
        start = stream.read(SAMPLE_BYTES)
    finally:
        stream.close()
    is_wide = start.startswith(WIDE_MARKS) or encoding.startswith(("utf-16", "utf-32"))
    if not is_wide and start.count(0) > MAX_NUL_SHARE * len(start):
        raise UnreadableFile(N_("{file} is not text: it is full of NUL bytes."), file=path.name)


def _foreign_lines(block: bytes) -> list[bytes]:
    """The whole lines with bytes outside ASCII; the first and last may be cut, so they count only alone."""
    lines = block.split(b"\n")
    return [line for line in (lines[:-1] or lines) if not line.isascii()]


def _encoding_of(lines: list[bytes], is_json: bool) -> str:
    lines = lines[:ENOUGH_LINES]
    if _share_decoded(lines, "utf-8") >= 0.8:
        return "utf-8"
    if _share_decoded(lines, "cp949") >= 0.8 and _hangul_share(lines) > 0.3:
        return "cp949"
    if is_json:
        return "utf-8"  # as the standard says
    from charset_normalizer import from_bytes

    sample = b"\n".join(lines)[: 64 * 1024]
    best = from_bytes(sample, cp_isolation=OTHERS).best()
    if best and str(best) == sample.decode("cp1252", "replace"):
        return "cp1252"  # the most usual of those that read the same
    return best.encoding if best else "utf-8"


def _share_decoded(lines: list[bytes], encoding: str) -> float:
    """0..1: how many lines are right in this encoding; 1 where there are none."""
    return sum(_decodes(line, encoding) for line in lines) / len(lines) if lines else 1.0


def _decodes(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _hangul_share(lines: list[bytes]) -> float:
    """0..1: how many of the letters outside ASCII are the 2,350 common Korean syllables (EUC-KR has no others)."""
    foreign = [char for char in b"\n".join(lines).decode("euc_kr", "replace") if not char.isascii()]
    return sum("가" <= char <= "힣" for char in foreign) / max(1, len(foreign))


def check_encoding(encoding: str) -> str:
    """The encoding as Python names it. Raises InvalidInput when there is none of that name."""
    import codecs

    try:
        name = codecs.lookup(encoding.strip()).name
        "".encode(name)
    except (LookupError, ValueError):
        raise InvalidInput(N_("There is no encoding named '{encoding}'."), encoding=encoding) from None
    return "utf-8" if name == "utf-8-sig" else "cp949" if name == "euc_kr" else name


def detect_delimiter(sample: str, usual: str = ",") -> str:
    """The delimiter that cuts the first lines into the most columns of one number; `usual` when none does."""
    lines = sample.split("\n")[:60]
    lines = [line for line in (lines[:-1] or lines) if line.strip() and len(line) < 20_000]
    best, best_score = usual, (0.0, 0)
    for delimiter in dict.fromkeys((usual, *DELIMITERS)):
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter))
        width, n_rows = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
        score = (round(n_rows / max(1, sum(widths.values())), 1), width)
        if width > 1 and score > best_score:
            best, best_score = delimiter, score
    return best


def check_delimiter(delimiter: str) -> str:
    """One character; 'tab' and '\\t' are understood. Raises InvalidInput."""
    plain = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}.get(delimiter.lower(), delimiter)
    if len(plain) != 1 or plain in '"\r\n\0' or plain.isalnum():
        raise InvalidInput(N_("A delimiter is one character such as , ; | or tab, not '{delimiter}'."), delimiter=plain)
    return plain
