"""The API over a runtime of the test, and an admin's program."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from core.api.app import create_app
from core.runtime import Runtime
from tests.core.api.programs import Program


@pytest.fixture
def program(runtime: Runtime) -> Iterator[Program]:
    with TestClient(create_app(runtime), raise_server_exceptions=False) as client:
        yield Program(runtime, client)


@pytest.fixture
def sqlite_program(sqlite_runtime: Runtime) -> Iterator[Program]:
    """For what the database does not matter to."""
    with TestClient(create_app(sqlite_runtime), raise_server_exceptions=False) as client:
        yield Program(sqlite_runtime, client)
