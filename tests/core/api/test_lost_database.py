"""The database goes away and comes back: a problem that says so, nothing acknowledged lost, and on by itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from core.api.app import create_app
from core.runtime import open_runtime
from core.settings import Settings
from db.tables import DecisionRow
from tests.core.api.programs import Program
from tests.core.labeling.shelf import add_campaign, count, fill_shelf
from tests.postgres import PostgresServer, running_postgres

CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """Durable: it is stopped as by a crash."""
    with running_postgres(durable=True) as running:
        yield running


@contextmanager
def program_at(url: str, data_dir: Path) -> Iterator[Program]:
    runtime = open_runtime(Settings(data_dir=data_dir, database_url=url, person="tester"))
    with TestClient(create_app(runtime), raise_server_exceptions=False) as client:
        yield Program(runtime, client)
    runtime.close()


def test_the_database_is_restarted(server: PostgresServer, tmp_path: Path) -> None:
    with program_at(server.url, tmp_path) as program:
        work_through_a_restart(program, server)


def work_through_a_restart(program: Program, server: PostgresServer) -> None:
    shelf = fill_shelf(program.runtime)
    campaign = f"/v1/campaigns/{add_campaign(program.runtime, shelf)}"
    task = program.post(f"{campaign}/claim")["card"]["task"]["id"]
    body, address = {"category_id": shelf.leaves[0]}, f"/v1/tasks/{task}/decisions"
    made = program.post(address, body, "k", 201)
    server.stop()
    for method, path in (("GET", "/v1/me"), ("POST", address), ("POST", f"{campaign}/claim")):
        answer = program.ask(method, path, 503, headers={"Idempotency-Key": "k"}, json=body)
        assert answer.headers["retry-after"] == "1"
        assert answer.json()["type"] == "/problems#database-away"
    assert program.client.get("/readyz").status_code == 503
    assert program.client.get("/healthz").status_code == 200
    server.start()
    assert program.post(address, body, "k", 201) == made
    assert program.client.get("/readyz").status_code == 200
    following = program.post(f"{campaign}/claim")["card"]["task"]["id"]
    assert following != task
    program.post(f"/v1/tasks/{following}/decisions", body, "k2", 201)
    assert count(program.runtime, DecisionRow) == 2


def test_connections_that_were_cut_are_replaced(postgres_emptied: str, tmp_path: Path) -> None:
    """Idle ones are tried before use: nobody hears of it."""
    with program_at(postgres_emptied, tmp_path) as program:
        program.get("/v1/me")
        engine = sa.create_engine(postgres_emptied, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(CUT))
        engine.dispose()
        program.get("/v1/me")
