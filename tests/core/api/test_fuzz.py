"""Whatever is asked, it is answered: with a page, or with a problem that is the caller's own."""

from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.api.product_query import ProductQuery
from core.runtime import Runtime
from tests.core.api.programs import Program, check_problem
from tests.core.labeling.shelf import add_campaign, fill_shelf

FUZZ = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES = st.one_of(st.sampled_from(sorted(ProductQuery.model_fields)), st.text(max_size=8))
NUMBERS = st.one_of(st.integers(-(2**70), 2**70).map(str), st.floats().map(str))
VALUES = st.one_of(
    NUMBERS,
    st.lists(NUMBERS, max_size=4).map(",".join),
    st.text(max_size=20),
    st.sampled_from(["true", "gold", "%", ""]),
)
SENT = st.text(st.characters(exclude_categories=()), max_size=8)  # also halves of surrogate pairs
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | SENT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SENT, inner, max_size=3),
    max_leaves=6,
)
PATHS = ("products", "predictions", "categories", "categories/search", "campaigns", "models", "jobs", "decisions")


@pytest.fixture
def filled(program: Program, runtime: Runtime) -> Program:
    add_campaign(runtime, fill_shelf(runtime))
    return program


def check(program: Program, method: str, address: str, **options: object) -> None:
    """By its own limiter the token would soon be told to wait."""
    program.client.app.state.limiter._rate = None  # type: ignore[attr-defined]
    answer = program.client.request(method, address, headers=program.headers, **options)  # type: ignore[arg-type]
    assert answer.status_code < 500, f"{method} {address} {options}: {answer.text}"
    if answer.status_code >= 400:
        check_problem(answer, answer.status_code)


@FUZZ
@given(asked=st.dictionaries(NAMES, VALUES, max_size=4))
def test_any_filter_is_answered(filled: Program, asked: dict[str, str]) -> None:
    query = "&".join(
        f"{quote(name, errors='replace')}={quote(value, errors='replace')}" for name, value in asked.items()
    )
    check(filled, "GET", f"/v1/products?{query}")


@FUZZ
@given(
    path=st.sampled_from(PATHS),
    name=st.sampled_from(["limit", "cursor", "parent_id", "product_id", "q", "kind", "status"]),
    value=VALUES,
)
def test_any_parameter_is_answered(filled: Program, path: str, name: str, value: str) -> None:
    check(filled, "GET", f"/v1/{path}?{name}={quote(value, errors='replace')}")


@FUZZ
@given(path=st.sampled_from(PATHS), value=st.one_of(NUMBERS, st.text(max_size=12)))
def test_any_id_is_answered(filled: Program, path: str, value: str) -> None:
    check(filled, "GET", f"/v1/{path}/{quote(value, safe='', errors='replace')}")


@FUZZ
@given(
    path=st.sampled_from(
        ["campaigns", "campaigns/1/claim", "tasks/1/decisions", "jobs/training", "jobs/scoring", "exports"]
    ),
    body=st.one_of(
        JSON,
        st.dictionaries(
            st.sampled_from(["name", "kind", "filter", "settings", "inputs", "what", "model", "limit"]), JSON
        ),
    ),
)
def test_any_body_is_answered(filled: Program, path: str, body: object) -> None:
    import json

    content = json.dumps(body).encode()
    check(filled, "POST", f"/v1/{path}", content=content)
