"""Claim and decide: milliseconds an annotator waits, with 1 and 8 of them, from 10,000 to 1,000,000 products.

The annotators are threads of one process, as they are in the app (Streamlit gives each browser a thread), and
they use the product's own functions. Closed loop: everybody asks again the moment they are answered, the hardest
there is. Paced: everybody thinks for a quarter of a second on average, four times as fast as people do.
Both databases sync each commit to disk. `--quick` does 10,000 products only.
"""

import argparse
import os
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from bench.queue_shelf import fill
from core.labeling.campaigns import get_campaign
from core.labeling.decisions import record_decision
from core.labeling.queue import claim_task
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import DecisionKind
from db.tables import DecisionRow, LabelRow, ProductRow, TaskRow
from tests.machine import find_postgres
from tests.postgres import postgres_server

PEER = "Label Studio 1.x, 8 annotators, 10,000 tasks: next p50 701, p95 3,579 ms; 33 of 400 tasks given to two people"
GOAL_MS = 20.0
THINK_SECONDS = 0.25
Claim = Callable[[Runtime, Actor, int], tuple[int, int] | None]


@dataclass
class Tally:
    """What the annotators of one run did. Times in ms."""

    claim_ms: list[float] = field(default_factory=list)
    decide_ms: list[float] = field(default_factory=list)
    claimed: list[tuple[int, int]] = field(default_factory=list)  # (task, person)
    acknowledged: list[tuple[int, int, int]] = field(default_factory=list)  # (decision, product, category)
    refused: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0  # of this process: what a busy machine does not change


def safe_claim(runtime: Runtime, actor: Actor, campaign_id: int) -> tuple[int, int] | None:
    task = claim_task(runtime, actor, campaign_id)
    return (task.id, task.product_id) if task else None


def check_then_act(runtime: Runtime, actor: Actor, campaign_id: int) -> tuple[int, int] | None:
    """The usual way, as a baseline: look for the next open task, then write one's name on it."""
    with runtime.sessions.read() as session:
        found = session.execute(
            sa.select(TaskRow.id, TaskRow.product_id)
            .where(TaskRow.campaign_id == campaign_id, TaskRow.status == sa.text("'open'"))
            .order_by(TaskRow.position, TaskRow.id)
            .limit(1)
        ).one_or_none()
    if found is None:
        return None
    with runtime.sessions.write() as session:
        values = {"status": "leased", "annotator_id": actor.person_id, "claimed_at": utc_now()}
        session.execute(sa.update(TaskRow).where(TaskRow.id == found.id).values(values))
    return found.id, found.product_id


def annotate(
    runtime: Runtime, actor: Actor, campaign_id: int, n: int, claim: Claim, think: float, leaves: list[int]
) -> Tally:
    version = get_campaign(runtime, campaign_id).model_version_id  # the page knows it from the card
    tally, dice = Tally(), random.Random(actor.person_id)
    for _ in range(n):
        started = time.perf_counter()
        task = claim(runtime, actor, campaign_id)
        tally.claim_ms.append((time.perf_counter() - started) * 1000)
        if task is None:
            break
        tally.claimed.append((task[0], actor.person_id))
        if think:
            time.sleep(dice.expovariate(1 / think))  # the person, thinking
        leaf = dice.choice(leaves)
        started = time.perf_counter()
        try:
            made = record_decision(
                runtime,
                actor,
                task[0],
                DecisionKind.LABEL,
                leaf,
                f"{task[0]}-{actor.person_id}",
                1,
                think,
                None,
                version,
            )
            tally.acknowledged.append((made.id, task[1], leaf))
        except Exception as error:  # the baseline loses tasks to others, in more ways than one
            tally.refused += 1
            if claim is safe_claim:
                raise error
        tally.decide_ms.append((time.perf_counter() - started) * 1000)
    return tally


