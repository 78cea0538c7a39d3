"""Which columns of a taxonomy file hold the path, its English form and the code."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.catalogue.columns import is_taxonomy, looks_like_code, propose_columns
from core.errors import N_, InvalidInput

_LANGUAGE = re.compile(r"^(.+?)[ _.(-]+(ko|kr|en|ja|jp|zh|de|es|fr|it|pt|한국어|영어|일본어)\)?$", re.IGNORECASE)
_SAME = {"kr": "ko", "jp": "ja", "한국어": "ko", "영어": "en", "일본어": "ja"}
_IDS = {"id", "번호", "no", "key", "uid", "gid"}
_NAMES = {"name", "이름", "nombre", "bezeichnung"}


@dataclass(frozen=True)
class TaxonomyColumns:
    """Places of columns: `path` and `english` are one column with a whole path, or one a level."""

    path: tuple[int, ...]
    english: tuple[int, ...]
    code: int | None


def find_columns(file_name: str, headings: Sequence[str], language: str = "") -> TaxonomyColumns:
    """Read the headings. `language` ('ko', 'en' ...) chooses the names where the file has several.

    Raises InvalidInput when no column names categories, or not in that language, or when these are products.
    """
    by_language: dict[str, dict[str, int]] = {}
    for place, heading in enumerate(headings):
        match = _LANGUAGE.match(heading.strip())
        base, code = (match[1], match[2].lower()) if match else (heading, "")
        by_language.setdefault(_SAME.get(code, code), {}).setdefault(base, place)
    paths = {name: found for name, columns in by_language.items() if (found := _path(columns))}
    if not paths:
        raise InvalidInput(
            N_(
                "{file} has no column with category paths or levels (such as path, or level1, level2). "
                "It has: {headings}."
            ),
            file=file_name,
            headings=", ".join(headings[:40]),
        )
    _refuse_products(file_name, headings)
    if language and language not in paths:
        raise InvalidInput(
            N_("{file} has no names in '{language}'. It has: {languages}."),
            file=file_name,
            language=language,
            languages=", ".join(name or "-" for name in paths),
        )
    main = language or next((name for name in ("ko", "") if name in paths), next(iter(paths)))
    english = paths.get("en", ()) if main != "en" else ()
    return TaxonomyColumns(paths[main], english, _code(headings))


def _refuse_products(file_name: str, headings: Sequence[str]) -> None:
    """A tree has no prices and no titles; but a plain 'name' may be a category's."""
    found = propose_columns(headings)
    told = [found[field][0] for field in ("price", "image", "brand", "mall") if field in found]
    title = found.get("title", ("",))[0]
    if title and title.strip().casefold() not in _NAMES and not is_taxonomy(headings):
        told.append(title)
    if told:
        raise InvalidInput(
            N_(
                "{file} holds products and no category tree: it has the column '{heading}'. Import it as products, "
                "with a source."
            ),
            file=file_name,
            heading=told[0],
        )


def _path(columns: dict[str, int]) -> tuple[int, ...]:
    found = propose_columns(list(columns)).get("category", ())
    if len(found) == 1 and looks_like_code(found[0]):
        return ()
    return tuple(columns[name] for name in found)


def _code(headings: Sequence[str]) -> int | None:
    named = (place for place, heading in enumerate(headings) if looks_like_code(heading))
    ids = (place for place, heading in enumerate(headings) if heading.strip().casefold() in _IDS)
    return next(named, next(ids, None))
