"""How a file is read and mapped: what was detected, chosen, remembered for a source, or written in a TOML file."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from core.catalogue.columns import check_field
from core.catalogue.encodings import check_delimiter, check_encoding
from core.errors import N_, InvalidInput
from core.runtime import Runtime
from db import imports

DATE_ORDERS = ("", "dmy", "mdy")
NO_CATEGORY = ("unbekannt", "unknown", "uncategorized", "미분류", "미지정", "sin categoria")


@dataclass(frozen=True)
class ImportOptions:
    """Empty means: detect it. `columns` is field -> headings; several headings are levels, outermost first."""

    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""  # of a workbook; the first one when empty
    separator: str | None = None  # between the levels of a category path; '' for one level
    decimal_comma: bool | None = None
    date_order: str = ""  # 'dmy', 'mdy'; for dates that could be either
    taxonomy: str = ""  # a file code -> path: then the category column holds codes
    no_category: tuple[str, ...] = NO_CATEGORY  # a path of nothing but such names is no category
    is_export: bool = False  # the file is our own (`own_exports`): sources and keys as they stand

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"columns": {name: list(headings) for name, headings in self.columns.items()}}


def options_from(values: Mapping[str, Any]) -> ImportOptions:
    """Options from JSON or TOML. Raises InvalidInput for an unknown name or a value of the wrong kind."""
    known = ImportOptions.__dataclass_fields__
    for name in values:
        if name not in known:
            raise InvalidInput(
                N_("There is no import option '{name}'. The options are: {options}."),
                name=name,
                options=", ".join(known),
            )
    result = replace(ImportOptions(), **{name: _checked(name, value) for name, value in values.items()})
    if result.date_order not in DATE_ORDERS:
        raise InvalidInput(N_("The order of dates is dmy or mdy, not '{order}'."), order=result.date_order)
    return replace(
        result,
        encoding=check_encoding(result.encoding) if result.encoding else "",
        delimiter=check_delimiter(result.delimiter) if result.delimiter else "",
    )


def _checked(name: str, value: Any) -> Any:
    wrong = InvalidInput(N_("The import option '{name}' cannot be '{value}'."), name=name, value=value)
    if name == "columns":
        if not isinstance(value, Mapping):
            raise wrong
        return {check_field(field): _names(headings, wrong) for field, headings in value.items()}
    if name == "no_category":
        return _names(value, wrong)
    if name == "is_export":
        return bool(value)
    if name == "decimal_comma":
        if value is not None and not isinstance(value, bool):
            raise wrong
        return value
    if value is None and name == "separator":
        return None
    if not isinstance(value, str):
        raise wrong
    return value


def _names(value: Any, wrong: InvalidInput) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise wrong
    return tuple(names)


def read_options_file(path: Path) -> tuple[ImportOptions, str | None]:
    """The options of a TOML file, and the source's name if it stands there. Raises InvalidInput."""
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput(N_("{file} cannot be read as options: {reason}"), file=path.name, reason=error) from None
    source = values.pop("source", None)
    return options_from(values), check_source(source) if source is not None else None


def to_toml(options: ImportOptions, source: str) -> str:
    """The options as a TOML file for `cli.py import --options`."""
    lines = [f"source = {_toml(source)}"]
    plain = {
        name: value for name, value in options.to_json().items() if name not in ("columns", "no_category", "is_export")
    }
    lines += [f"{name} = {_toml(value)}" for name, value in plain.items() if value not in ("", None)]
    lines += ["", "[columns]"]
    lines += [f"{name} = {_toml(list(headings))}" for name, headings in options.columns.items()]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    """JSON's strings, lists and booleans are TOML's too."""
    import json

    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def check_source(name: object) -> str:
    """A source's name: 1 to 80 printable characters. Raises InvalidInput."""
    text = " ".join(str(name).split())
    if not text or len(text) > 80 or not text.isprintable():
        raise InvalidInput(N_("A source's name has 1 to 80 printable characters."))
    return text


def remembered_options(runtime: Runtime, source: str) -> ImportOptions | None:
    """What was chosen for this source last time."""
    with runtime.sessions.read() as session:
        values = imports.find_source_options(session, source)
    return options_from(values) if values else None
