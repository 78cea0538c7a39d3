"""Small JSON files that are there whole or not at all: written beside their place, then renamed."""

import json
from pathlib import Path
from typing import Any


def write_json(path: Path, value: Any) -> None:
    """Replace the file at once; killed in the middle, the older one stays."""
    unfinished = path.with_suffix(".partial")
    unfinished.write_text(json.dumps(value), "utf-8")
    unfinished.replace(path)


def read_json(path: Path) -> Any:
    """The value; none when there is no file."""
    return json.loads(path.read_text("utf-8")) if path.exists() else None
