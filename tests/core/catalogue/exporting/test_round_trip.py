"""What was exported comes back as it was: through the real import, for any text that products can hold."""

import csv
import itertools
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.catalogue.exporting.exporting import get_export, start_export
from core.catalogue.exporting.request import FORMATS, ExportRequest
from core.catalogue.import_options import ImportOptions
from core.catalogue.importing import JOB, import_payload
from core.jobs.queue import enqueue
from core.jobs.worker import run_claimed
from core.people import sign_in_local
from core.runtime import Runtime, open_runtime
from core.settings import Settings
from core.types import Actor, utc_now
from db.enums import JobStatus, LabelSource
from db.tables import Base, CategoryRow, LabelRow, MallCategoryRow, MallRow, ProductRow
from tests.core.catalogue.importing_help import run_next

# What spreadsheets, CSV readers and normal forms stumble over.
NASTY = ["=1+1", "'=1", "''+x", "-1", "@SUM(A1)", "＝1", "'quoted'", '"', 'a"b', ";", "a;b;c", ",", "\t", "\n", "\r\n"]
NASTY += [
    "한글",
    unicodedata.normalize("NFD", "한글 상품"),
    "👨‍👩‍👧‍👦",
    "é",
    "null",
    "N/A",
    "-",
    "a > b",
    "a/b",
    "|",
    "\u2028",
    "\\",
]
PIECES = st.one_of(st.sampled_from(NASTY), st.text(st.characters(exclude_categories=("Cs",)), max_size=8))
TEXT = st.lists(PIECES, max_size=4).map("".join)
TITLE = TEXT.map(lambda text: text + "x")
PRICES = st.none() | st.decimals("0", "999999999999.99", places=2)
TIMES = st.none() | st.datetimes(datetime(1971, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "title": TITLE,
            "external_id": st.none() | TEXT,
            "mall": st.none() | st.sampled_from(["몰", "=Shop", "A/B", "'-"]),
            "mall_category": st.none() | TEXT,
            "brand": st.none() | TEXT,
            "image": st.none() | TEXT,
            "price": PRICES,
            "registered_at": TIMES,
            "category": st.none() | st.lists(TITLE, min_size=1, max_size=3).map(tuple),
        }
    ),
    min_size=1,
    max_size=6,
)


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Two SQLite databases, emptied for each example."""
    opened = [open_runtime(Settings(data_dir=tmp_path_factory.mktemp(name))) for name in ("here", "there")]
    yield opened
    for runtime in opened:
        runtime.close()


def empty(runtime: Runtime) -> Actor:
    with runtime.sessions.write(durable=False) as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(sa.delete(table))
    return sign_in_local(runtime, "tester")


def bring_in(runtime: Runtime, actor: Actor, path: Path, source: str = "shop") -> dict[str, Any]:
    job = run_claimed(
        runtime, enqueue(runtime, actor, JOB, import_payload(path, source, ImportOptions()), worker="w"), "w"
    )
    assert job.status == JobStatus.SUCCEEDED, job.error
    return job.result


def taken_out(runtime: Runtime, actor: Actor, request: ExportRequest) -> Path:
    export_id = start_export(runtime, actor, request)
    job = run_next(runtime)
    assert job.status == JobStatus.SUCCEEDED, job.error
    path = get_export(runtime, actor, export_id).path
    assert path
    return path


def contents(runtime: Runtime) -> list[tuple[Any, ...]]:
    """Everything about the products and their labels that does not depend on when and where."""
    query = (
        sa.select(
            ProductRow.source,
            ProductRow.external_id,
            ProductRow.title,
            ProductRow.brand,
            MallRow.name,
            MallCategoryRow.path,
            ProductRow.price,
            ProductRow.image,
            ProductRow.registered_at,
            CategoryRow.path,
            ProductRow.content_hash,
        )
        .outerjoin(MallRow, MallRow.id == ProductRow.mall_id)
        .outerjoin(MallCategoryRow, MallCategoryRow.id == ProductRow.mall_category_id)
        .outerjoin(CategoryRow, CategoryRow.id == ProductRow.category_id)
        .order_by(ProductRow.source, ProductRow.external_id)
    )
    with runtime.sessions.read() as session:
        return [tuple(row) for row in session.execute(query)]


def put(runtime: Runtime, rows: list[dict[str, Any]]) -> None:
    """Products of two sources as an import makes them of these cells."""
    from core.catalogue.blocks import Block, cell_text
    from core.catalogue.import_options import options_from
    from core.catalogue.product_writer import ProductWriter
    from core.catalogue.rows import RowMapper

    names = list(rows[0])
    options = options_from({"columns": {name: [name] for name in names}, "separator": "\x1f"})
    cells = [
        ["\x1f".join(value) if isinstance(value, tuple) else cell_text(value) for value in row.values()] for row in rows
    ]
    for source, part in (("=shop", cells[::2]), ("가게 'B'", cells[1::2])):
        mapper = RowMapper(names, options, source)
        drafts, _ = mapper.convert(Block(list(range(len(part))), part))
        with runtime.sessions.write(durable=False) as session:
            ProductWriter(source, mapper.fields).write(session, drafts, utc_now())


@pytest.mark.parametrize("file_format", FORMATS)
@given(rows=ROWS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_import_of_export_is_the_same(houses: list[Runtime], file_format: str, rows: list[dict[str, Any]]) -> None:
    here, there = houses
    actor, other = empty(here), empty(there)
    put(here, rows)
    before = contents(here)
    if not before:
        return
    path = taken_out(here, actor, ExportRequest("products", file_format))
    facts = bring_in(there, other, path)
    assert facts["rows_rejected"] == 0
    assert contents(there) == before
    again = bring_in(here, actor, path)
    assert again["rows_unchanged"] == len(before)
    path.unlink()


def test_what_people_decided_is_repeated_by_no_import(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    """An export imported where it came from adds no label to any product."""
    put(runtime, [{"title": f"t{n}", "external_id": str(n), "category": ("A", "B")} for n in range(4)])
    with runtime.sessions.write() as session:
        product = session.scalars(sa.select(ProductRow).limit(1)).one()
        other = CategoryRow(depth=1, name="C", path="C", created_at=utc_now())
        session.add(other)
        session.flush()
        product.category_id, product.label_source = other.id, LabelSource.HUMAN
        human = {"product_id": product.id, "category_id": other.id, "source": LabelSource.HUMAN}
        session.add(LabelRow(**human, person_id=actor.person_id, created_at=utc_now()))
    before = contents(runtime)
    path = taken_out(runtime, actor, ExportRequest("products", "csv"))
    bring_in(runtime, actor, path)
    assert [row[:10] for row in contents(runtime)] == [row[:10] for row in before]
    with runtime.sessions.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(LabelRow)) == 5
        assert session.get_one(ProductRow, product.id).label_source == LabelSource.HUMAN


def test_no_cell_of_a_csv_is_a_formula(sqlite_runtime: Runtime, actor: Actor) -> None:
    put(sqlite_runtime, [{"title": text + "x", "external_id": f"@{n}", "brand": text} for n, text in enumerate(NASTY)])
    path = taken_out(sqlite_runtime, actor, ExportRequest("products", "csv"))
    with path.open(encoding="utf-8-sig", newline="") as file:
        cells = list(itertools.chain(*csv.reader(file)))
    assert not [cell for cell in cells if cell[:1] in "=+-@\t\r\n＝＋－＠" and cell]
    assert path.read_bytes().startswith(b"\xef\xbb\xbfshelfwright_id,source,external_id,title")


def test_prices_and_times_keep_their_types_in_parquet(sqlite_runtime: Runtime, actor: Actor) -> None:
    import pyarrow.parquet as pq

    at = datetime(2026, 5, 1, 10, 30, 0, 123456, UTC)
    put(sqlite_runtime, [{"title": "t", "price": Decimal("1234.50"), "registered_at": at}])
    [row] = pq.read_table(taken_out(sqlite_runtime, actor, ExportRequest("products", "parquet"))).to_pylist()
    assert (row["price"], row["registered_at"], row["source"]) == (Decimal("1234.50"), at, "=shop")
