"""A small drawn picture for each demo product: the shape of its kind, its colour, a background of its leaf."""

import os
import random
import tomllib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from core.catalogue.demo.making import DemoProduct
from core.catalogue.demo.tree import Words

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

FILE = Path(__file__).parent / "shapes.toml"
SIDE = 192  # pixels
CANVAS = 2 * SIDE  # drawn twice as large and reduced: smooth edges
QUALITY = 82

Point = tuple[float, float]
Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class Stroke:
    """One line of shapes.toml; `size` is a radius or a width on the square of 100."""

    kind: str
    tone: str
    size: float
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Placing:
    """How a shape lies on the canvas: pixels per unit, the place of its middle, mirrored or not."""

    scale: float
    x: float
    y: float
    mirrored: bool

    def put(self, point: Point) -> Point:
        across = 50 - point[0] if self.mirrored else point[0] - 50
        return self.x + across * self.scale, self.y + (point[1] - 50) * self.scale


@cache
def load_shapes() -> dict[str, tuple[Stroke, ...]]:
    raw = tomllib.loads(FILE.read_text("utf-8"))
    return {name: tuple(_stroke(text) for text in strokes) for name, strokes in raw.items()}


def _stroke(text: str) -> Stroke:
    kind, tone, *rest = text.split()
    size = float(rest.pop(0)) if kind in ("box", "line") else 0.0
    points = (part.split(",") for part in rest)
    return Stroke(kind, tone, size, tuple((float(x), float(y)) for x, y in points))


def draw_images(folder: Path, products: Iterable[DemoProduct]) -> Iterator[int]:
    """Draw what is missing under `folder`; yields how many products are done, now and then.

    An image appears under its name only when it is whole.
    """
    wanted = [product for product in products if product.image and not (folder / product.image).exists()]
    for parent in {(folder / str(product.image)).parent for product in wanted}:
        parent.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(2) as pool:  # Pillow sets the interpreter free while it reduces and encodes
        for done, _ in enumerate(pool.map(lambda product: _save(folder, product), wanted), start=1):
            if done % 200 == 0 or done == len(wanted):
                yield done


def _save(folder: Path, product: DemoProduct) -> None:
    path = folder / str(product.image)
    unfinished = path.with_suffix(f".{os.getpid()}.part")  # another process may draw it too
    draw(product).save(unfinished, "JPEG", quality=QUALITY)
    unfinished.replace(path)


def draw(product: DemoProduct) -> "Image":
    """The picture of one product, SIDE x SIDE, always the same for the same product."""
    from PIL import ImageDraw

    rng = random.Random(product.external_id)
    image = _background(product.truth).copy()
    pen = ImageDraw.Draw(image)
    placing = Placing(
        scale=CANVAS / 100 * rng.uniform(0.62, 0.82),
        x=CANVAS * rng.uniform(0.45, 0.55),
        y=CANVAS * rng.uniform(0.46, 0.54),
        mirrored=rng.random() < 0.4,
    )
    tones = _tones(product.colour)
    for stroke in load_shapes()[product.shape]:
        _draw_stroke(pen, stroke, placing, tones[stroke.tone])
    return image.reduce(2)


def _draw_stroke(pen: "ImageDraw", stroke: Stroke, placing: Placing, colour: Rgb) -> None:
    points = [placing.put(point) for point in stroke.points]
    if stroke.kind == "poly":
        pen.polygon(points, fill=colour)
    elif stroke.kind == "line":
        pen.line(points, fill=colour, width=max(2, round(stroke.size * placing.scale)), joint="curve")
    else:
        (left, top), (right, bottom) = points
        corners = (min(left, right), min(top, bottom), max(left, right), max(top, bottom))
        if stroke.kind == "oval":
            pen.ellipse(corners, fill=colour)
        else:
            pen.rounded_rectangle(corners, radius=stroke.size * placing.scale, fill=colour)


def _tones(rgb: str) -> dict[str, Rgb]:
    main = (int(rgb[1:3], 16), int(rgb[3:5], 16), int(rgb[5:7], 16))
    return {
        "main": main,
        "dark": _mixed(main, (0, 0, 0), 0.3),
        "light": _mixed(main, (255, 255, 255), 0.4),
        "pale": _mixed(main, (255, 255, 255), 0.86),
        "ink": _mixed(main, (24, 26, 32), 0.85),
    }


def _mixed(first: Rgb, second: Rgb, share: float) -> Rgb:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


@cache
def _background(leaf: Words) -> "Image":
    """A leaf's studio: a pale wall with a floor, a disc, stripes or nothing, the same for all its products."""
    from PIL import Image, ImageDraw

    rng = random.Random(" > ".join(leaf))
    wall = (rng.randrange(206, 250), rng.randrange(206, 250), rng.randrange(206, 250))
    image = Image.new("RGB", (CANVAS, CANVAS), wall)
    pen = ImageDraw.Draw(image)
    darker, lighter = _mixed(wall, (90, 90, 100), 0.16), _mixed(wall, (255, 255, 255), 0.55)
    style = rng.choice(("floor", "disc", "stripes", "plain", "corner"))
    if style == "floor":
        pen.rectangle((0, round(CANVAS * rng.uniform(0.7, 0.82)), CANVAS, CANVAS), fill=darker)
    elif style == "disc":
        edge = CANVAS * rng.uniform(0.06, 0.14)
        pen.ellipse((edge, edge, CANVAS - edge, CANVAS - edge), fill=lighter)
    elif style == "stripes":
        step = rng.randrange(28, 60)
        for left in range(0, CANVAS, 2 * step):
            pen.rectangle((left, 0, left + step, CANVAS), fill=lighter)
    elif style == "corner":
        pen.polygon([(0, CANVAS), (CANVAS, CANVAS), (CANVAS, round(CANVAS * 0.4))], fill=lighter)
    return image
