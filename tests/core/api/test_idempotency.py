"""A changing request that comes twice is done once, whoever asks, however close together."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.api import idempotency
from core.api.idempotency import Attempt, InFlight, KeptAnswer, KeyReused, begin, fingerprint, forget, keep
from core.api.routes import jobs
from core.jobs.queue import list_jobs
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import Actor
from db.enums import Role
from db.tables import ApiRequestRow
from tests.core.api.programs import Program
from tests.core.labeling.shelf import Shelf, count, fill_shelf

BODY = {"name": "x", "kind": "random"}


@pytest.fixture
def shelf(runtime: Runtime) -> Shelf:
    return fill_shelf(runtime)


def age(runtime: Runtime, by: timedelta) -> None:
    with runtime.sessions.write() as session:
        for row in session.query(ApiRequestRow):
            row.created_at -= by


def taken(runtime: Runtime, actor: Actor, key: str) -> Attempt:
    attempt = begin(runtime, actor, key, "f")
    assert isinstance(attempt, Attempt)
    return attempt


def test_the_same_request_gets_the_kept_answer(program: Program, shelf: Shelf) -> None:
    first = program.ask("POST", "/v1/campaigns", 201, headers={"Idempotency-Key": "k"}, json=BODY)
    spelled = b'{"kind":  "random", "name": "\\u0078"}'
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    again = program.ask("POST", "/v1/campaigns", 201, headers=headers, content=spelled)
    assert first.json() == again.json()
    assert first.headers["location"] == again.headers["location"]
    assert (again.headers["idempotent-replayed"], "idempotent-replayed" in first.headers) == ("true", False)
    assert len(program.get("/v1/campaigns")["items"]) == 1


def test_a_key_stands_for_one_request(program: Program, shelf: Shelf) -> None:
    program.post("/v1/campaigns", BODY, "k", 201)
    for path, body in (("/v1/campaigns", {**BODY, "name": "y"}), ("/v1/campaigns/1/pause", None)):
        assert program.post(path, body, "k", 422)["type"] == "/problems#key-reused"


def test_two_people_may_choose_the_same_key(program: Program, shelf: Shelf) -> None:
    program.post("/v1/campaigns", BODY, "k", 201)
    program.of("Ana", Role.ANALYST).post("/v1/campaigns", {**BODY, "name": "y"}, "k", 201)


def test_a_request_that_failed_may_be_asked_again(program: Program, shelf: Shelf, runtime: Runtime) -> None:
    program.post("/v1/campaigns", BODY, "a", 201)
    program.post("/v1/campaigns", BODY, "k", 409)
    program.post("/v1/campaigns", {**BODY, "kind": "magic"}, "k", 422)
    assert count(runtime, ApiRequestRow) == 1
    program.post("/v1/campaigns", {**BODY, "name": "y"}, "k", 201)


def test_a_mistake_of_ours_leaves_the_key_free(sqlite_program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_: object) -> None:
        raise ZeroDivisionError

    fill_shelf(sqlite_program.runtime)
    with monkeypatch.context() as patched:
        patched.setattr(jobs, "enqueue_scoring", break_down)
        sqlite_program.post("/v1/jobs/scoring", {}, "k", 500)
    sqlite_program.post("/v1/jobs/scoring", {}, "k", 202)


def test_a_race_does_it_once(program: Program, shelf: Shelf, runtime: Runtime) -> None:
    """Each is answered alike, or told to ask again; asking again gets the answer."""
    barrier = threading.Barrier(4)

    def ask(_: int) -> Any:
        barrier.wait()
        headers = {**program.headers, "Idempotency-Key": "k"}
        return program.client.post("/v1/campaigns", json=BODY, headers=headers)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, range(4)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    held = [answer for answer in answers if answer.status_code == 409]
    assert all(answer.json()["type"] == "/problems#in-flight" for answer in held)
    assert all(answer.headers["retry-after"] == "1" for answer in held)
    made = program.post("/v1/campaigns", BODY, "k", 201)
    assert {answer.json()["id"] for answer in answers if answer.status_code == 201} == {made["id"]}
    assert len(list_jobs(runtime, ["build_campaign"])) == 1


def test_while_it_is_worked_on_others_wait(runtime: Runtime, actor: Actor) -> None:
    asked = fingerprint("POST", "/v1/x", b"{}")
    mine = begin(runtime, actor, "k", asked)
    assert isinstance(mine, Attempt)
    with pytest.raises(InFlight):
        begin(runtime, actor, "k", asked)
    with pytest.raises(KeyReused):
        begin(runtime, actor, "k", fingerprint("POST", "/v1/y", b"{}"))
    keep(runtime, actor, mine, 201, [("Location", "/v1/x/1"), ("X-Request-ID", "7")], b'{"a": 1}')
    kept = begin(runtime, actor, "k", asked)
    assert isinstance(kept, KeptAnswer)
    assert (kept.status, kept.headers, kept.body) == (201, {"Location": "/v1/x/1"}, {"a": 1})


def test_a_request_whose_server_died_is_taken_over_by_one(runtime: Runtime, actor: Actor) -> None:
    asked = fingerprint("POST", "/v1/x", b"")
    begin(runtime, actor, "k", asked)
    age(runtime, idempotency.GIVEN_UP_AFTER + timedelta(seconds=1))

    def take(_: int) -> bool:
        try:
            return isinstance(begin(runtime, actor, "k", asked), Attempt)
        except InFlight:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(take, range(4))) == 1


def test_who_was_taken_over_touches_nothing_any_more(runtime: Runtime, actor: Actor) -> None:
    """The first still runs: neither its failure nor its answer is the second's."""
    first = taken(runtime, actor, "k")
    age(runtime, idempotency.GIVEN_UP_AFTER + timedelta(seconds=1))
    late = replace(first, begun_at=first.begun_at - idempotency.GIVEN_UP_AFTER - timedelta(seconds=1))  # as aged
    second = taken(runtime, actor, "k")
    forget(runtime, actor, late)
    with pytest.raises(InFlight):
        begin(runtime, actor, "k", "f")
    keep(runtime, actor, late, 201, [], b'{"by": 1}')
    with pytest.raises(InFlight):
        begin(runtime, actor, "k", "f")
    keep(runtime, actor, second, 201, [], b'{"by": 2}')
    keep(runtime, actor, late, 201, [], b'{"by": 1}')
    kept = begin(runtime, actor, "k", "f")
    assert isinstance(kept, KeptAnswer)
    assert kept.body == {"by": 2}


def test_answers_are_kept_for_a_day(runtime: Runtime, actor: Actor) -> None:
    for n in range(3):
        keep(runtime, actor, taken(runtime, actor, f"old {n}"), 200, [], b"{}")
    age(runtime, idempotency.KEPT_FOR + timedelta(seconds=1))
    begin(runtime, actor, "new", "f")
    assert count(runtime, ApiRequestRow) == 1


def test_what_was_answered_is_not_forgotten(runtime: Runtime, actor: Actor) -> None:
    attempt = taken(runtime, actor, "k")
    keep(runtime, actor, attempt, 204, [], b"")
    forget(runtime, actor, attempt)
    kept = begin(runtime, actor, "k", "f")
    assert isinstance(kept, KeptAnswer)
    assert kept.body is None


def test_a_decisions_key_is_of_one_person(runtime: Runtime) -> None:
    keys = {
        idempotency.decision_key(sign_in_local(runtime, name), key)
        for name in ("Mina", "Jun")
        for key in ("a", "b", "x" * 64)
    }
    assert len(keys) == 6
    assert max(map(len, keys)) <= 64
