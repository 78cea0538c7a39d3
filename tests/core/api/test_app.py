"""What holds for all routes: health, tokens, scopes, parameters, problems, languages, the OpenAPI page."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import validate

from core.api.routes import models
from core.api_tokens import Scope, create_token, list_tokens, revoke_token
from core.people import sign_in_local
from db.enums import Role
from tests.core.api.programs import Program, check_problem


def operations(program: Program) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of every route of /v1, with ids filled in."""
    for path, methods in program.client.get("/openapi.json").json()["paths"].items():
        for method, operation in methods.items():
            if path.startswith("/v1/"):
                yield method.upper(), re.sub(r"\{\w+\}", "1", path), operation


def test_health_needs_no_token(program: Program) -> None:
    assert program.client.get("/healthz").json() == {"status": "ok"}
    assert program.client.get("/readyz").json() == {"status": "ready"}


def test_me_is_the_person_of_the_token(program: Program) -> None:
    mina = program.of("Mina", Role.ANNOTATOR, Scope.READ, Scope.LABEL)
    me = mina.get("/v1/me")
    assert (me["name"], me["role"], me["scopes"]) == ("Mina", "annotator", ["label", "read"])


def test_every_route_asks_for_a_token(sqlite_program: Program) -> None:
    seen = 0
    for method, path, _ in operations(sqlite_program):
        answer = sqlite_program.client.request(method, path)
        check_problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"
        seen += 1
    assert seen >= 25


def test_every_route_asks_for_its_scope(sqlite_program: Program) -> None:
    """A token with all other scopes is refused, before anything is looked at."""
    without = {scope: sqlite_program.of("tester", Role.ADMIN, *(set(Scope) - {scope})) for scope in Scope}
    for method, path, operation in operations(sqlite_program):
        problem = without[Scope(operation["x-scope"])].ask(method, path, 403).json()
        assert operation["x-scope"] in problem["detail"], problem


def test_what_changes_needs_more_than_reading(sqlite_program: Program) -> None:
    for method, path, operation in operations(sqlite_program):
        assert method in ("GET", "POST"), path
        assert (operation["x-scope"] == Scope.READ) <= (method == "GET"), path


@pytest.mark.parametrize("sent", ["", "Bearer", "Bearer ", "Bearer nonsense", "Basic dDp0", "Bearer " + "x" * 5_000])
def test_a_token_that_is_none_is_refused(sqlite_program: Program, sent: str) -> None:
    check_problem(sqlite_program.client.get("/v1/me", headers={"Authorization": sent}), 401)


def test_a_revoked_token_is_refused_at_once(program: Program) -> None:
    actor = sign_in_local(program.runtime, "tester")
    program.get("/v1/me")
    revoke_token(program.runtime, actor, list_tokens(program.runtime, actor)[0].id)
    assert "revoked" in program.get("/v1/me", 401)["detail"]


def test_who_is_switched_off_is_refused(program: Program) -> None:
    from db.tables import PersonRow

    mina = program.of("Mina", Role.ANNOTATOR)
    mina.get("/v1/me")
    with program.runtime.sessions.write() as session:
        session.query(PersonRow).filter_by(name="Mina").update({"is_active": False})
    mina.get("/v1/me", 401)


def test_unknown_addresses_and_methods_are_problems(sqlite_program: Program) -> None:
    assert sqlite_program.get("/v1/nothing", 404)["title"] == "There is nothing at this address"
    assert sqlite_program.ask("DELETE", "/v1/me", 405).headers["allow"] == "GET"
    assert sqlite_program.get("/v1/me/", 404)["instance"] == "/v1/me/"


def test_parameters_that_are_not_known_or_given_twice_are_refused(sqlite_program: Program) -> None:
    for asked, named in (("lmit=3", "lmit"), ("limit=3&limit=4", "limit"), ("keyword=a%00b", "keyword")):
        problem = sqlite_program.get(f"/v1/products?{asked}", 422)
        assert problem["errors"][0]["name"] == named, problem
    sqlite_program.get("/v1/me?x=1", 422)


def test_fields_that_are_not_known_are_refused_and_nothing_is_repeated(sqlite_program: Program) -> None:
    body = {"reason": "x" * 501, "secret": "pa55word"}
    answer = sqlite_program.ask("POST", "/v1/models/rollback", 422, json=body)
    assert {(part["in"], part["name"]) for part in answer.json()["errors"]} == {("body", "reason"), ("body", "secret")}
    assert "pa55word" not in answer.text


