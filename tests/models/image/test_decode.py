"""Any image becomes a small upright RGB picture, or a reason; in bounded memory, however large it is."""

import io
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.settings import ROOT
from models.image.decode import MAX_FILE_BYTES, READABLE, ImageStatus, read_picture, read_square


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def noise(mode: str = "RGB", size: tuple[int, int] = (60, 40)) -> Image.Image:
    return Image.effect_noise(size, 60).convert(mode)


FILM = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
CASES = {
    ImageStatus.OK: encoded(noise()),
    ImageStatus.CMYK: encoded(noise("CMYK"), "JPEG"),
    ImageStatus.ANIMATED: encoded(FILM[0], "GIF", save_all=True, append_images=FILM[1:]),
    ImageStatus.TRANSPARENT: encoded(noise("RGBA")),
    ImageStatus.DEEP: encoded(Image.fromarray(np.arange(2_400, dtype=np.uint16).reshape(40, 60) * 20)),
    ImageStatus.BROKEN: encoded(noise())[:500],
    ImageStatus.TINY: encoded(Image.new("RGB", (5, 400))),
    ImageStatus.TOO_LARGE: b"\xff" * (MAX_FILE_BYTES + 1),
}


@pytest.mark.parametrize("status", CASES)
def test_each_kind_is_read_or_has_its_reason(status: ImageStatus) -> None:
    found, pixels = read_square(CASES[status], 32)
    assert found == status
    assert (pixels is not None) == (status in READABLE)
    if pixels is not None:
        assert pixels.shape == (32, 32, 3)


def test_a_film_shows_its_first_frame_and_what_is_clear_turns_white() -> None:
    _, film = read_square(CASES[ImageStatus.ANIMATED], 8)
    assert film is not None
    assert (film == (255, 0, 0)).all()
    _, clear = read_square(encoded(Image.new("RGBA", (20, 20), (0, 0, 0, 0))), 8)
    assert clear is not None
    assert (clear == 255).all()
    palette = Image.new("P", (20, 20))
    _, glass = read_square(encoded(palette, "GIF", transparency=0), 8)
    assert glass is not None
    assert (glass == 255).all()


def test_a_deep_image_keeps_its_shades() -> None:
    _, pixels = read_square(CASES[ImageStatus.DEEP], 32)
    assert pixels is not None
    assert pixels.max() > 240
    assert pixels.min() < 15
    assert 80 < pixels.mean() < 175


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(orientation: int) -> None:
    upright = Image.new("RGB", (60, 40), "white")
    upright.paste("black", (0, 0, 30, 20))  # the corner says how it lies
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # what lies so before it is turned upright
    lying = upright if orientation == 1 else upright.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = read_picture(encoded(lying, "PNG", exif=exif.tobytes()), 32)
    assert picture.status == (ImageStatus.OK if orientation == 1 else ImageStatus.ROTATED)
    assert picture.image is not None
    assert picture.image.size == (60, 40)
    assert picture.image.getpixel((5, 5)) == (0, 0, 0)
    assert picture.image.getpixel((50, 30)) == (255, 255, 255)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_says_nothing() -> None:
    assert read_picture(encoded(noise(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"), 32).image is not None


def test_strips_put_together_are_the_whole_picture() -> None:
    across = np.linspace(0, 255, 2_600)[None, :] * np.linspace(0, 1, 2_100)[:, None]
    large = Image.fromarray(across.astype(np.uint8)).convert("P")
    picture = read_picture(encoded(large), 200).image
    assert picture is not None
    assert min(picture.size) >= 200
    plain = large.convert("RGB").resize(picture.size, Image.Resampling.BOX)
    assert np.abs(np.asarray(picture, float) - np.asarray(plain, float)).mean() < 2.0


HUGE = """
import resource, sys
from models.image.decode import read_square
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
status, pixels = read_square(open(sys.argv[1], "rb").read(), 224)
print(status, pixels.shape, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_a_photo_of_94_million_pixels_is_read_in_60_megabytes(tmp_path: Any) -> None:
    Image.new("RGB", (8_484, 11_042), "teal").save(tmp_path / "huge.jpg", quality=30)
    said = subprocess.run(
        [sys.executable, "-c", HUGE, str(tmp_path / "huge.jpg")], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    status, megabytes = said.split()[0], int(said.split()[-1])
    assert status == "huge"
    assert megabytes < 60
    assert read_picture(encoded(Image.new("1", (20_000, 10_000))), 224).status == ImageStatus.TOO_LARGE
