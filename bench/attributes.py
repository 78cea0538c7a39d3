"""Attributes read from the demo's titles against what their maker meant, beside reading without judgement of category.

The demo's maker draws a colour, a size, an audience ... and writes them into titles with sellers' slips: words joined,
broken apart, cut. The tables below say which of its words tell which value; they were written from its word lists, not
from the reader's lexicon. A size or an amount counts as found when its tag was read from the very words drawn.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from core.catalogue.attributes.ocr import ocr_languages, read_image
from core.catalogue.attributes.plausibility import Plausibility
from core.catalogue.attributes.reading import Attribute, read_attributes
from core.catalogue.demo.making import DemoProduct, make_products
from core.catalogue.demo.words import COLOURED_LINES, load_words

AUDIENCES = {
    "women": "여성 여자 여성용 엄마",
    "men": "남성 남자 남성용",
    "girls": "여아",
    "boys": "남아",
    "children": "아동 키즈 주니어 유아동 어린이 초등학생 초등",
    "baby": "유아 아기 베이비 신생아 영유아",
    "unisex": "남녀공용 공용",
}
SEASONS = {
    "spring": "봄 봄가을",
    "autumn": "가을 봄가을",
    "summer": "여름 썸머 냉감",
    "winter": "겨울 방한",
    "between": "간절기",
    "all_year": "사계절",
}
MATERIALS = {
    "cotton": "순면 면100 면20수 면 코튼 아사면",
    "linen": "린넨",
    "wool": "울 울혼방 울90",
    "cashmere": "캐시미어 캐시미어10",
    "leather": "소가죽 천연소가죽 가죽 레더 양가죽",
    "suede": "스웨이드",
    "denim": "데님",
    "corduroy": "코듀로이",
    "fleece": "플리스 후리스",
    "brushed": "기모 융기모 피치기모",
    "microfibre": "극세사",
    "down": "구스다운 덕다운",
    "modal": "모달",
    "rayon": "인견",
    "satin": "새틴",
    "lace": "레이스",
    "mesh": "메쉬",
    "canvas": "캔버스",
    "stainless_steel": "스텐 스테인리스",
    "wood": "원목 편백",
    "silicone": "실리콘",
    "rattan": "라탄",
}
SIZES = ("women", "men", "kids", "women_shoes", "men_shoes", "kids_shoes", "cm", "bed")
AMOUNTS = ("ml", "g", "count")
NAMES = ("colour", "size", "quantity", "gender", "season", "material")
FONT = "NotoSansCJK-Regular.ttc"
FONT = "NotoSansCJK-Regular.ttc"
Told = set[tuple[str, str]]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=6_000)
    parser.add_argument("--images", type=int, default=60, help="titles drawn onto pictures and read back")
    parser.add_argument("--quick", action="store_true", help="1,000 products")
    options = parser.parse_args(arguments)
    products = make_products(1_000 if options.quick else options.products)
    began = time.process_time()
    read = [read_attributes(product.title) for product in products]
    seconds = time.process_time() - began
    paths = [_path(product) for product in products]
    plausibility = Plausibility()
    for path, attributes in zip(paths, read, strict=True):
        plausibility.learn(path, attributes)
    believed = [plausibility.believed(path, found) for path, found in zip(paths, read, strict=True)]
    print(f"{len(products):,} demo products, {len(products) / seconds:,.0f} titles per CPU second\n")
    ours = report("read, fitting the category", products, believed)
    peer = report("all that was read", products, read)
    print(f"\nours / all that was read: {ours[0] / peer[0]:.3f} in precision, {ours[1] / peer[1]:.3f} in recall")
    report_images(products, 10 if options.quick else options.images)
    return 0


def report_images(products: list[DemoProduct], n: int) -> None:
    """Print what is read back of titles drawn onto pictures, clean and noisy, against reading the titles themselves."""
    languages = ocr_languages()
    if languages is None:
        print("Images not measured: Tesseract is not installed.")
        return
    chance = np.random.default_rng(7)
    chosen = [products[place] for place in chance.permutation(len(products))[:n]]
    for background, noise in (("clean", 0.0), ("noisy", 60.0)):
        n_said = n_read = n_both = 0
        began = time.perf_counter()
        for product in chosen:
            said = {(tag.name, tag.value) for tag in read_attributes(product.title)}
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "drawn.png"
                draw_text(path, product.title, noise, chance)
                found = {(tag.name, tag.value) for tag in read_attributes(read_image(path, languages)[0])}
            n_said, n_read, n_both = n_said + len(said), n_read + len(found), n_both + len(said & found)
        print(
            f"{background} pictures of {n} titles: recall {n_both / max(1, n_said):.3f} of {n_said}, precision "
            f"{n_both / max(1, n_read):.3f} of {n_read}, {(time.perf_counter() - began) / n:.2f} s a picture"
        )


def draw_text(path: Path, text: str, noise: float, chance: np.random.Generator) -> None:
    """A title in three lines on a picture; `noise` is the standard deviation of the background's pixels."""
    font = ImageFont.truetype(FONT, 44)
    pixels = np.clip(chance.normal(215, noise, (320, 900, 3)), 0, 255).astype(np.uint8)
    picture = Image.fromarray(pixels)
    for line, start in enumerate(range(0, min(len(text), 66), 22)):
        ImageDraw.Draw(picture).text((20, 20 + 90 * line), text[start : start + 22], fill=(20, 20, 20), font=font)
    picture.save(path)


