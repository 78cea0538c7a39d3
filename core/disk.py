"""A full disk, said in one sentence."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import N_, AppError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# what libraries make of it: safetensors, torch, SQLite and PostgreSQL hand down a text, not the number
FULL_WORDS = (
    "no space left",
    "file too large",
    "disk quota",
    "is full",
    "failed writing file",
    "disk full",
    "disk i/o error",
)


class DiskFull(AppError):
    """There is no room left on the disk."""


@contextmanager
def room_on_disk(folder: Path) -> Iterator[None]:
    """Turn whatever a full disk raises inside the block into DiskFull, naming the folder. Other errors pass."""
    try:
        yield
    except AppError:
        raise
    except Exception as error:
        if not is_disk_full(error):
            raise
        raise DiskFull(
            N_("There is no room left on the disk of {folder}. Make room and start again: {reason}"),
            folder=folder,
            reason=str(error).splitlines()[0] if str(error) else type(error).__name__,
        ) from error


def is_disk_full(error: BaseException | None) -> bool:
    """Is a full disk behind this error, or behind what caused it?"""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return True
        if any(words in str(error).lower() for words in FULL_WORDS):
            return True
        error = error.__cause__ or error.__context__
    return False
