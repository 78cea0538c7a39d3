"""A team at work: 32 annotators through the API and 8 in real browsers, and the database restarted in the middle.

`--database postgresql` (32 through the API) or `sqlite` (8); each thinks 2.5 seconds on average, as fast people do.
Claim + decide is what an annotator waits for between two titles: both requests together. Every acknowledged decision
is looked for in the database afterwards, every product handed out twice is counted. While the database restarts,
answers 'not now' are counted apart, and the annotators ask again as the page does. `--quick` takes half a minute.

`--label-studio FOLDER` and `--doccano FOLDER` drive the same work on those programs, from the virtual environments
they are installed in (see `bench/team_peers.py`).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import sqlalchemy as sa

from bench.queue_shelf import fill
from bench.team_annotators import Annotator, Browsers, Result, run_team
from core.api_tokens import Scope, create_token
from core.people import sign_in_local
from core.runtime import Runtime
from core.settings import ROOT
from db.enums import DecisionKind, Role
from db.tables import DecisionRow, LabelRow, TaskRow
from tests.browser.server import AppServer
from tests.postgres import PostgresServer, free_port, running_postgres

PRODUCTS, QUICK_PRODUCTS = 100_000, 5_000
GOAL_MS = 50.0
SECONDS, QUICK_SECONDS = 600, 30
RESTART_PAUSE_SECONDS = 3.0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=("postgresql", "sqlite", "both"), default="both")
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--browsers", type=int, default=8)
    parser.add_argument("--think", type=float, default=2.5, help="seconds on average")
    parser.add_argument("--label-studio", type=Path, help="a virtual environment with label-studio")
    parser.add_argument("--doccano", type=Path, help="a virtual environment with doccano")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args(arguments)
    seconds = QUICK_SECONDS if options.quick else options.seconds
    n_products = QUICK_PRODUCTS if options.quick else PRODUCTS
    is_well = True
    if options.database in ("postgresql", "both"):
        is_well &= measure_ours("PostgreSQL", 32, options.browsers, seconds, options.think, n_products)
    if options.database in ("sqlite", "both"):
        is_well &= measure_ours("SQLite", 8, options.browsers, seconds, options.think, n_products)
    if options.label_studio or options.doccano:
        from bench.team_peers import measure_doccano, measure_label_studio

        if options.label_studio:
            measure_label_studio(options.label_studio, 8, min(seconds, 120), options.think)
        if options.doccano:
            measure_doccano(options.doccano, 8, min(seconds, 120), options.think)
    return 0 if is_well else 1


def measure_ours(database: str, n_people: int, n_browsers: int, seconds: float, think: float, n_products: int) -> bool:
    """One run on one database, printed; whether nothing went wrong."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(running_postgres(durable=True)) if database == "PostgreSQL" else None
        url = server.url if server else ""
        runtime, campaign_id, _ = fill(folder / "data", url, n_products)
        stack.callback(runtime.close)
        tokens = make_tokens(runtime, n_people)
        leaves = leaf_ids(runtime, campaign_id)
        port = stack.enter_context(api_server(folder / "data", url))
        team = [Annotator(port, token, campaign_id, leaves, think, number) for number, token in enumerate(tokens)]
        app = stack.enter_context(AppServer(folder / "data", **({"database_url": url} if url else {})))
        browsers = Browsers(f"{app.url}/label?campaign={campaign_id}", n_browsers, think)
        restart = restarting(server) if server else None
        result = run_team(team, browsers, seconds, restart)
        report(database, n_people, n_browsers, seconds, result)
        return check(runtime, result)


def make_tokens(runtime: Runtime, n: int) -> list[str]:
    people = [sign_in_local(runtime, f"annotator {number}", Role.ANNOTATOR) for number in range(n)]
    return [create_token(runtime, person, "bench", {Scope.READ, Scope.LABEL})[0] for person in people]


def leaf_ids(runtime: Runtime, campaign_id: int) -> list[int]:
    from core.catalogue.taxonomy import load_categories

    return [node.id for node in load_categories(runtime).values() if node.is_leaf]


