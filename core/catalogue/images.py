"""A safe way from an image reference (text from outside) to a small JPEG; thumbnails are kept on disk."""

import contextlib
import hashlib
import io
import itertools
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, TimeoutError
from functools import cache
from pathlib import Path

from core.catalogue.remote_images import fetch_image
from core.errors import InvalidInput
from core.runtime import Runtime
from core.settings import Settings
from models.image.decode import MAX_FILE_BYTES, read_picture

JPEG_QUALITY = 85
MAX_CACHE_BYTES = 1_000_000_000
SWEEP_EVERY = 1_000  # new thumbnails between two looks at the size of the cache
REMOTE_WAIT_SECONDS = 0.2  # a card is drawn without a picture that takes longer; it is there the next time
REMOTE_RETRY_SECONDS = 3_600.0  # a picture that could not be fetched is asked for again after this
REMOTE_FRESH_SECONDS = 30 * 86_400.0

_writes = itertools.count(1)
_fetching: dict[str, "Future[bytes | None]"] = {}
_fetching_lock = threading.Lock()


def load_thumbnail(runtime: Runtime, reference: str | None, size: int) -> bytes | None:
    """A JPEG of at most `size` x `size` pixels, or none when there is no such image or it may not be read.

    `reference` is a path inside one of the image folders of the settings, or an http(s) URL, which is fetched only
    where the setting `fetch_remote_images` allows it. Never raises for what the reference says.
    """
    reference = (reference or "").strip()
    if not reference or "\0" in reference:
        return None
    if is_remote(reference):
        return _load_remote(runtime, reference, size) if runtime.settings.fetch_remote_images else None
    path = find_local_image(runtime.settings, reference)
    if path is None:
        return None
    try:
        stat = path.stat()
        kept = _kept_at(runtime, f"{path}\0{stat.st_mtime_ns}\0{stat.st_size}\0{size}")
        found = _read_kept(kept, float("inf"))
        if found is None:
            found = b"" if stat.st_size > MAX_FILE_BYTES else make_thumbnail(path.read_bytes(), size) or b""
            _keep(runtime, kept, found)
    except OSError:  # it went away or may not be read
        return None
    return found or None


def prefetch_thumbnail(runtime: Runtime, reference: str | None, size: int) -> "Future[bytes | None]":
    """Make the thumbnail beside whatever goes on, so that a later `load_thumbnail` only reads it."""
    return _fetchers().submit(load_thumbnail, runtime, reference, size)


def is_remote(reference: str) -> bool:
    """Whether it is a URL, not a path."""
    return reference.lower().startswith(("http://", "https://"))


def find_local_image(settings: Settings, reference: str) -> Path | None:
    """The file that `reference` names inside an image folder, symbolic links followed first; else none."""
    for folder in settings.image_folders:
        try:
            root = folder.resolve()
            path = (root / reference).resolve()
            if path.is_relative_to(root) and path.is_file():
                return path
        except (OSError, ValueError, RuntimeError):  # too long a name, no permission, a loop of links
            continue
    return None


def make_thumbnail(content: bytes, size: int) -> bytes | None:
    """A JPEG of the first frame, upright, on white, at most `size` x `size`; none when it is no usable image."""
    from PIL import Image

    picture = read_picture(content, size).image
    if picture is None:
        return None
    picture.thumbnail((size, size), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()


# --- remote: fetched beside the card, which waits for a moment only


@cache
def _fetchers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=4, thread_name_prefix="image")


def _load_remote(runtime: Runtime, url: str, size: int) -> bytes | None:
    kept = _kept_at(runtime, f"{url}\0{size}")
    found = _read_kept(kept, REMOTE_FRESH_SECONDS)
    if found is not None:
        return found or None
    with _fetching_lock:
        future = _fetching.get(str(kept))
        if future is None:
            future = _fetching[str(kept)] = _fetchers().submit(_fetch, runtime, url, size, kept)
    try:
        return future.result(timeout=REMOTE_WAIT_SECONDS)
    except TimeoutError:
        return None


def fetch_images(runtime: Runtime, urls: Sequence[str], size: int) -> list[Path | None]:
    """The images behind http(s) URLs as local JPEGs of at most `size` x `size`, kept; none where there is none.

    Waits for them all, each as long as `fetch_image` does. The setting `fetch_remote_images` is the caller's to ask.
    """
    kept = {url: _kept_at(runtime, f"{url}\0{size}") for url in urls}
    missing = {url: path for url, path in kept.items() if _read_kept(path, REMOTE_FRESH_SECONDS) is None}
    list(_fetchers().map(lambda item: _fetch(runtime, item[0], size, item[1]), missing.items()))
    return [kept[url] if _read_kept(kept[url], float("inf")) else None for url in urls]


def _fetch(runtime: Runtime, url: str, size: int, kept: Path) -> bytes | None:
    try:
        found = make_thumbnail(fetch_image(url, MAX_FILE_BYTES), size)
    except InvalidInput:
        found = None
    try:
        _keep(runtime, kept, found or b"")
    finally:
        with _fetching_lock:
            _fetching.pop(str(kept), None)
    return found


# --- the cache: one file a thumbnail; an empty file says 'no image'


def _kept_at(runtime: Runtime, key: str) -> Path:
    name = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return runtime.data_dir / "cache" / "thumbnails" / name[:2] / f"{name[2:]}.jpg"


def _read_kept(path: Path, fresh_seconds: float) -> bytes | None:
    """The kept bytes, b"" for 'no image', or none when it must be made."""
    try:
        content = path.read_bytes()
        limit = fresh_seconds if content else min(fresh_seconds, REMOTE_RETRY_SECONDS)
        return content if time.time() - path.stat().st_mtime < limit else None
    except OSError:
        return None


def _keep(runtime: Runtime, path: Path, content: bytes) -> None:
    """Write it whole or not at all. A full disk costs the cache, not the card."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
    if next(_writes) % SWEEP_EVERY == 0:
        sweep_thumbnails(runtime)


def sweep_thumbnails(runtime: Runtime, max_bytes: int = MAX_CACHE_BYTES) -> int:
    """Delete the oldest thumbnails until four fifths of `max_bytes` are left; returns how many went."""
    files = []
    for path in (runtime.data_dir / "cache" / "thumbnails").glob("*/*"):
        try:
            stat = path.stat()
        except OSError:
            continue
        files.append((stat.st_mtime, stat.st_size, path))
    total, gone = sum(size for _, size, _ in files), 0
    if total <= max_bytes:
        return 0
    for _, size, path in sorted(files):
        path.unlink(missing_ok=True)
        total, gone = total - size, gone + 1
        if total <= max_bytes * 4 // 5:
            break
    return gone