def run_people(
    runtime: Runtime, campaign_id: int, n_people: int, n_each: int, claim: Claim = safe_claim, think: float = 0.0
) -> Tally:
    people = [sign_in_local(runtime, f"{claim.__name__} {i}") for i in range(n_people)]
    with runtime.sessions.read() as session:
        leaves = list(session.scalars(sa.select(ProductRow.category_id).distinct().limit(400)))
    tallies: list[Tally] = []
    start = threading.Barrier(n_people + 1)

    def work(person: Actor) -> None:
        start.wait()
        tallies.append(annotate(runtime, person, campaign_id, n_each, claim, think, leaves))

    threads = [threading.Thread(target=work, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    start.wait()
    started, cpu = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.join()
    whole = Tally(seconds=time.perf_counter() - started, cpu_seconds=time.process_time() - cpu)
    for tally in tallies:
        whole.claim_ms += tally.claim_ms
        whole.decide_ms += tally.decide_ms
        whole.claimed += tally.claimed
        whole.acknowledged += tally.acknowledged
        whole.refused += tally.refused
    assert len(tallies) == n_people, "an annotator died"
    return whole


def shared_tasks(tally: Tally) -> int:
    """Tasks that more than one person was given."""
    people = Counter(task for task, _ in set(tally.claimed))
    return sum(1 for n in people.values() if n > 1)


def lost_decisions(runtime: Runtime, tally: Tally) -> int:
    """Decisions that were acknowledged and are not, whole, in the database."""
    lost = 0
    with runtime.sessions.read() as session:
        for decision_id, product_id, category_id in tally.acknowledged:
            row = session.execute(
                sa.select(DecisionRow.product_id, LabelRow.category_id, ProductRow.category_id, TaskRow.status)
                .join(LabelRow, LabelRow.decision_id == DecisionRow.id)
                .join(ProductRow, ProductRow.id == DecisionRow.product_id)
                .join(TaskRow, TaskRow.id == DecisionRow.task_id)
                .where(DecisionRow.id == decision_id)
            ).one_or_none()
            lost += row is None or tuple(row) != (product_id, category_id, category_id, "done")
    return lost


def percentiles(times: list[float]) -> str:
    return "/".join(f"{value:.1f}" for value in np.percentile(times, [50, 95, 99]))


def show(name: str, n: int, n_people: int, load: str, tally: Tally, runtime: Runtime) -> float:
    """Print a row of the table; returns the worse p95 in ms."""
    lost, shared = lost_decisions(runtime, tally), shared_tasks(tally)
    n_tasks = len({task for task, _ in tally.claimed})
    cells = [
        f"{name:<11}{n:>10,}{n_people:>4}  {load:<12}",
        f"{percentiles(tally.claim_ms):>18}{percentiles(tally.decide_ms):>18}",
        f"{len(tally.acknowledged) / tally.seconds:>8.0f}{shared:>6} of {n_tasks:<5}{lost:>5}",
    ]
    print("".join(cells), flush=True)
    return max(float(np.percentile(times, 95)) for times in (tally.claim_ms, tally.decide_ms))


def sync_ms(folder: Path) -> list[float]:
    """What one write that waits for the disk takes here and now: other programs' writes count in."""
    times = []
    with (folder / "probe").open("wb") as file:
        for _ in range(100):
            file.write(b"x" * 16_384)
            file.flush()
            started = time.perf_counter()
            os.fsync(file.fileno())
            times.append((time.perf_counter() - started) * 1000)
    return times


def measure(name: str, runtime: Runtime, campaign_id: int, n: int, n_each: int) -> dict[str, float]:
    """All loads on one database; p95 by load."""
    run_people(runtime, campaign_id, 2, 20)  # warm: statements compiled, pages read
    one = run_people(runtime, campaign_id, 1, n_each)
    p95 = {"one": show(name, n, 1, "closed loop", one, runtime)}
    cpu_ms = one.cpu_seconds / len(one.acknowledged) * 1000
    print(
        f"  one claim and decision take {cpu_ms:.2f} ms of our CPU; load average {os.getloadavg()[0]:.1f}", flush=True
    )
    eight = run_people(runtime, campaign_id, 8, n_each)
    p95["eight"] = show(name, n, 8, "closed loop", eight, runtime)
    assert shared_tasks(eight) == 0, "a task was handed out twice"
    assert lost_decisions(runtime, eight) == 0, "a decision was lost"
    paced = run_people(runtime, campaign_id, 8, max(n_each // 5, 20), think=THINK_SECONDS)
    p95["paced"] = show(name, n, 8, "paced", paced, runtime)
    naive = run_people(runtime, campaign_id, 8, max(n_each // 4, 20), check_then_act)
    show(name, n, 8, "check, act", naive, runtime)
    rates = [len(tally.acknowledged) / tally.seconds for tally in (eight, naive)]
    print(f"  {rates[0] / rates[1]:.1f} times the labels a second of check-then-act, and no task shared", flush=True)
    return p95


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10,000 products only")
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--each", type=int, default=250, help="decisions per annotator in the closed loop")
    arguments = parser.parse_args()
    sizes = [10_000] if arguments.quick else [int(size) for size in arguments.sizes.split(",")]
    print(
        f"{'database':<11}{'products':>10}{'who':>4}  {'load':<12}{'claim p50/95/99':>18}{'decide p50/95/99':>18}"
        f"{'per s':>8}{'shared tasks':>14}{'lost':>6}   (ms)"
    )
    for database in arguments.databases.split(","):
        if database == "postgresql" and find_postgres() is None:
            print("Not measured: there is no PostgreSQL server here.")
            continue
        for n in sizes:
            server = postgres_server(durable=True) if database == "postgresql" else nullcontext("")
            with server as url, tempfile.TemporaryDirectory(prefix="shelfwright-bench-") as folder:
                runtime, campaign_id, seconds = fill(Path(folder), url, n)
                p95 = measure(database, runtime, campaign_id, n, arguments.each)
                runtime.close()
            met = "met" if p95["eight"] <= GOAL_MS else "MISSED"
            built = f"queue of {n:,} built in {seconds:.1f} s"
            print(f"  {built}; p95 with 8: {p95['eight']:.1f} ms, goal {GOAL_MS:.0f} ms {met}", flush=True)
    print(f"peer: {PEER}")


if __name__ == "__main__":
    main()
