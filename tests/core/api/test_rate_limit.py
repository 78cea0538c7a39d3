"""How often a token may ask."""

from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from core.api.app import create_app
from core.api.rate_limit import RateLimiter, TooManyRequests
from core.errors import InvalidInput
from core.runtime import Runtime
from core.settings import read_settings
from tests.core.api.programs import Program, check_problem


def test_a_token_that_asks_too_often_is_told_when_to_go_on(sqlite_runtime: Runtime) -> None:
    runtime = replace(sqlite_runtime, settings=replace(sqlite_runtime.settings, api_rate="3/hour"))
    with TestClient(create_app(runtime)) as client:
        program, other = Program(runtime, client), Program(runtime, client)
        left = [program.ask("GET", "/v1/me", 200).headers["ratelimit"].split(";")[1] for _ in range(3)]
        assert left == ["r=2", "r=1", "r=0"]
        answer = client.get("/v1/me", headers=program.headers)
        check_problem(answer, 429)
        assert 3590 <= int(answer.headers["retry-after"]) <= 3601
        assert other.ask("GET", "/v1/me", 200).headers["ratelimit-policy"] == '"token";q=3;w=3600'
        assert client.get("/healthz").status_code == 200


def test_the_limit_can_be_off() -> None:
    limiter = RateLimiter("off")
    assert [limiter.count("t") for _ in range(10)] == [None] * 10


def test_tokens_are_counted_each_for_itself() -> None:
    limiter = RateLimiter("1/hour")
    limiter.count("a")
    limiter.count("b")
    with pytest.raises(TooManyRequests):
        limiter.count("a")


@pytest.mark.parametrize("text", ["", "600", "0/minute", "600/week", "1/minute; 2/hour", "many"])
def test_a_rate_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        read_settings({"SHELFWRIGHT_API_RATE": text})


def test_rates_are_read() -> None:
    assert read_settings({"SHELFWRIGHT_API_RATE": "5/second"}).api_rate == "5/second"
    assert read_settings({"SHELFWRIGHT_API_RATE": "off"}).api_rate == "off"
