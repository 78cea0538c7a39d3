"""Uploads: kept under a safe name, found again, never a way out of their folder."""

import io
import os
import time
from pathlib import Path

import pytest

from core.catalogue.import_options import ImportOptions
from core.catalogue.importing import import_file
from core.catalogue.uploads import get_upload, list_uploads, safe_name, store_upload
from core.errors import Forbidden, NotFound, UnreadableFile
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import Actor
from db.enums import Role


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\data\\상품 목록.csv", "상품 목록.csv"),
        ("..", "file"),
        (".hidden.csv", "hidden.csv"),
        ("a\0b\n<x>.csv", "a_b _x_.csv"),
    ],
)
def test_names_are_made_safe(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_an_upload_is_kept_and_found(sqlite_runtime: Runtime, actor: Actor) -> None:
    upload = store_upload(sqlite_runtime, actor, "../여름 상품.csv", io.BytesIO(b"title\nCap\n"))
    assert upload.path.read_bytes() == b"title\nCap\n"
    uploads = sqlite_runtime.data_dir / "uploads"
    assert upload.path.parent.parent == uploads
    assert (upload.name, upload.n_bytes) == ("여름 상품.csv", 10)
    assert get_upload(sqlite_runtime, upload.key) == upload
    (uploads / "by hand.parquet").write_bytes(b"x")
    (uploads / "notes.doc").write_bytes(b"x")
    assert {found.name for found in list_uploads(sqlite_runtime)} == {"여름 상품.csv", "by hand.parquet"}
    for key in ("../shelfwright.db", "gone.csv", "", str(Path("/etc/passwd"))):
        with pytest.raises(NotFound):
            get_upload(sqlite_runtime, key)


def test_what_cannot_be_imported_is_not_kept(sqlite_runtime: Runtime, actor: Actor) -> None:
    with pytest.raises(UnreadableFile):
        store_upload(sqlite_runtime, actor, "evil.exe", io.BytesIO(b"x"))
    labeler = sign_in_local(sqlite_runtime, "labeler", Role.ANNOTATOR)
    with pytest.raises(Forbidden):
        store_upload(sqlite_runtime, labeler, "a.csv", io.BytesIO(b"x"))
    assert not list_uploads(sqlite_runtime)


def test_an_old_upload_goes_unless_an_import_waits_for_it(sqlite_runtime: Runtime, actor: Actor) -> None:
    runtime = sqlite_runtime
    old, waited_for, young = (store_upload(runtime, actor, "a.csv", io.BytesIO(b"id,title\n1,Cap\n")) for _ in "123")
    by_hand = runtime.data_dir / "uploads" / "mine" / "b.csv"
    by_hand.parent.mkdir()
    by_hand.write_bytes(old.path.read_bytes())
    import_file(runtime, actor, waited_for.path, "shop", ImportOptions())
    for path in (old.path, waited_for.path, by_hand):
        long_ago = time.time() - 8 * 24 * 3600
        os.utime(path.parent, (long_ago, long_ago))
    new = store_upload(runtime, actor, "a.csv", io.BytesIO(b"title\nHat\n"))
    assert {found.path for found in list_uploads(runtime)} == {waited_for.path, young.path, by_hand, new.path}
