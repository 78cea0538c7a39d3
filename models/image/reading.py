"""Many image files to pictures in worker processes: in order, bounded memory, and a killed worker stops nobody."""

import hashlib
import multiprocessing
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.image.decode import MAX_FILE_BYTES, ImageStatus, read_square

FILES_AT_ONCE = 16  # handed to a worker together
FEW_FILES = 48  # read in this process: starting another takes longer
WAITING_PER_WORKER = 3  # hand-outs under way; bounds the memory


class FilePicture(NamedTuple):
    """What a file came to. `hash` is the SHA-256 of its bytes; none when it could not be read at all."""

    status: ImageStatus
    hash: str | None
    pixels: NDArray[np.uint8] | None  # (side, side, 3); none when there is no picture


def read_files(files: Sequence[str | Path], side: int, n_workers: int | None = None) -> Iterator[list[FilePicture]]:
    """The pictures of `files` in order, some at a time; each stretched to (side, side, 3).

    `n_workers` processes (none: one a core) decode; few files are read right here. When a worker is killed, its files
    are read again one by one, and one that kills its worker again counts as broken.
    """
    chunks = [[str(path) for path in files[i : i + FILES_AT_ONCE]] for i in range(0, len(files), FILES_AT_ONCE)]
    if len(files) <= FEW_FILES or n_workers == 0:
        yield from (read_chunk(chunk, side) for chunk in chunks)
        return
    with _Readers(n_workers or usable_cores(), side) as readers:
        yield from readers.read(chunks)


def usable_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def read_chunk(files: Sequence[str], side: int) -> list[FilePicture]:
    """The pictures of a few files, in this process."""
    return [read_file(path, side) for path in files]


def read_file(path: str, side: int) -> FilePicture:
    """The picture of a file. Never raises for what is in it or that it is gone."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError):
        return FilePicture(ImageStatus.MISSING, None, None)
    status, pixels = read_square(content, side)
    return FilePicture(status, hashlib.sha256(content).hexdigest(), pixels)


class _Readers:
    """The worker processes. They start afresh, not forked: a fork beside running threads may hang."""

    def __init__(self, n_workers: int, side: int) -> None:
        self._n_workers, self._side = n_workers, side
        self._pool = _start(n_workers)

    def __enter__(self) -> "_Readers":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def read(self, chunks: list[list[str]]) -> Iterator[list[FilePicture]]:
        """The pictures of each chunk, in order."""
        to_come = iter(chunks)
        waiting: deque[tuple[list[str], Future[list[FilePicture]]]] = deque()
        while True:
            try:
                for chunk in islice(to_come, WAITING_PER_WORKER * self._n_workers - len(waiting)):
                    waiting.append((chunk, _failed()))  # stays so when the pool is broken already
                    waiting[-1] = chunk, self._pool.submit(read_chunk, chunk, self._side)
                if not waiting:
                    return
                found = waiting[0][1].result()
            except BrokenProcessPool:
                self._pool.shutdown(wait=False, cancel_futures=True)
                yield from self._read_again(waiting)
                waiting.clear()
                self._pool = _start(self._n_workers)
            else:
                waiting.popleft()
                yield found

    def _read_again(
        self, waiting: Iterable[tuple[list[str], Future[list[FilePicture]]]]
    ) -> Iterator[list[FilePicture]]:
        """A worker was killed, and nobody knows over which file: what is not done is read one file at a time."""
        lone = _start(1)
        for chunk, future in waiting:
            if future.done() and not future.cancelled() and future.exception() is None:
                yield future.result()
                continue
            found = []
            for path in chunk:
                try:
                    found.append(lone.submit(read_file, path, self._side).result())
                except BrokenProcessPool:
                    lone = _start(1)
                    found.append(FilePicture(ImageStatus.BROKEN, None, None))
            yield found
        lone.shutdown()


def _start(n_workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(n_workers, mp_context=multiprocessing.get_context("spawn"))


def _failed() -> "Future[list[FilePicture]]":
    future = Future[list[FilePicture]]()
    future.set_exception(BrokenProcessPool())
    return future
