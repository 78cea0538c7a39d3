"""Trees, files of new versions and labeled products for the tests of this folder."""

import csv
import uuid
from pathlib import Path

from core.catalogue.taxonomy import SEPARATOR, ensure_categories
from core.runtime import Runtime
from core.types import utc_now
from db.enums import LabelSource
from db.tables import LabelRow, ProductRow


def grow(runtime: Runtime, *paths: str) -> dict[str, int]:
    """Make these categories; path -> id."""
    with runtime.sessions.write() as session:
        ids = ensure_categories(session, [tuple(path.split(SEPARATOR)) for path in paths], utc_now())
    return {SEPARATOR.join(path): id_ for path, id_ in ids.items()}


def add_labeled(runtime: Runtime, category_id: int, n: int = 1) -> list[int]:
    """Products with this imported label; their ids."""
    now = utc_now()
    with runtime.sessions.write() as session:
        rows = [
            ProductRow(
                source="test",
                external_id=uuid.uuid4().hex,
                title=f"상품 {number}",
                content_hash="",
                category_id=category_id,
                label_source=LabelSource.IMPORT,
                labeled_at=now,
                created_at=now,
                updated_at=now,
            )
            for number in range(n)
        ]
        session.add_all(rows)
        session.flush()
        session.add_all(
            LabelRow(product_id=row.id, category_id=category_id, source=LabelSource.IMPORT, created_at=now)
            for row in rows
        )
        return [row.id for row in rows]


def write_csv(path: Path, *rows: tuple[str, ...]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def write_tree(folder: Path, *paths: str) -> Path:
    return write_csv(folder / "new.csv", ("path",), *[(path,) for path in paths])


def write_mapping(folder: Path, *pairs: tuple[str, str]) -> Path:
    return write_csv(folder / "mapping.csv", ("src", "dst"), *pairs)
