"""Fixtures: a runtime on SQLite and on PostgreSQL, an actor, and the places of real data."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.people import sign_in_local
from core.runtime import Runtime, open_runtime
from core.settings import ROOT, Settings
from core.types import Actor
from db.tables import Base
from tests.postgres import postgres_server

REAL_DATA = ROOT.parent / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without the real data sets their tests are left out altogether; with them they run, in CI too."""
    if not REAL_DATA.is_dir():
        items[:] = [item for item in items if "real_data" not in item.keywords]


@pytest.fixture(scope="session")
def real_data() -> Path:
    return REAL_DATA


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """One server a test process."""
    with postgres_server() as url:
        yield url


@pytest.fixture
def postgres_url(postgres: str) -> Iterator[str]:
    """A fresh, empty database."""
    name = f"test_{uuid.uuid4().hex}"
    engine = sa.create_engine(postgres, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield postgres.rsplit("/", 1)[0] + f"/{name}"
    with engine.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture(scope="session")
def postgres_shared(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with our tables, made once a test process: creating one for each test takes most of a second."""
    engine = sa.create_engine(postgres, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text("CREATE DATABASE shared"))
    engine.dispose()
    url = postgres.rsplit("/", 1)[0] + "/shared"
    open_runtime(Settings(data_dir=tmp_path_factory.mktemp("shared"), database_url=url)).close()
    return url


@pytest.fixture
def postgres_emptied(postgres_shared: str) -> str:
    """The shared database without a row, numbering from 1; who was still connected is thrown out."""
    tables = ", ".join(table.name for table in Base.metadata.sorted_tables)
    engine = sa.create_engine(postgres_shared, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
        connection.execute(sa.text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    engine.dispose()
    return postgres_shared


@pytest.fixture
def sqlite_runtime(tmp_path: Path) -> Iterator[Runtime]:
    """For what the database does not matter to: files, pages."""
    opened = open_runtime(Settings(data_dir=tmp_path / "data", person="tester"))
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def runtime(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Runtime]:
    """The test runs twice: on SQLite and on a real PostgreSQL."""
    url = request.getfixturevalue("postgres_emptied") if request.param == "postgresql" else ""
    opened = open_runtime(Settings(data_dir=tmp_path / "data", database_url=url, person="tester"))
    yield opened
    opened.close()


@pytest.fixture
def actor(request: pytest.FixtureRequest) -> Actor:
    """Somebody who may do everything, in whichever database the test uses."""
    fixture = "runtime" if "runtime" in request.fixturenames else "sqlite_runtime"
    return sign_in_local(request.getfixturevalue(fixture), "tester")