@pytest.mark.parametrize("body", [b"{", b"[1]", b'"\xed\xa0\x80"', b'{"reason": "\\ud800"}', b'{"reason": NaN}', b""])
def test_a_broken_body_is_a_problem(sqlite_program: Program, body: bytes) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    sqlite_program.ask("POST", "/v1/models/rollback", 422, headers=headers, content=body)


def test_a_body_that_is_no_json_is_told_with_its_place(sqlite_program: Program) -> None:
    body, headers = b'{"name": "x",\n  "kind": }', {"Content-Type": "application/json"}
    problem = sqlite_program.ask("POST", "/v1/campaigns", 422, content=body, headers=headers).json()
    assert problem["detail"].startswith("The body is not JSON: line 2, character 11: Expecting value.")
    assert problem["errors"][0]["name"] == ""


def test_a_body_that_is_too_large_is_refused(sqlite_program: Program) -> None:
    def chunks() -> Iterator[bytes]:
        yield from (b" " * 100_000 for _ in range(11))

    for key in ({}, {"Idempotency-Key": "k"}):
        for content in (b" " * 1_000_001, chunks()):
            sqlite_program.ask("POST", "/v1/models/rollback", 413, headers=key, content=content)


def test_a_mistake_of_ours_tells_nothing_but_the_requests_id(
    sqlite_program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise ZeroDivisionError("inner matters")

    monkeypatch.setattr(models, "read_version", break_down)
    answer = sqlite_program.ask("GET", "/v1/models/1", 500, headers={"X-Request-ID": "mine-1"})
    assert answer.json()["request_id"] == "mine-1"
    assert "inner" not in answer.text


def test_a_request_has_one_id_in_and_out(sqlite_program: Program) -> None:
    client = sqlite_program.client
    assert client.get("/healthz", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    for unusable in ("", "a b", "x" * 65):
        given = client.get("/healthz", headers={"X-Request-ID": unusable}).headers["x-request-id"]
        assert re.fullmatch(r"[0-9a-f]{32}", given), unusable


def test_answers_stay_out_of_caches(sqlite_program: Program) -> None:
    headers = sqlite_program.ask("GET", "/v1/me", 200).headers
    assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")


@pytest.mark.parametrize(
    ("wish", "spoken"),
    [("ko", "ko"), ("ko-KR,en;q=0.5", "ko"), ("de, ko;q=0.3, en;q=0.4", "en"), ("fr", "en"), ("q=;;,=", "en")],
)
def test_problems_speak_the_callers_language(sqlite_program: Program, wish: str, spoken: str) -> None:
    answer = sqlite_program.ask("GET", "/v1/products/9", 404, headers={"Accept-Language": wish})
    assert answer.headers["content-language"] == spoken
    assert answer.json()["title"] == {"ko": "찾을 수 없습니다", "en": "Not found"}[spoken]


def test_the_description_is_valid_openapi(sqlite_program: Program) -> None:
    schema = sqlite_program.client.get("/openapi.json").json()
    validate(schema)
    assert "HTTPValidationError" not in str(schema)
    names = [operation["operationId"] for _, _, operation in operations(sqlite_program)]
    assert len(set(names)) == len(names)


def test_the_page_fetches_nothing_from_elsewhere(sqlite_program: Program) -> None:
    client = sqlite_program.client
    page = client.get("/docs")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "//" not in re.sub(r"<!DOCTYPE.*?>", "", page.text)
    for address in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert client.get(address).status_code == 200, address


def test_every_kind_of_problem_is_listed(sqlite_program: Program) -> None:
    page = sqlite_program.client.get("/problems").text
    for name in ("lease-lost", "key-reused", "database-away", "too-many-requests"):
        assert f'id="{name}"' in page


def test_unknown_tokens_run_into_a_limit(sqlite_program: Program) -> None:
    """Guessing is slowed down; who has a token from the same address is held up too, for that minute only."""
    statuses = [
        sqlite_program.client.get("/v1/me", headers={"Authorization": f"Bearer {n}"}).status_code for n in range(61)
    ]
    assert statuses == [401] * 60 + [429]


def test_a_token_may_be_made_with_few_scopes(sqlite_program: Program) -> None:
    actor = sign_in_local(sqlite_program.runtime, "tester")
    token, _ = create_token(sqlite_program.runtime, actor, "r", [Scope.READ])
    answer = sqlite_program.client.get("/v1/me", headers={"Authorization": f"bearer {token}"})
    assert answer.json()["scopes"] == ["read"]