def report(name: str, products: list[DemoProduct], read: list[list[Attribute]]) -> tuple[float, float]:
    """Print precision and recall of each attribute; (precision, recall) over all."""
    n_told, n_read, n_right, n_found = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for product, attributes in zip(products, read, strict=True):
        told = told_of(product)
        n_told.update(kind for kind, _ in told)
        hit: Told = set()
        for attribute in attributes:
            n_read[attribute.name] += 1
            matches = {pair for pair in told if _means(attribute, pair)}
            n_right[attribute.name] += bool(matches) or _is_in_spec(attribute, product.told.spec.lower())
            hit |= matches
        n_found.update(kind for kind, _ in hit)
    print(f"{name:<30}{'precision':>10}{'of read':>9}{'recall':>9}{'of told':>9}")
    for kind in NAMES:
        precision, recall = n_right[kind] / max(1, n_read[kind]), n_found[kind] / max(1, n_told[kind])
        print(f"  {kind:<28}{precision:>10.3f}{n_read[kind]:>9,}{recall:>9.3f}{n_told[kind]:>9,}")
    overall = n_right.total() / n_read.total(), n_found.total() / n_told.total()
    print(f"  {'all':<28}{overall[0]:>10.3f}{n_read.total():>9,}{overall[1]:>9.3f}{n_told.total():>9,}\n")
    return overall


def told_of(product: DemoProduct) -> Told:
    """What the maker put into the title: (attribute, value), of sizes and amounts (attribute, words)."""
    told: Told = set()
    wording, title = product.wording, product.told
    tokens = " ".join([wording.noun, *wording.words, *wording.stuffing, wording.audience, wording.misleading]).split()
    if wording.leaf.line in COLOURED_LINES:
        names = {name: colour for colour in load_words().colours for name in (colour.korean, colour.english)}
        colours = [names[token] for token in tokens if token in names]
        told |= {("colour", _value(colour.english)) for colour in [*colours, *filter(None, [title.colour])]}
        told |= _by_table("material", MATERIALS, tokens)
    told |= _by_table("gender", AUDIENCES, tokens) | _by_table("season", SEASONS, tokens)
    if title.season:
        told.add(("season", "winter" if "FW" in title.season.upper() else "summer"))
    source = wording.leaf.spec[0].lstrip("@") if wording.leaf.spec else ""
    if title.spec and (source in SIZES or source in AMOUNTS):
        told.add(("size" if source in SIZES else "quantity", title.spec.lower()))
    return told


def _by_table(name: str, table: dict[str, str], tokens: list[str]) -> Told:
    return {(name, value) for value, words in table.items() for token in tokens if token in words.split()}


def _means(attribute: Attribute, told: tuple[str, str]) -> bool:
    if attribute.name != told[0]:
        return False
    if attribute.name in ("size", "quantity"):
        return attribute.evidence in told[1] or told[1] in attribute.evidence
    return attribute.value == told[1]


def _is_in_spec(attribute: Attribute, spec: str) -> bool:
    """Whether it was read from a free text such as '블랙 외' or '40ml 1+1', of which no table says which it is."""
    return attribute.name in ("size", "quantity", "colour") and attribute.evidence in spec


def _value(english: str) -> str:
    return {"skyblue": "sky_blue"}.get(english.lower(), english.lower())


def _path(product: DemoProduct) -> tuple[int, ...]:
    """Made-up ids of the label's path: what the catalogue knows, wrong labels included."""
    return tuple(hash(product.label[: depth + 1]) for depth in range(len(product.label)))


if __name__ == "__main__":
    sys.exit(main())