@contextmanager
def api_server(data_dir: Path, url: str) -> Iterator[int]:
    """`cli.py api` as a process of its own; gives its port once it is ready."""
    port = free_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SHELFWRIGHT_")}
    own = {"SHELFWRIGHT_DATA_DIR": str(data_dir), "SHELFWRIGHT_DATABASE_URL": url, "SHELFWRIGHT_API_RATE": "off"}
    command = [sys.executable, "cli.py", "api", "--port", str(port)]
    with (data_dir / "api.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=clean | own, stdout=log, stderr=log)
    try:
        wait_ready(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_ready(port: int, process: "subprocess.Popen[bytes]") -> None:
    from http.client import HTTPConnection

    deadline = time.monotonic() + 60
    while True:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("the API did not start")
        time.sleep(0.1)


def restarting(server: PostgresServer) -> "threading.Thread":
    """Stops the database as a crash would and starts it again; to be started in the middle of the run."""

    def restart() -> None:
        server.stop()
        time.sleep(RESTART_PAUSE_SECONDS)
        server.start()

    return threading.Thread(target=restart)


def report(database: str, n_people: int, n_browsers: int, seconds: float, result: Result) -> None:
    print(f"\n{database}: {n_people} through the API, {n_browsers} in browsers, {seconds:.0f} s")
    for name, times in result.times().items():
        if times:
            ordered = sorted(times)
            p50, p95, p99 = (ordered[min(int(len(ordered) * q), len(ordered) - 1)] for q in (0.5, 0.95, 0.99))
            print(f"{name:<32} n {len(ordered):>7,}   p50 {p50:7.1f}   p95 {p95:7.1f}   p99 {p99:7.1f} ms")
    print(f"errors {len(result.errors)}, 'not now' while the database restarted {result.told_to_wait}")
    for error in sorted(set(result.errors))[:10]:
        print(f"  {error}")
    print(json.dumps(result.facts(), ensure_ascii=False), flush=True)


def check(runtime: Runtime, result: Result) -> bool:
    """Nothing acknowledged lost, nothing doubled, no product in two hands, no error."""
    with runtime.sessions.read() as session:
        rows = session.execute(
            sa.select(DecisionRow.id, DecisionRow.product_id, DecisionRow.category_id).where(
                DecisionRow.kind == DecisionKind.LABEL
            )
        ).all()
        labeled = set(session.scalars(sa.select(LabelRow.decision_id).where(LabelRow.decision_id.is_not(None))))
        twice = session.scalar(
            sa.select(sa.func.count()).select_from(
                sa.select(DecisionRow.task_id).group_by(DecisionRow.task_id).having(sa.func.count() > 1).subquery()
            )
        )
        n_tasks = session.scalar(sa.select(sa.func.count()).select_from(TaskRow).where(TaskRow.decided_at.is_not(None)))
    stored = {(id_, product, category) for id_, product, category in rows}
    lost = [known for known in result.acknowledged if known not in stored]
    without_label = [id_ for id_, _, _ in rows if id_ not in labeled]
    n_by_browsers = len(rows) - len({id_ for id_, _, _ in rows} & {id_ for id_, _, _ in result.acknowledged})
    unseen = max(0, len(result.browser) - n_by_browsers)  # titles that moved on without a decision in the database
    print(
        f"acknowledged {len(result.acknowledged):,}, lost {len(lost)}; "
        f"in browsers {len(result.browser):,}, lost {unseen}; "
        f"tasks decided twice {twice}, "
        f"decisions without their label {len(without_label)}, handed to two people {result.handed_out_twice}, "
        f"decisions {len(rows):,}, tasks done {n_tasks:,}; goal p95 <= {GOAL_MS:.0f} ms",
        flush=True,
    )
    return not (lost or unseen or twice or without_label or result.handed_out_twice or result.errors)


if __name__ == "__main__":
    sys.exit(main())
