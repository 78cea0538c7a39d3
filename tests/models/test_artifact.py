"""Folders are written whole or not at all."""

import resource
from pathlib import Path

import pytest

from models.artifact import check_folder, write_folder
from models.errors import BrokenArtifact


def write(text: str):  # type: ignore[no-untyped-def]
    return lambda path: path.write_text(text, "utf-8")


def test_the_hash_names_the_content(tmp_path: Path) -> None:
    one = write_folder(tmp_path / "one", {"a.txt": write("a"), "b.txt": write("b")})
    two = write_folder(tmp_path / "two", {"b.txt": write("b"), "a.txt": write("a")})
    other = write_folder(tmp_path / "other", {"a.txt": write("a"), "b.txt": write("c")})
    assert one == two == check_folder(tmp_path / "one", ("a.txt", "b.txt"))
    assert one != other


def test_writing_again_replaces_the_folder(tmp_path: Path) -> None:
    write_folder(tmp_path / "one", {"a.txt": write("old"), "gone.txt": write("old")})
    write_folder(tmp_path / "one", {"a.txt": write("new")})
    assert (tmp_path / "one" / "a.txt").read_text("utf-8") == "new"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.txt", "manifest.json", "one"]


def test_a_failing_writer_leaves_nothing_and_keeps_the_older_folder(tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        path.write_text("half", "utf-8")
        raise OSError("no more")

    write_folder(tmp_path / "one", {"a.txt": write("old")})
    with pytest.raises(OSError, match="no more"):
        write_folder(tmp_path / "one", {"a.txt": write("new"), "b.txt": fail})
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
    assert (tmp_path / "one" / "a.txt").read_text("utf-8") == "old"


def test_a_full_disk_leaves_no_half_folder(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (10_000, hard)
    )  # the kernel refuses what lies beyond, as a full disk does
    try:
        with pytest.raises(OSError, match="too large"):
            write_folder(tmp_path / "one", {"a.txt": write("a"), "big.txt": write("x" * 100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


def test_a_changed_or_missing_file_is_named(tmp_path: Path) -> None:
    write_folder(tmp_path / "one", {"a.txt": write("a"), "b.txt": write("b")})
    with pytest.raises(BrokenArtifact, match=r"c\.txt is not in the manifest"):
        check_folder(tmp_path / "one", ("a.txt", "c.txt"))
    (tmp_path / "one" / "a.txt").write_text("changed", "utf-8")
    with pytest.raises(BrokenArtifact, match=r"a\.txt differs"):
        check_folder(tmp_path / "one", ("a.txt", "b.txt"))
    (tmp_path / "one" / "a.txt").unlink()
    with pytest.raises(BrokenArtifact, match=r"a\.txt is missing"):
        check_folder(tmp_path / "one", ("a.txt", "b.txt"))


@pytest.mark.parametrize("manifest", ["", "[]", '{"files": 3}', "{"])
def test_a_broken_manifest_is_named(tmp_path: Path, manifest: str) -> None:
    write_folder(tmp_path / "one", {"a.txt": write("a")})
    (tmp_path / "one" / "manifest.json").write_text(manifest, "utf-8")
    with pytest.raises(BrokenArtifact, match=r"manifest\.json"):
        check_folder(tmp_path / "one", ("a.txt",))
