"""Rows a second and peak memory of an export, beside the same rows written through ORM objects and pandas.

`python -m bench.exports [--rows 300000] [--database-url URL] [--quick]`
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.import_speed import generated
from core.catalogue.exporting.exporting import JOB, export_payload
from core.catalogue.exporting.request import ExportRequest
from core.catalogue.import_options import ImportOptions
from core.catalogue.importing import JOB as IMPORT_JOB
from core.catalogue.importing import import_payload
from core.jobs.queue import enqueue
from core.jobs.worker import run_claimed
from core.people import sign_in_local
from core.runtime import Runtime, open_runtime
from core.settings import ROOT, Settings
from core.types import utc_now
from db.enums import DecisionKind
from db.tables import CategoryRow, DecisionRow, MallRow, ProductRow

LABEL_STUDIO_ROWS = 220  # a second, as reported for its own export
OURS = [("products", "csv"), ("products", "jsonl"), ("products", "parquet"), ("labels", "csv"), ("decisions", "csv")]
OURS += [("decisions", "parquet"), ("label-studio", "json")]
PEER_ROWS = 50_000  # the peer's speed does not depend on how many


def fill(runtime: Runtime, n_rows: int, folder: Path) -> None:
    """So many products with an imported label, and a decision of each."""
    actor = sign_in_local(runtime, "bench")
    path = folder / "products.csv"
    generated(path, n_rows)
    job_id = enqueue(runtime, actor, IMPORT_JOB, import_payload(path, "bench", ImportOptions()), worker="bench")
    job = run_claimed(runtime, job_id, "bench")
    if job.error:
        sys.exit(job.error)
    with runtime.sessions.write() as session:
        said = sa.select(
            sa.literal("bench-").op("||")(sa.cast(ProductRow.id, sa.Text)),
            sa.literal(DecisionKind.LABEL.value),
            ProductRow.id,
            sa.literal(actor.person_id),
            ProductRow.category_id,
            sa.literal(utc_now(), DecisionRow.created_at.type),
            sa.false(),
            sa.false(),
        )
        columns = ["idempotency_key", "kind", "product_id", "person_id", "category_id", "created_at"]
        session.execute(sa.insert(DecisionRow).from_select([*columns, "is_blind", "is_gold_check"], said))


def ours(runtime: Runtime, what: str, file_format: str) -> dict[str, Any]:
    """An export as the worker does it."""
    actor = sign_in_local(runtime, "bench")
    payload = export_payload(runtime, actor, ExportRequest(what, file_format))
    job = run_claimed(runtime, enqueue(runtime, actor, JOB, payload, worker="bench"), "bench")
    if job.error:
        sys.exit(job.error)
    return job.result


def peer(runtime: Runtime, n_rows: int) -> dict[str, Any]:
    """The usual way: ORM objects into a frame, the frame into a CSV, all in memory."""
    import pandas as pd

    started = time.perf_counter()
    with runtime.sessions.read() as session:
        paths = {row.id: row.path for row in session.scalars(sa.select(CategoryRow))}
        malls = {row.id: row.name for row in session.scalars(sa.select(MallRow))}
        rows = [
            {
                "id": row.id,
                "source": row.source,
                "external_id": row.external_id,
                "title": row.title,
                "brand": row.brand,
                "mall": malls.get(row.mall_id or 0),
                "price": row.price,
                "image": row.image,
                "registered_at": row.registered_at,
                "category": paths.get(row.category_id or 0),
                "label_source": row.label_source,
                "labeled_at": row.labeled_at,
            }
            for row in session.scalars(sa.select(ProductRow).order_by(ProductRow.id).limit(n_rows))
        ]
    pd.DataFrame(rows).to_csv(runtime.data_dir / "peer.csv", index=False)
    seconds = time.perf_counter() - started
    return {"rows": len(rows), "rows_per_second": round(len(rows) / seconds)}


def _alone(arguments: list[str]) -> dict[str, Any]:
    """Each contender in a process of its own, so that its peak memory is its own."""
    command = [sys.executable, "-m", "bench.exports", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--quick", action="store_true", help="20,000 rows")
    parser.add_argument("--database-url", default="", help="an empty PostgreSQL database; SQLite when not given")
    parser.add_argument("--do", default="", help=argparse.SUPPRESS)
    parser.add_argument("--data-dir", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    n_rows = 20_000 if asked.quick else asked.rows
    if asked.do:
        runtime = open_runtime(Settings(data_dir=asked.data_dir, database_url=asked.database_url))
        what, _, file_format = asked.do.partition("/")
        tasks: dict[str, Callable[[], Any]] = {
            "fill": lambda: fill(runtime, n_rows, asked.data_dir) or {},
            "peer": lambda: peer(runtime, min(n_rows, PEER_ROWS)),
            "nothing": dict,
        }
        facts = tasks[what]() if what in tasks else ours(runtime, what, file_format)
        print(json.dumps(facts | {"peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)}))
        return
    with tempfile.TemporaryDirectory() as folder:
        common = ["--data-dir", folder, "--database-url", asked.database_url, "--rows", str(n_rows)]
        _alone(["--do", "fill", *common])
        plain = _alone(["--do", "peer", *common])
        idle = _alone(["--do", "nothing", *common])["peak_mb"]
        print(f"{n_rows:,} products, each with a label and a decision; an idle process takes {idle} MB")
        print(f"{'ORM + pandas, products csv':28} {plain['rows_per_second']:>9,} rows/s  peak {plain['peak_mb']} MB")
        for what, file_format in OURS:
            facts = _alone(["--do", f"{what}/{file_format}", *common])
            rate = facts["rows_per_second"]
            print(
                f"{what + ' ' + file_format:28} {rate:>9,} rows/s  peak {facts['peak_mb']} MB  "
                f"{rate / plain['rows_per_second']:.1f}x ORM + pandas, {rate / LABEL_STUDIO_ROWS:.0f}x Label Studio"
            )


if __name__ == "__main__":
    main()
