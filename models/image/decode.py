"""From an image file's bytes to a small upright RGB picture in bounded memory; the limits that all readers share.

Light on purpose: worker processes that only decode load nothing but this, Pillow and numpy.
"""

import io
import struct
import threading
from contextlib import nullcontext
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_FILE_BYTES = 20_000_000
MAX_PIXELS = 100_000_000  # decoded in full where the format knows no other way: .4 GB; a progressive JPEG takes .6
HUGE_PIXELS = 50_000_000  # counted as huge
ALONE_PIXELS = 20_000_000  # above it a process decodes one image at a time
MIN_SIDE = 8  # pixels; smaller ones are tracking dots, not pictures
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "MPO")
_UPRIGHT = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # EXIF orientation -> Pillow's Transpose that undoes it
_STRIP_PIXELS = 4_000_000  # large images change mode and size strip by strip

_alone = threading.Lock()


class ImageStatus(StrEnum):
    """What reading a product's image came to. The first group could be read; each names what was special."""

    OK = "ok"
    HUGE = "huge"  # made smaller while decoding, or right after
    CMYK = "cmyk"
    ANIMATED = "animated"  # its first frame
    ROTATED = "rotated"  # turned upright as its EXIF says
    TRANSPARENT = "transparent"  # laid on white
    DEEP = "deep"  # more than 8 bits a channel
    # no picture
    NONE = "none"  # the product names no image
    MISSING = "missing"  # there is no such file
    NOT_FETCHED = "not_fetched"  # an address on the internet, and fetching is off
    UNREACHABLE = "unreachable"  # could not be fetched
    BROKEN = "broken"
    TOO_LARGE = "too_large"  # more bytes or pixels than are read
    TINY = "tiny"  # smaller than a picture


READABLE = frozenset(list(ImageStatus)[:7])


@dataclass(frozen=True)
class Picture:
    """An RGB picture, upright and opaque; none with the reason in `status`."""

    status: ImageStatus
    image: "Image | None" = None


def read_picture(content: bytes, side: int) -> Picture:
    """The first frame, upright, on white, with both sides at least `side` where the file has that, and not much more.

    Never raises for what the bytes say. JPEGs are decoded at a fraction of their size; others in full, one large one
    at a time, and made smaller strip by strip.
    """
    from PIL import Image, UnidentifiedImageError

    if len(content) > MAX_FILE_BYTES:
        return Picture(ImageStatus.TOO_LARGE)
    try:
        Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # above it Pillow warns, above twice that it raises
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            return _read(image, side)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return Picture(ImageStatus.TOO_LARGE)
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,  # Pillow's word for broken PNG and TIFF headers
        EOFError,
        IndexError,
        KeyError,
        TypeError,
        ZeroDivisionError,
        OverflowError,
        MemoryError,
        struct.error,
    ):
        return Picture(ImageStatus.BROKEN)


def read_square(content: bytes, side: int) -> tuple[ImageStatus, NDArray[np.uint8] | None]:
    """The picture as (side, side, 3): the whole of it, stretched, as a classifier reads it; none when unreadable."""
    from PIL import Image

    picture = read_picture(content, side)
    if picture.image is None:
        return picture.status, None
    return picture.status, np.asarray(picture.image.resize((side, side), Image.Resampling.BICUBIC))


def _read(image: "Image", side: int) -> Picture:
    from PIL import Image

    width, height = image.size
    if min(width, height) < MIN_SIDE:
        return Picture(ImageStatus.TINY)
    if width * height > MAX_PIXELS:
        return Picture(ImageStatus.TOO_LARGE)
    orientation = _orientation(image)
    status = _special(image, orientation)
    image.draft("RGB", (2 * side, 2 * side))  # JPEG only: decodes at 1/2, 1/4 or 1/8 of the size
    with _alone if width * height > ALONE_PIXELS else nullcontext():
        small = _smaller(image, side)
    return Picture(
        status, small.transpose(Image.Transpose(_UPRIGHT[orientation])) if orientation in _UPRIGHT else small
    )


def _orientation(image: "Image") -> int:
    """How it lies, as EXIF numbers it: 1 upright. Broken EXIF data say nothing."""
    try:
        found = image.getexif().get(0x0112, 1)
    except (struct.error, ValueError, SyntaxError, KeyError, TypeError, OSError, IndexError):
        return 1
    return found if isinstance(found, int) else 1


def _special(image: "Image", orientation: int) -> ImageStatus:
    """The first thing about it that a plain reader would stumble over."""
    checks = (
        (image.size[0] * image.size[1] > HUGE_PIXELS, ImageStatus.HUGE),
        (image.mode == "CMYK", ImageStatus.CMYK),
        (image.format != "MPO" and getattr(image, "is_animated", False), ImageStatus.ANIMATED),
        (orientation in _UPRIGHT, ImageStatus.ROTATED),
        (_is_transparent(image), ImageStatus.TRANSPARENT),
        (_is_deep(image), ImageStatus.DEEP),
    )
    return next((status for holds, status in checks if holds), ImageStatus.OK)


def _is_transparent(image: "Image") -> bool:
    return image.mode in ("RGBA", "LA", "PA") or (image.mode == "P" and "transparency" in image.info)


def _is_deep(image: "Image") -> bool:
    return image.mode.startswith("I") or image.mode == "F"


def _smaller(image: "Image", side: int) -> "Image":
    """RGB at 1/n of the size, n as large as leaves twice `side`, strip by strip where the image is large."""
    from PIL import Image

    image.load()
    width, height = image.size
    scale = _grey_scale(image)
    n = max(1, min(width, height) // (2 * side))
    if n == 1 and width * height <= _STRIP_PIXELS:
        return _on_white(image, scale)
    out = Image.new("RGB", (-(-width // n), -(-height // n)))
    rows = max(n, _STRIP_PIXELS // width // n * n)
    for top in range(0, height, rows):
        strip = image.crop((0, top, width, min(height, top + rows)))
        strip.info = image.info
        out.paste(_on_white(strip, scale).reduce(n), (0, top // n))
    return out


def _grey_scale(image: "Image") -> tuple[float, float]:
    """(lowest, span) of the values of a deep grey image, which would clip to white when converted as they are."""
    if not _is_deep(image):
        return 0.0, 1.0
    low, high = image.getextrema()
    return float(low), float(high - low) or 1.0  # type: ignore[operator,arg-type]


def _on_white(image: "Image", scale: tuple[float, float]) -> "Image":
    """RGB without transparency, from any mode."""
    from PIL import Image

    if _is_transparent(image):
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    if _is_deep(image):
        low, span = scale
        factor = 255.0 / span
        return image.convert("F").point(lambda value: value * factor - low * factor).convert("L").convert("RGB")
    return image.convert("RGB")
