"""Image references are text from outside: what may be read, what is refused, what comes out."""

import io
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from core.catalogue import images
from core.catalogue.images import load_thumbnail, make_thumbnail, sweep_thumbnails
from core.errors import InvalidInput
from core.runtime import Runtime


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def opened(content: bytes | None) -> Image.Image:
    assert content is not None
    return Image.open(io.BytesIO(content))


@pytest.fixture
def folder(sqlite_runtime: Runtime) -> Path:
    path = sqlite_runtime.data_dir / "images"
    path.mkdir(parents=True, exist_ok=True)
    (path / "red.png").write_bytes(encoded(Image.new("RGB", (400, 200), "red")))
    return path


def thumbnails(runtime: Runtime) -> list[Path]:
    return list((runtime.data_dir / "cache" / "thumbnails").glob("*/*"))


def test_a_local_image_becomes_a_small_jpeg_made_once(sqlite_runtime: Runtime, folder: Path) -> None:
    first = load_thumbnail(sqlite_runtime, "red.png", 100)
    image = opened(first)
    assert (image.format, image.size) == ("JPEG", (100, 50))
    assert len(thumbnails(sqlite_runtime)) == 1
    thumbnails(sqlite_runtime)[0].write_bytes(b"kept")
    assert load_thumbnail(sqlite_runtime, "red.png", 100) == b"kept"


def test_a_prefetched_image_is_only_read(sqlite_runtime: Runtime, folder: Path) -> None:
    made = images.prefetch_thumbnail(sqlite_runtime, "red.png", 100).result()
    assert [path.read_bytes() for path in thumbnails(sqlite_runtime)] == [made]
    assert images.prefetch_thumbnail(sqlite_runtime, None, 100).result() is None
    assert load_thumbnail(sqlite_runtime, "red.png", 100) == made


def test_a_changed_image_is_made_anew(sqlite_runtime: Runtime, folder: Path) -> None:
    load_thumbnail(sqlite_runtime, "red.png", 100)
    (folder / "red.png").write_bytes(encoded(Image.new("RGB", (100, 100), "blue")))
    assert opened(load_thumbnail(sqlite_runtime, "red.png", 100)).size == (100, 100)


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "missing.png",
        "../secret.png",
        "a/../../secret.png",
        "/etc/passwd",
        "link.png",
        "loop.png",
        "red.png\0.txt",
        "x" * 5_000,
        "file:///etc/passwd",
        "ftp://example.com/a.png",
        ".",
        "pipe.png",
        "\ud800.png",
    ],
)
def test_nothing_outside_the_image_folders_is_read(sqlite_runtime: Runtime, folder: Path, reference: str) -> None:
    (folder.parent / "secret.png").write_bytes((folder / "red.png").read_bytes())
    (folder / "link.png").symlink_to(folder.parent / "secret.png")
    (folder / "loop.png").symlink_to(folder / "loop.png")
    os.mkfifo(folder / "pipe.png")
    assert load_thumbnail(sqlite_runtime, reference, 100) is None


def test_an_absolute_path_inside_a_root_and_a_second_root_are_read(
    sqlite_runtime: Runtime, folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "상품.png").write_bytes((folder / "red.png").read_bytes())
    settings = replace(sqlite_runtime.settings, image_roots=(other,))
    runtime = Runtime(settings, sqlite_runtime.sessions)
    assert load_thumbnail(runtime, "상품.png", 100)
    assert load_thumbnail(runtime, str(folder / "red.png"), 100)
    assert load_thumbnail(sqlite_runtime, "상품.png", 100) is None


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F", "YCbCr", "LAB"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    kind = "PNG" if mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16") else "TIFF"
    assert opened(make_thumbnail(encoded(Image.new(mode, (64, 64)), kind), 32)).mode == "RGB"
    if mode == "CMYK":
        assert opened(make_thumbnail(encoded(Image.new(mode, (64, 64)), "JPEG"), 32)).mode == "RGB"


def test_transparency_turns_white() -> None:
    clear = encoded(Image.new("RGBA", (32, 32), (0, 0, 0, 0)))
    assert opened(make_thumbnail(clear, 32)).getpixel((16, 16)) == (255, 255, 255)


def test_a_rotated_photo_stands_upright_and_an_animation_shows_its_first_frame() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = encoded(Image.new("RGB", (200, 100)), "JPEG", exif=exif.tobytes())
    assert opened(make_thumbnail(lying, 100)).size == (50, 100)
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    film = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    red, _, blue = opened(make_thumbnail(film, 40)).getpixel((20, 20))
    assert red > 200 > 60 > blue


def test_broken_tiny_and_huge_images_are_no_images() -> None:
    whole = encoded(Image.effect_noise((300, 300), 50), "JPEG")
    assert make_thumbnail(whole[: len(whole) // 2], 100) is None
    assert make_thumbnail(b"<svg onload='alert(1)'/>", 100) is None
    assert make_thumbnail(b"", 100) is None
    assert make_thumbnail(encoded(Image.new("RGB", (1, 1))), 100) is None
    bomb = encoded(Image.new("1", (20_000, 10_000)))
    assert len(bomb) < 100_000
    assert make_thumbnail(bomb, 100) is None


def test_a_broken_file_is_remembered_as_no_image(sqlite_runtime: Runtime, folder: Path) -> None:
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 nothing")
    assert load_thumbnail(sqlite_runtime, "broken.jpg", 100) is None
    (kept,) = thumbnails(sqlite_runtime)
    assert kept.read_bytes() == b""


def test_an_unwritable_cache_costs_no_picture(sqlite_runtime: Runtime, folder: Path) -> None:
    (sqlite_runtime.data_dir / "cache").write_text("a file where the folder should be")
    assert load_thumbnail(sqlite_runtime, "red.png", 100)


def test_the_cache_is_bounded_oldest_first(sqlite_runtime: Runtime, folder: Path) -> None:
    for size in (20, 40, 60, 80):
        load_thumbnail(sqlite_runtime, "red.png", size)
    kept = sorted(thumbnails(sqlite_runtime))
    for age, path in enumerate(kept):
        path.write_bytes(b"x" * 100)
        os.utime(path, (time.time() - 1_000 * age, time.time() - 1_000 * age))
    assert sweep_thumbnails(sqlite_runtime, max_bytes=400) == 0
    assert sweep_thumbnails(sqlite_runtime, max_bytes=300) == 2
    assert sorted(thumbnails(sqlite_runtime)) == kept[:2]


def test_urls_are_fetched_only_where_the_setting_allows_it(
    sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fetch(url: str, max_bytes: int) -> bytes:
        asked.append(url)
        return encoded(Image.new("RGB", (64, 64)))

    monkeypatch.setattr(images, "fetch_image", fetch)
    assert load_thumbnail(sqlite_runtime, "https://example.com/a.png", 32) is None
    assert not asked
    open_house = Runtime(replace(sqlite_runtime.settings, fetch_remote_images=True), sqlite_runtime.sessions)
    for _visit in range(3):
        assert load_thumbnail(open_house, "https://example.com/a.png", 32)
    assert asked == ["https://example.com/a.png"]


def test_a_url_that_failed_is_not_asked_again_at_once(sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fetch(url: str, max_bytes: int) -> bytes:
        asked.append(url)
        raise InvalidInput("no")

    monkeypatch.setattr(images, "fetch_image", fetch)
    open_house = Runtime(replace(sqlite_runtime.settings, fetch_remote_images=True), sqlite_runtime.sessions)
    for _visit in range(3):
        assert load_thumbnail(open_house, "https://example.com/b.png", 32) is None
    assert len(asked) == 1
