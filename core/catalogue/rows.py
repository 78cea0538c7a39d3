"""Rows of text into products: each mapped column converted as a whole; a bad cell rejects its row."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from hashlib import blake2b
from typing import Any, NamedTuple
from unicodedata import normalize

from core.catalogue import own_exports, rejects
from core.catalogue.blocks import Block, record_of
from core.catalogue.columns import FIELDS
from core.catalogue.import_options import ImportOptions
from core.catalogue.rejects import Reason, Reject, for_storage
from core.catalogue.taxonomy import SEPARATOR, Names, clean_path
from core.catalogue.values import Bad, Memo, is_cleaned_of_controls, to_price, to_text, to_time, to_title
from core.errors import InvalidInput
from db.enums import CHECKED_BY_PEOPLE

# So short that the databases' unique indexes take them in any alphabet (characters).
MAX_MALL, MAX_ID, MAX_MALL_CATEGORY = 120, 300, 600
MAX_KEY = MAX_MALL + 1 + MAX_ID  # with the mall before it


class Draft(NamedTuple):
    """A product as the file has it. `key` is its id within the source; `content_hash` covers all that is imported."""

    line: int
    key: str
    content_hash: str
    title: str
    brand: str | None
    mall: str | None
    mall_category: str | None
    price: Decimal | None
    image: str | None
    registered_at: datetime | None
    category: Names | None
    source: str | None = None  # its own, where the file names one for each product
    is_checked: bool = False  # a person gave the category that the file names


class RowMapper:
    """Converts the blocks of one file. `codes` is code -> path (`find_codes`), when the category is a code."""

    def __init__(
        self, headings: Sequence[str], options: ImportOptions, source: str, codes: Mapping[str, Names] | None = None
    ) -> None:
        self.headings = list(headings)
        self.n_cleaned = 0  # titles that lost control characters
        self._source = source
        self._names = {field: names for field, names in options.columns.items() if names}
        self._places = {field: [self.headings.index(name) for name in names] for field, names in self._names.items()}
        self._has_mall = "mall" in self._places and not options.is_export  # there ids are whole
        self._own = [self.headings.index(name) for name in own_exports.EXTRA[1:]] if options.is_export else []
        price = partial(to_price, decimal_comma=bool(options.decimal_comma))
        time = partial(to_time, date_order=options.date_order)
        self._memos: dict[str, Memo] = {
            "brand": Memo(to_text),
            "mall": Memo(partial(_short_text, MAX_MALL)),
            "mall_category": Memo(_mall_category),
            "price": Memo(price),
            "registered_at": Memo(time),
            "category": Memo(_category_of(options, codes)),
        }
        self._time_texts = Memo(str)
        self._plain: dict[str, Callable[[str], Any]] = {
            "title": to_title,
            "external_id": partial(_short_text, MAX_KEY if options.is_export else MAX_ID),
            "image": to_text,
        }

    @property
    def fields(self) -> list[str]:
        """The fields that some column feeds."""
        return list(self._places)

    def convert(self, block: Block) -> tuple[list[Draft], list[Reject]]:
        """The products of a block in their order, and its rejects: rows that were unreadable or hold a bad cell."""
        if not block.rows:
            return [], block.rejects
        cells = list(zip(*block.rows, strict=True))
        columns = {field: self._column(field, cells, len(block.rows)) for field in FIELDS}
        bad = self._bad_rows(block, columns, cells)
        rows = zip(block.lines, *(columns[field] for field in FIELDS), strict=True)
        drafts = [self._draft(*row) for at, row in enumerate(rows) if at not in bad]
        if self._own:
            source, label_source = (cells[place] for place in self._own)
            good = [at for at in range(len(block.rows)) if at not in bad]
            drafts = [
                draft._replace(source=source[at] or None, is_checked=label_source[at] in CHECKED_BY_PEOPLE)
                for at, draft in zip(good, drafts, strict=True)
            ]
        return drafts, sorted([*block.rejects, *bad.values()], key=lambda reject: reject.line)

    def _column(self, field: str, cells: list[tuple[str, ...]], n_rows: int) -> list[Any]:
        """The converted cells of a field, one a row; None throughout when it is not mapped."""
        places = self._places.get(field)
        if not places:
            return [None] * n_rows
        if field == "title":
            self.n_cleaned += sum(map(is_cleaned_of_controls, cells[places[0]]))
        if field in self._plain:
            return list(map(self._plain[field], cells[places[0]]))
        memo = self._memos[field]
        if field in ("category", "mall_category"):
            return [memo[parts] for parts in zip(*(cells[place] for place in places), strict=True)]
        return [memo[text] for text in cells[places[0]]]

    def _bad_rows(
        self, block: Block, columns: Mapping[str, list[Any]], cells: list[tuple[str, ...]]
    ) -> dict[int, Reject]:
        """Row -> its reject, named by its first bad field."""
        bad: dict[int, Reject] = {}
        for field, places in self._places.items():
            if Bad not in map(type, columns[field]):
                continue
            for at, value in enumerate(columns[field]):
                if type(value) is Bad and at not in bad:
                    text = " > ".join(cells[place][at] for place in places)
                    name = " + ".join(self._names[field])
                    record = record_of(self.headings, block.rows[at])
                    bad[at] = Reject(block.lines[at], value.reason, record, name, for_storage(text))
        return bad

    def _draft(
        self,
        line: int,
        title: str,
        external_id: str | None,
        category: Names | None,
        mall: str | None,
        mall_category: str | None,
        brand: str | None,
        price: Decimal | None,
        image: str | None,
        registered_at: datetime | None,
    ) -> Draft:
        if mall is None and mall_category is not None:
            mall = self._source  # a file of one shop: the source is the mall
        if external_id is None:
            key = title_key(mall, title)
        elif self._has_mall and mall is not None:
            key = f"{mall}/{external_id}"  # the ids of two malls may be the same
        else:
            key = external_id
        content = "\x1f".join(
            (
                title,
                brand or "",
                mall or "",
                mall_category or "",
                str(price),
                image or "",
                self._time_texts[registered_at],
                SEPARATOR.join(category) if category else "",
            )
        )
        content_hash = blake2b(content.encode(), digest_size=16).hexdigest()
        return Draft(line, key, content_hash, title, brand, mall, mall_category, price, image, registered_at, category)


def title_key(mall: str | None, title: str) -> str:
    """The key of a product without an id: a hash of its mall and its title, blind to case, width and spaces."""
    plain = "".join(normalize("NFKC", title).casefold().split())
    return "#" + blake2b(f"{mall or ''}\x1f{plain}".encode(), digest_size=12).hexdigest()


def _short_text(limit: int, text: str) -> str | Bad | None:
    cleaned = to_text(text)
    if isinstance(cleaned, str) and len(cleaned) > limit:
        return Bad(Reason(rejects.TOO_LONG, {"found": len(cleaned), "limit": limit}))
    return cleaned


def _mall_category(parts: tuple[str, ...]) -> str | Bad | None:
    """A mall's own category as that mall writes it; levels are joined."""
    cleaned = [_short_text(MAX_MALL_CATEGORY, part) for part in parts]
    bad = next((part for part in cleaned if isinstance(part, Bad)), None)
    return bad or _short_text(MAX_MALL_CATEGORY, SEPARATOR.join(part for part in cleaned if isinstance(part, str)))


