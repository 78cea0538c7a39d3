"""Folders of files with a manifest of hashes: written whole or not at all, refused when a byte differs."""

import contextlib
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.errors import BrokenArtifact, OtherFormat
from models.types import Writer

MANIFEST = "manifest.json"


def write_folder(folder: Path, files: Mapping[str, Writer]) -> str:
    """Let each writer make its file, add the manifest, and put the folder in its place; returns the overall hash.

    A name may hold folders ('text/config.json'). Everything happens under a temporary name beside `folder`: whatever
    fails (a full disk, say), no half folder stays and an older folder of that name is kept. A folder already there is
    replaced.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f"{folder.name}.{uuid.uuid4().hex[:8]}.tmp")
    temporary.mkdir()
    try:
        for name, write in files.items():
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            write(temporary / name)
        hashes = {name: hash_file(temporary / name) for name in sorted(files)}
        write_json(temporary / MANIFEST, {"files": hashes})
        for path in [*temporary.rglob("*"), temporary]:
            _sync(path)
        _put(temporary, folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return overall_hash(hashes)


def check_folder(folder: Path, names: tuple[str, ...] = ()) -> str:
    """The overall hash of a folder whose files are all there and unchanged, else BrokenArtifact naming the file.

    `names` must be among them.
    """
    manifest = read_json(folder, MANIFEST)
    hashes = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(hashes, dict):
        raise BrokenArtifact(folder, MANIFEST, "lists no files")
    for name in names:
        if name not in hashes:
            raise BrokenArtifact(folder, name, "is not in the manifest")
    for name, known in hashes.items():
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise BrokenArtifact(folder, MANIFEST, "names a file outside the folder")
        if not (folder / name).is_file():
            raise BrokenArtifact(folder, name, "is missing")
        if hash_file(folder / name) != known:
            raise BrokenArtifact(folder, name, "differs from what was saved")
    return overall_hash(hashes)


def overall_hash(hashes: Mapping[str, str]) -> str:
    """One SHA-256 over all names and hashes."""
    return hashlib.sha256(json.dumps(dict(hashes), sort_keys=True).encode()).hexdigest()


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def nest(name: str, files: Mapping[str, Writer]) -> dict[str, Writer]:
    """The files of a part of a larger model, in the folder `name`."""
    return {f"{name}/{file}": write for file, write in files.items()}


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_json(folder: Path, name: str) -> Any:
    """The value in a JSON file; a missing or unreadable one raises BrokenArtifact."""
    try:
        return json.loads((folder / name).read_text("utf-8"))
    except FileNotFoundError:
        raise BrokenArtifact(folder, name, "is missing") from None
    except ValueError:
        raise BrokenArtifact(folder, name, "is not JSON") from None


def check_format(folder: Path, config: Mapping[str, Any], known: int) -> None:
    """Raises OtherFormat when the 'format' in an artifact's config is not the one that this program reads."""
    if config.get("format") != known:
        raise OtherFormat(folder, config.get("format"), known)


def _put(temporary: Path, folder: Path) -> None:
    """Rename into place. A folder cannot be renamed over a full one, so an older one steps aside first."""
    aside = folder.with_name(f"{folder.name}.{uuid.uuid4().hex[:8]}.old")
    if folder.exists():
        folder.rename(aside)
    try:
        temporary.rename(folder)
    except OSError:
        with contextlib.suppress(FileNotFoundError):
            aside.rename(folder)
        raise
    _sync(folder.parent)
    shutil.rmtree(aside, ignore_errors=True)


def _sync(path: Path) -> None:
    """Bring a file or a folder's entries to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
