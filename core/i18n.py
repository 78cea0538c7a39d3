"""Translations: one .po file a room under locale/<language>/, read without a build step."""

import gettext
import io
from functools import cache

from core.errors import AppError
from core.settings import ROOT

LANGUAGES = {"en": "English", "ko": "한국어"}


@cache
def translations(language: str) -> gettext.NullTranslations:
    """What `language` says for each English message; English says it unchanged."""
    files = sorted((ROOT / "locale" / language).glob("*.po"))
    if not files:
        return gettext.NullTranslations()
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    merged = Catalog(locale=language)
    for path in files:
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                if message.id:
                    merged[message.id] = message
    binary = io.BytesIO()
    write_mo(binary, merged)
    binary.seek(0)
    return gettext.GNUTranslations(binary)


def pick_language(preferred: str | None) -> str:
    """The language to speak to a browser that asks for `preferred` (such as 'ko-KR')."""
    code = (preferred or "en").split("-")[0].lower()
    return code if code in LANGUAGES else "en"


def error_text(error: AppError, language: str) -> str:
    """An error in `language`, also where one of its values is an error."""
    template = translations(language).gettext(error.template)
    values = {
        name: error_text(value, language) if isinstance(value, AppError) else value
        for name, value in error.values.items()
    }
    return template.format(**values) if values else template
