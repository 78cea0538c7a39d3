"""The page 'People and model' on a large catalogue: what it answers in while a job keeps the numbers, beside working
them out on each opening; on SQLite and PostgreSQL, with made-up votes.

Prints the seconds of working them out (the job), of the page's first look, of a look that other filters ask for, of a
page of products behind a number (the first, and one that hardly any product belongs to), and the ratio.

`python -m bench.error_rates [--quick] [--products 1000000] [--gold 50000] [--databases sqlite,postgresql]`
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.analysis.error_rates import JOB, get_error_rates
from core.analysis.judged_products import Cell, list_judged_products
from core.analysis.measuring import measure
from core.catalogue.taxonomy import ensure_categories
from core.jobs.queue import enqueue
from core.jobs.worker import run_claimed, worker_name
from core.people import sign_in_local
from core.runtime import Runtime, open_runtime
from core.settings import Settings
from core.types import utc_now
from db.enums import ModelStatus
from db.tables import ModelVersionRow, PromotionRow
from tests.machine import find_postgres
from tests.postgres import postgres_server

GROUPS, LEAVES_EACH, VOTES = 20, 20, 3
NUMBERS = "WITH RECURSIVE numbers(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM numbers WHERE i < :n) "
LEAF = ":leaf + i * 7919 % :leaves"
OTHER = ":leaf + (i * 7919 + 1) % :leaves"
PRODUCTS = f"""
INSERT INTO products (id, source, external_id, title, content_hash, category_id, label_source, labeled_at,
                      created_at, updated_at)
SELECT i, 'bench', 'p' || i, 'Trousers 바지 no ' || i, 'x', {LEAF}, CASE WHEN i <= :gold THEN 'gold' ELSE 'import' END,
       :now, :now, :now FROM numbers
"""
SPLITS = "INSERT INTO product_splits (product_id, group_key, fold) SELECT i, 'g' || i, 0 FROM numbers"
PREDICTIONS = f"""
INSERT INTO predictions (model_version_id, product_id, category_id, confidence, margin, top, abstained)
SELECT :version, i, CASE WHEN i * 104729 % 1000 < 150 THEN {OTHER} ELSE {LEAF} END, 0.8, 0.5, CAST('[]' AS {{json}}),
       :no FROM numbers
"""
VOTED = f"""
INSERT INTO decisions (id, idempotency_key, kind, product_id, person_id, category_id, is_blind, is_gold_check,
                       created_at)
SELECT (i - 1) * {VOTES} + :slot, 'v' || i || '-' || :slot, 'label', i, :person,
       CASE WHEN (i * 48271 + :slot * 7177) % 1000 < 200 THEN {OTHER} ELSE {LEAF} END, :yes, :no, :now FROM numbers
"""
SETTLED = f"""
INSERT INTO decisions (id, idempotency_key, kind, product_id, person_id, category_id, is_blind, is_gold_check,
                       created_at)
SELECT :gold * {VOTES} + i, 's' || i, 'settle', i, :person, {LEAF}, :no, :no, :now FROM numbers
"""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=1_000_000)
    parser.add_argument("--gold", type=int, default=50_000, help="settled products, each with 3 blind votes")
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--quick", action="store_true", help="20,000 products, 7,000 of them gold: does it run?")
    options = parser.parse_args(arguments)
    if options.quick:
        options.products, options.gold = 20_000, 7_000
    for database in options.databases.split(","):
        if database == "postgresql" and find_postgres() is None:
            print("PostgreSQL: no server binaries here")
            continue
        server = postgres_server(durable=True) if database == "postgresql" else nullcontext("")
        with server as url, tempfile.TemporaryDirectory() as folder:
            runtime = fill(Path(folder), url, options.products, options.gold)
            print(f"{database}: {options.products:,} products, {options.gold * 4:,} decisions, {options.gold:,} gold")
            look(runtime)
            runtime.close()
    return 0


def fill(folder: Path, url: str, n: int, n_gold: int) -> Runtime:
    runtime = open_runtime(Settings(data_dir=folder, database_url=url))
    actor, now = sign_in_local(runtime, "bench"), utc_now()
    people = [sign_in_local(runtime, f"person {slot}").person_id for slot in range(VOTES)]
    with runtime.sessions.write() as session:
        paths = [(f"group {i // LEAVES_EACH}", f"leaf {i}") for i in range(GROUPS * LEAVES_EACH)]
        ids = ensure_categories(session, paths, now)
        version = ModelVersionRow(
            name="v1", status=ModelStatus.READY, config={}, seed=1, created_by=actor.person_id, created_at=now
        )
        session.add(version)
        session.flush()
        session.add(PromotionRow(model_version_id=version.id, person_id=actor.person_id, reason="-", created_at=now))
        values = {"leaf": min(ids.values()), "leaves": len(ids), "version": version.id, "gold": n_gold}
        at = now if url else now.replace(tzinfo=None).isoformat(" ")
        values |= {"now": at, "yes": True, "no": False}
        json = "JSONB" if url else "TEXT"

        def insert(statement: str, rows: int, **more: Any) -> None:
            begun, _, rest = statement.strip().partition("\nSELECT")
            if not rest:
                begun, _, rest = statement.partition(" SELECT")
            session.execute(sa.text(f"{begun} {NUMBERS} SELECT{rest}".format(json=json)), values | {"n": rows} | more)

        insert(PRODUCTS, n)
        insert(SPLITS, n)
        insert(PREDICTIONS, n)
        for slot, person in enumerate(people, start=1):
            insert(VOTED, n_gold, slot=slot, person=person)
        insert(SETTLED, n_gold, person=actor.person_id)
    with runtime.sessions.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))
    return runtime


def look(runtime: Runtime) -> None:
    actor = sign_in_local(runtime, "bench")
    with runtime.sessions.read() as session:
        version_id = session.scalar(sa.select(ModelVersionRow.id)) or 0
    worked_out = timed("worked out anew on opening", lambda: measure(runtime, version_id))
    me = worker_name()
    job_id = enqueue(runtime, actor, JOB, {"version_id": None}, worker=me)
    timed("the job, result kept", lambda: run_claimed(runtime, job_id, me))
    found = get_error_rates(runtime, actor)
    assert found is not None

    def opened() -> None:
        kept = get_error_rates(runtime, actor)
        assert kept is not None
        kept.overall(), kept.rows(), kept.trend()

    page = timed("the page, from what is kept", opened, best_of=5)
    timed("another level of the same", lambda: found.rows(1), best_of=5)
    leaves = tuple(found.sums)
    row = found.rows()[0]
    timed("25 products behind a number", lambda: list_judged_products(runtime, actor, row.leaf_ids, Cell.BOTH), 3)
    rare = max(leaves)  # nothing of group 0 is taken for it
    timed(
        "25 products of a rare cell",
        lambda: list_judged_products(runtime, actor, leaves[:20], Cell.BOTH, confused_with=rare),
        3,
    )
    people, paired, verdict = found.overall()
    assert paired is not None
    print(f"  people {people.value:.3f}, model {paired.model.value:.3f} (made: .200, .150), {verdict.value}")
    print(f"  ratio: the page answers {worked_out / page:.0f} times as fast as working it out")


def timed(name: str, work: Callable[[], Any], best_of: int = 1) -> float:
    seconds = []
    for _ in range(best_of):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    print(f"  {name:<32}{min(seconds):8.3f} s", flush=True)
    return min(seconds)


if __name__ == "__main__":
    raise SystemExit(main())
