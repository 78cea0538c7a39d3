"""Words in a product's image, read by Tesseract where it is installed."""

import shutil
from functools import cache
from pathlib import Path

from core.errors import N_, NotReady

LEAST_CONFIDENCE = 60  # of 100; below it Tesseract guesses, digits most of all
SECONDS = 20  # for one image
LANGUAGES = ("kor", "eng", "deu", "spa")
MAX_PIXELS = 1_600  # of the longer side: larger is slower and not read better


@cache
def ocr_languages() -> str | None:
    """The installed ones of LANGUAGES, as Tesseract takes them ('kor+eng'); none where it is not installed."""
    if shutil.which("tesseract") is None:
        return None
    import pytesseract

    installed = set(pytesseract.get_languages())
    return "+".join(language for language in LANGUAGES if language in installed) or None


def require_ocr() -> str:
    """As `ocr_languages`; raises NotReady saying how to install it."""
    languages = ocr_languages()
    if languages is None:
        raise NotReady(
            N_("Reading images needs Tesseract. On Debian or Ubuntu: apt-get install tesseract-ocr tesseract-ocr-kor")
        )
    return languages


def read_image(path: Path, languages: str) -> tuple[str, float]:
    """(the words that Tesseract is sure of, their mean confidence 0..1); ('', 0) for an image that cannot be read."""
    import pytesseract

    from models.image.decode import MAX_FILE_BYTES, read_picture

    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            return "", 0.0
        picture = read_picture(path.read_bytes(), MAX_PIXELS).image
        if picture is None:
            return "", 0.0
        found = pytesseract.image_to_data(picture, lang=languages, timeout=SECONDS, output_type=pytesseract.Output.DICT)
    except (OSError, RuntimeError):  # it went away; Tesseract failed or took too long
        return "", 0.0
    sure = [
        (word, float(confidence))
        for word, confidence in zip(found["text"], found["conf"], strict=True)
        if word.strip() and float(confidence) >= LEAST_CONFIDENCE
    ]
    if not sure:
        return "", 0.0
    return " ".join(word for word, _ in sure), sum(confidence for _, confidence in sure) / len(sure) / 100
