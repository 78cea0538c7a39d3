"""Files handed in through the browser, kept under data_dir/uploads until the import is done with them."""

import re
import shutil
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.catalogue.files import file_format
from core.errors import N_, NotFound, NotReady, UnreadableFile
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now

MAX_NAME = 120  # characters; file systems take 255 bytes


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
    folder = _folder(runtime) / f"{utc_now():%Y%m%d-%H%M%S-%f}"
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
