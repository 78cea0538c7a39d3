"""Files handed in through the browser, kept under data_dir/uploads until the import is done with them."""

import re
import shutil
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from core.catalogue.files import file_format
from core.errors import N_, NotFound, NotReady, UnreadableFile
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import imports

MAX_NAME = 120  # characters; file systems take 255 bytes
KEPT = timedelta(days=7)  # an upload that was never imported
OURS = re.compile(r"\d{8}-\d{6}-\d{6}(-[0-9a-f]{8})?")  # folders of uploads; others were made by hand and stay


@dataclass(frozen=True)
class Upload:
    """A file that can be imported. `name` is what it was called, `key` where it lies in the folder."""

    key: str
    name: str
    path: Path
    n_bytes: int


def _folder(runtime: Runtime) -> Path:
    folder = runtime.data_dir / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def safe_name(name: str) -> str:
    """A file name without folders, signs or tricks; letters of any language stay."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    plain = re.sub(r"[^\w. -]+", "_", " ".join(last.split())).lstrip(". ") or "file"
    return plain[-MAX_NAME:]


def store_upload(runtime: Runtime, actor: Actor, name: str, stream: BinaryIO) -> Upload:
    """Keep an uploaded file. Raises Forbidden, UnreadableFile for a kind not imported, NotReady without room."""
    authorize(actor, Action.IMPORT)
    plain = safe_name(name)
    file_format(Path(plain))
    _discard_old(runtime)
    folder = _folder(runtime) / f"{utc_now():%Y%m%d-%H%M%S-%f}-{uuid.uuid4().hex[:8]}"
    target, part = folder / plain, folder / "part"
    try:
        folder.mkdir()
        with part.open("wb") as file:
            shutil.copyfileobj(stream, file, 2**20)
        part.rename(target)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise NotReady(
            N_("The file could not be kept in {folder}: {reason}"), folder=str(folder), reason=error.strerror
        ) from error
    return get_upload(runtime, f"{folder.name}/{plain}")


def discard_upload(runtime: Runtime, path: Path, job_id: int) -> None:
    """Remove an upload that the import job `job_id` is done with, unless another import waits for it.

    A file that was put into the folder by hand, or lies elsewhere, stays.
    """
    if _is_ours(runtime, path.parent) and str(path.resolve()) not in _needed_files(runtime, except_job=job_id):
        shutil.rmtree(path.parent, ignore_errors=True)


def _discard_old(runtime: Runtime) -> None:
    """Remove uploads that nobody imported for a week."""
    oldest, needed = utc_now() - KEPT, None
    for folder in _folder(runtime).iterdir():
        if not _is_ours(runtime, folder) or datetime.fromtimestamp(folder.stat().st_mtime, UTC) > oldest:
            continue
        needed = _needed_files(runtime) if needed is None else needed
        if not any(str(path.resolve()) in needed for path in folder.iterdir()):
            shutil.rmtree(folder, ignore_errors=True)


def _is_ours(runtime: Runtime, folder: Path) -> bool:
    is_there = folder.is_dir() and folder.parent.resolve() == _folder(runtime).resolve()
    return is_there and OURS.fullmatch(folder.name) is not None


def _needed_files(runtime: Runtime, except_job: int | None = None) -> set[str]:
    with runtime.sessions.read() as session:
        return imports.list_needed_files(session, except_job)


def list_uploads(runtime: Runtime) -> list[Upload]:
    """Newest first. Files put into the folder by hand (for those too large for a browser) are among them."""
    folder = _folder(runtime)
    found = [path for path in (*folder.glob("*"), *folder.glob("*/*")) if path.is_file() and _is_importable(path)]
    found.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    return [Upload(path.relative_to(folder).as_posix(), path.name, path, path.stat().st_size) for path in found]


def get_upload(runtime: Runtime, key: str) -> Upload:
    """Raises NotFound for a key that `list_uploads` does not give."""
    upload = next((upload for upload in list_uploads(runtime) if upload.key == key), None)
    if upload is None:
        raise NotFound()
    return upload


def _is_importable(path: Path) -> bool:
    if path.name.startswith("."):
        return False
    try:
        file_format(path)
    except UnreadableFile:
        return False
    return True
