"""Rows a second and peak memory of an import, beside a plain ORM import of the same rows in the same run.

`python -m bench.import_speed [--rows 1000000] [--file FILE] [--database-url URL]`
"""

import argparse
import csv
import gzip
import json
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.catalogue.import_options import ImportOptions
from core.catalogue.importing import JOB, import_payload
from core.jobs.queue import enqueue
from core.jobs.worker import run_claimed
from core.people import sign_in_local
from core.runtime import Runtime, open_runtime
from core.settings import ROOT, Settings
from core.types import utc_now
from db.enums import LabelSource
from db.tables import CategoryRow, LabelRow, MallRow, ProductRow, RevisionRow

REAL = ROOT.parent / "shared/data/heissepreise/products_labelled.csv.gz"
GENERATED_ROWS = 100_000
PEER_ROWS = 20_000  # the peer's speed does not depend on how many
PEER_BATCH = 1_000
HEADINGS = ["id", "title", "mall", "level1", "level2", "level3", "price", "brand", "registered"]


def generated(path: Path, n_rows: int) -> None:
    """A seeded file of `n_rows` products of 40 malls in 4,000 categories."""
    rng = random.Random(7)
    words = [
        f"{a}{b}"
        for a in ("린넨", "데님", "가죽", "울", "Cotton", "Slim")
        for b in ("팬츠", "코트", "백", "셔츠", "Shoes")
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADINGS)
        for number in range(n_rows):
            a, b, c = rng.randrange(10), rng.randrange(20), rng.randrange(20)
            title = f"{rng.choice(words)} {rng.choice(words)} {rng.randrange(10**6)} 정품"
            day = f"202{rng.randrange(5)}{rng.randrange(1, 13):02}{rng.randrange(1, 29):02}"
            levels = (f"대분류 {a}", f"중분류 {b}", f"소분류 {c}")
            price = rng.randrange(100, 10**6) / 10
            writer.writerow(
                [number, title, f"몰{rng.randrange(40)}", *levels, price, f"brand {rng.randrange(900)}", day]
            )