def _category_of(
    options: ImportOptions, codes: Mapping[str, Names] | None
) -> Callable[[tuple[str, ...]], Names | Bad | None]:
    """A function from the cells of the category columns to a path; None when they say that there is none."""
    nothing = {name.casefold() for name in options.no_category}
    unknown = rejects.UNKNOWN_CODE if options.taxonomy else rejects.NOT_IN_TREE

    def is_path(text: str) -> bool:
        """Without a taxonomy file it is only the heading that says code: what has levels is a path."""
        return not options.taxonomy and (bool(options.separator and options.separator in text) or is_nothing(text))

    def is_nothing(text: str) -> bool:
        return text.casefold() in nothing

    def convert(cells: tuple[str, ...]) -> Names | Bad | None:
        cleaned = [to_text(cell) for cell in cells]
        bad = next((cell for cell in cleaned if isinstance(cell, Bad)), None)
        if bad:
            return bad
        parts = [cell for cell in cleaned if isinstance(cell, str)]
        if codes is not None and parts and not is_path(parts[0]):
            if parts[0] not in codes:
                return Bad(Reason(unknown, {"value": parts[0][:80]}))
            parts = list(codes[parts[0]])
        elif len(cells) == 1 and options.separator:
            parts = [part for text in parts for part in text.split(options.separator)]
        parts = [part.strip() for part in parts if part.strip()]
        if all(map(is_nothing, parts)):
            return None
        try:
            return clean_path(parts)
        except InvalidInput as error:
            return Bad(Reason(error.template, error.values))

    return convert
