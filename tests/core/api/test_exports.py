"""Exports through the API: asked for, done by the worker, fetched with their checksum."""

import hashlib

import pytest

from core.jobs.worker import run_claimed, worker_name
from core.runtime import Runtime
from core.types import utc_now
from db import jobs
from db.enums import Role
from tests.core.api.programs import Program
from tests.core.labeling.shelf import fill_shelf


def do_next_job(runtime: Runtime) -> None:
    worker = worker_name()
    with runtime.sessions.write() as session:
        job_id = jobs.claim_job(session, worker, utc_now())
    assert job_id is not None
    run_claimed(runtime, job_id, worker)


@pytest.fixture
def filled(program: Program, runtime: Runtime) -> Program:
    fill_shelf(runtime)
    return program


def test_an_export_is_asked_for_done_and_fetched(filled: Program, runtime: Runtime) -> None:
    asked = filled.ask("POST", "/v1/exports", 202, json={"what": "products", "filter": {"keyword": "shirt"}})
    address = asked.headers["location"]
    assert (asked.json()["status"], asked.json()["file"]) == ("todo", None)
    filled.get(f"{address}/file", 409)
    do_next_job(runtime)
    done = filled.get(address)
    assert (done["status"], done["rows"], done["file"]) == ("succeeded", 5, f"{address}/file")
    fetched = filled.ask("GET", done["file"], 200)
    assert hashlib.sha256(fetched.content).hexdigest() == done["sha256"]
    assert len(fetched.content) == done["bytes"]
    assert fetched.headers["etag"] == f'"{done["sha256"]}"'
    assert "attachment" in fetched.headers["content-disposition"]
    part = filled.ask("GET", done["file"], 206, headers={"Range": "bytes=0-9"})
    assert part.content == fetched.content[:10]


def test_exports_are_listed_page_by_page(filled: Program) -> None:
    made = [
        filled.post("/v1/exports", {"what": what}, status=202)["id"] for what in ("products", "labels", "decisions")
    ]
    assert [row["id"] for row in filled.all_pages("/v1/exports?limit=1")] == made[::-1]


def test_an_export_that_cannot_be_is_refused(filled: Program) -> None:
    for body in ({"what": "secrets"}, {"what": "products", "format": "xls"}, {"what": "snapshot"}, {}):
        filled.post("/v1/exports", body, status=422)
    filled.post("/v1/exports", {"what": "products", "campaign_id": 1}, status=422)
    filled.get("/v1/exports/99", 404)


def test_annotators_export_nothing(filled: Program) -> None:
    mina = filled.of("Mina", Role.ANNOTATOR)
    mina.post("/v1/exports", {"what": "products"}, status=403)
    mina.get("/v1/exports", 403)