def ours(runtime: Runtime, path: Path) -> dict[str, Any]:
    """The import as `cli.py import` does it, with the longest time that another writer had to wait."""
    actor = sign_in_local(runtime, "bench")
    job_id = enqueue(runtime, actor, JOB, import_payload(path, "bench", ImportOptions()), worker="bench")
    waits: list[float] = []
    stop = threading.Event()
    writer = threading.Thread(target=_write_now_and_then, args=(runtime, stop, waits))
    writer.start()
    cpu = time.process_time()
    try:
        job = run_claimed(runtime, job_id, "bench")
    finally:
        stop.set()
        writer.join()
    if job.error:
        sys.exit(job.error)
    waits.sort()
    return job.result | {
        "writer_waits": len(waits),
        "writer_wait_p50_ms": round(1000 * waits[len(waits) // 2]) if waits else None,
        "writer_wait_max_ms": round(1000 * waits[-1]) if waits else None,
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _write_now_and_then(runtime: Runtime, stop: threading.Event, waits: list[float]) -> None:
    """What an annotator's decision would meet while the import runs."""
    with runtime.sessions.write() as session:
        session.merge(RevisionRow(name="bench", number=0))
    while not stop.wait(0.2):
        started = time.perf_counter()
        with runtime.sessions.write() as session:
            session.execute(sa.update(RevisionRow).where(RevisionRow.name == "bench").values(number=1))
        waits.append(time.perf_counter() - started)


def peer(runtime: Runtime, path: Path) -> float:
    """Rows a second of the usual way: csv.DictReader, ORM objects, add_all, commit a batch at a time."""
    malls: dict[str, int] = {}
    categories: dict[str, int] = {}
    started, n_rows = time.perf_counter(), 0
    for batch in _batches(path):
        with runtime.sessions.write() as session:
            rows = [_orm_product(session, record, n_rows + at, malls, categories) for at, record in enumerate(batch)]
            session.add_all(rows)
            session.flush()
            source, now = LabelSource.IMPORT, utc_now()
            session.add_all(
                [
                    LabelRow(product_id=row.id, category_id=row.category_id, source=source, created_at=now)
                    for row in rows
                ]
            )
        n_rows += len(batch)
    return n_rows / (time.perf_counter() - started)


def _batches(path: Path) -> Iterator[list[dict[str, str]]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        batch: list[dict[str, str]] = []
        for number, record in enumerate(csv.DictReader(file), 1):
            batch.append(record)
            if len(batch) == PEER_BATCH:
                yield batch
                batch = []
            if number == PEER_ROWS:
                break
        if batch:
            yield batch


def _orm_product(
    session: Any, record: dict[str, str], number: int, malls: dict[str, int], categories: dict[str, int]
) -> ProductRow:
    mall, path = record.get("mall") or record["store"], f"{record['level1']} > {record['level2']}"
    if mall not in malls:
        found = MallRow(name=f"peer {mall}")
        session.add(found)
        session.flush()
        malls[mall] = found.id
    if path not in categories:
        node = CategoryRow(depth=1, name=path, path=f"peer {path}", created_at=utc_now())
        session.add(node)
        session.flush()
        categories[path] = node.id
    return ProductRow(
        source="peer",
        external_id=str(number),
        title=record.get("title") or record["name"],
        mall_id=malls[mall],
        price=record["price"] or None,
        content_hash="",
        category_id=categories[path],
        label_source=LabelSource.IMPORT,
        created_at=utc_now(),
        updated_at=utc_now(),
    )


def _in_own_process(what: str, path: Path, database_url: str, data_dir: Path) -> dict[str, Any]:
    """Each contender alone in a process, so that its peak memory is its own."""
    command = [sys.executable, "-m", "bench.import_speed", "--do", what, "--file", str(path)]
    command += ["--database-url", database_url, "--data-dir", str(data_dir)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=0, help="generate so many rows instead of the real file")
    parser.add_argument("--file", type=Path, default=REAL)
    parser.add_argument("--database-url", default="", help="an empty PostgreSQL database; SQLite when not given")
    parser.add_argument("--do", default="", help=argparse.SUPPRESS)
    parser.add_argument("--data-dir", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.do:
        runtime = open_runtime(Settings(data_dir=asked.data_dir, database_url=asked.database_url))
        facts = ours(runtime, asked.file) if asked.do == "ours" else {"rows_per_second": peer(runtime, asked.file)}
        print(json.dumps(facts))
        return
    if not asked.rows and not asked.file.exists():
        print(f"There is no {asked.file}: {GENERATED_ROWS:,} generated rows instead. Name another with --file.")
        asked.rows = GENERATED_ROWS
    with tempfile.TemporaryDirectory() as folder:
        path = asked.file
        if asked.rows:
            path = Path(folder) / f"generated-{asked.rows}.csv"
            generated(path, asked.rows)
        ran = _in_own_process("ours", path, asked.database_url, Path(folder) / "ours")
        again = _in_own_process("ours", path, asked.database_url, Path(folder) / "ours")
        plain = _in_own_process("peer", path, asked.database_url, Path(folder) / "peer")
    ratio = ran["rows_per_second"] / plain["rows_per_second"]
    print(f"{path.name}: {ran['rows_read']:,} rows, {ran['rows_rejected']:,} rejected")
    for name, facts in (("first time", ran), ("once more", again)):
        speed = f"{facts['rows_per_second']:>8,} rows/s  {facts['seconds']:7.1f} s ({facts['cpu_seconds']} s of CPU)"
        print(f"ours, {name:<12} {speed}  peak {facts['peak_mb']} MB")
    print(f"plain ORM import   {plain['rows_per_second']:>8,.0f} rows/s  ({PEER_ROWS:,} rows)")
    print(f"ratio to the plain import: {ratio:.1f}")
    waits = (
        f"median {ran['writer_wait_p50_ms']} ms, longest {ran['writer_wait_max_ms']} ms, {ran['writer_waits']} writes"
    )
    print(f"another writer meanwhile waits: {waits}")


if __name__ == "__main__":
    main()
