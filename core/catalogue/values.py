"""One cell's text into a value: titles, prices, dates as shops write them. A bad one becomes a `Bad`."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from core.catalogue import rejects
from core.catalogue.rejects import Reason

MAX_TITLE = 2_000  # characters
MAX_TEXT = 2_000
MAX_PRICE = Decimal("999999999999.99")  # what the column holds
NOTHING = frozenset({"", "null", "none", "nan", "n/a", "na", "nil", "\\n", "-", "#n/a"})  # case-folded
# Not Cf as a whole: zero-width joiners hold emoji together.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ufffe\uffff]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_PRICE = re.compile(r"^[^\d+\-.,]*([+-]?\d[\d.,'’\s]*|[+-]?[.,]\d+)\D*$")
_CLOCK = r"(?:[\sT]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?$"
_YEAR_FIRST = re.compile(r"^(\d{4})\s*[-./년]\s*(\d{1,2})\s*[-./월]\s*(\d{1,2})\s*[.일]?" + _CLOCK)
_YEAR_LAST = re.compile(r"^(\d{1,2})\s*([-./])\s*(\d{1,2})\s*[-./]\s*(\d{4})" + _CLOCK)


@dataclass(frozen=True)
class Bad:
    """A cell that cannot be used, and why."""

    reason: Reason


class Memo(dict[Any, Any]):
    """Remembers what `convert` made of each value: columns repeat themselves. Forgets all when it grows large."""

    def __init__(self, convert: Callable[[Any], Any], limit: int = 50_000) -> None:
        super().__init__()
        self._convert, self._limit = convert, limit

    def __missing__(self, key: Any) -> Any:
        value = self._convert(key)
        if len(self) >= self._limit:
            self.clear()
        self[key] = value
        return value


def clean_text(text: str) -> str:
    """NFC, single spaces, without control characters, invisible marks and lone surrogates."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if not text.isprintable():
        text = _SURROGATES.sub(" ", _INVISIBLE.sub(" ", text))
    return " ".join(text.split())


def is_cleaned_of_controls(text: str) -> bool:
    """Whether `clean_text` takes out more than white space."""
    return not text.isprintable() and bool(_INVISIBLE.search(text) or _SURROGATES.search(text))


def to_title(text: str) -> str | Bad:
    """The title as it is kept, or why it cannot be."""
    if "\0" in text:
        return Bad(Reason(rejects.HAS_NUL))
    title = clean_text(text) if len(text) <= 10 * MAX_TITLE else text
    if len(title) > MAX_TITLE:
        return Bad(Reason(rejects.TOO_LONG, {"found": len(title), "limit": MAX_TITLE}))
    return title or Bad(Reason(rejects.NO_TITLE))


def to_text(text: str) -> str | Bad | None:
    """An optional text; words for 'nothing' (null, NaN, -) are none."""
    if "\0" in text:
        return Bad(Reason(rejects.HAS_NUL))
    if len(text) > MAX_TEXT:
        return Bad(Reason(rejects.TOO_LONG, {"found": len(text), "limit": MAX_TEXT}))
    cleaned = clean_text(text)
    return None if cleaned.casefold() in NOTHING else cleaned


def to_price(text: str, decimal_comma: bool = False) -> Decimal | Bad | None:
    """A price in its currency's units: '1,234.50', '12 900원', '3,99', '€ 1.234,50'.

    With both signs the last one is the decimal sign. A single one before three digits separates
    thousands when it is a comma ('12,900') and is decimal when it is a point, unless `decimal_comma`.
    """
    cleaned = to_text(text)
    if not isinstance(cleaned, str):
        return cleaned
    found = _PRICE.match(cleaned)
    if not found:
        return Bad(Reason(rejects.NOT_A_PRICE, {"value": cleaned[:80]}))
    digits = re.sub(r"[\s'’]", "", found[1]).rstrip(".,")
    try:
        price = Decimal(_plain_number(digits, decimal_comma)).quantize(Decimal("0.01"))
    except InvalidOperation:
        return Bad(Reason(rejects.NOT_A_PRICE, {"value": cleaned[:80]}))
    return price if 0 <= price <= MAX_PRICE else Bad(Reason(rejects.PRICE_RANGE))


def _plain_number(digits: str, decimal_comma: bool) -> str:
    """'1.234,50' as '1234.50'."""
    point, comma = digits.rfind("."), digits.rfind(",")
    if point >= 0 and comma >= 0:
        decimal = "." if point > comma else ","
    elif comma >= 0:
        decimal = "," if digits.count(",") == 1 and (len(digits) - comma != 4 or decimal_comma) else ""
    elif point >= 0:
        decimal = "." if digits.count(".") == 1 and not (decimal_comma and len(digits) - point == 4) else ""
    else:
        return digits
    whole, _, part = digits.rpartition(decimal) if decimal else (digits, "", "")
    return re.sub("[.,]", "", whole) + (f".{part}" if part else "")


def to_time(text: str, date_order: str = "") -> datetime | Bad | None:
    """A date or time; without a zone it is taken as UTC. Years 1970 to 2100.

    ISO, 20230515, 2023.05.15, 2023/5/15, '2023년 5월 15일', 15.05.2023, Unix seconds. With `date_order`
    'dmy' or 'mdy' also 03/04/2023, which else is refused when it could be either.
    """
    cleaned = to_text(text)
    if not isinstance(cleaned, str):
        return cleaned
    bad = Bad(Reason(rejects.NOT_A_DATE, {"value": cleaned[:80]}))
    try:
        if cleaned.isdigit() and cleaned.isascii():
            found = _from_digits(cleaned)
        elif match := _YEAR_FIRST.match(cleaned):
            found = datetime(int(match[1]), int(match[2]), int(match[3]), *_clock(match, 4))
        elif match := _YEAR_LAST.match(cleaned):
            order = date_order or _order_of(int(match[1]), match[2], int(match[3]))
            if not order:
                return Bad(Reason(rejects.WHICH_DATE, {"value": cleaned[:80]}))
            day, month = (match[1], match[3]) if order == "dmy" else (match[3], match[1])
            found = datetime(int(match[4]), int(month), int(day), *_clock(match, 5))
        else:
            found = datetime.fromisoformat(cleaned)
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return bad
    return found if 1970 <= found.year <= 2100 else bad


def _clock(match: re.Match[str], group: int) -> tuple[int, int, int]:
    """Hour, minute and second from three groups; 0 where nothing stands."""
    return int(match[group] or 0), int(match[group + 1] or 0), int(match[group + 2] or 0)


def _from_digits(digits: str) -> datetime:
    """20230515, 20230515103000, or Unix seconds or milliseconds. Raises ValueError."""
    if len(digits) == 8:
        return datetime.strptime(digits, "%Y%m%d")
    if len(digits) == 14:
        return datetime.strptime(digits, "%Y%m%d%H%M%S")
    if len(digits) in (10, 13):
        return datetime.fromtimestamp(int(digits[:10]), UTC)
    raise ValueError(digits)


def _order_of(first: int, sign: str, second: int) -> str:
    """'dmy', 'mdy', or '' when it cannot be told."""
    if sign == "." or first > 12:
        return "dmy"
    return "mdy" if second > 12 else "dmy" if first == second else ""
