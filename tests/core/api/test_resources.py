"""Products, predictions, categories, models, jobs and campaigns through the API: what a client reads is all there."""

import json
from typing import Any

import pytest

from core.catalogue.taxonomy import load_categories
from core.jobs.queue import find_job
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import utc_now
from db.enums import Role
from tests.core.api.programs import Program
from tests.core.labeling.shelf import Shelf, add_campaign, add_version, fill_shelf


@pytest.fixture
def shelf(runtime: Runtime) -> Shelf:
    return fill_shelf(runtime, 23)


def ids(rows: list[dict[str, Any]], name: str = "id") -> list[int]:
    return [row[name] for row in rows]


def test_every_page_of_products_together_is_all_of_them(program: Program, shelf: Shelf) -> None:
    for order in ("newest", "oldest", "margin", "disagreement", "random"):
        found = ids(program.all_pages(f"/v1/products?order={order}&limit=4"))
        assert (len(found), set(found)) == (23, set(shelf.products)), order


def test_products_are_found_by_the_campaigns_filter(program: Program, shelf: Shelf) -> None:
    assert len(program.all_pages("/v1/products?label_source=none&limit=2")) == 4
    assert len(program.all_pages(f"/v1/products?category_ids={shelf.men}&keyword=shirt")) == 10
    assert len(program.all_pages("/v1/products?confidence_below=0.4&limit=1")) == 4
    assert program.get(f"/v1/products?category_ids={shelf.leaves[3]},{shelf.leaves[2]}")["items"] == []


def test_filters_that_cannot_be_are_told(program: Program, shelf: Shelf) -> None:
    for asked in ("category_ids=a", "confidence_below=2", "confidence_below=nan", "mall_id=1e9", "limit=201"):
        program.get(f"/v1/products?{asked}", 422)
    for asked in ("label_source=rumour", "registered_from=2026-13-01", "order=upside", "cursor=%00", "cursor=xx"):
        program.get(f"/v1/products?{asked}", 422)
    cursor = program.get("/v1/products?limit=1")["next_cursor"]
    program.get(f"/v1/products?order=random&cursor={cursor}", 422)
    program.get(f"/v1/jobs?cursor={cursor}", 422)


def test_what_others_decided_is_for_who_may_see_people(program: Program, shelf: Shelf) -> None:
    mina = program.of("Mina", Role.ANNOTATOR)
    own = mina.get("/v1/me")["id"]
    ann = program.of("Ann", Role.ANALYST)
    assert ann.get(f"/v1/products?decided_by={ann.get('/v1/me')['id']}")["items"] == []
    ann.get(f"/v1/products?decided_by={own}", 403)
    program.get(f"/v1/products?decided_by={own}")


def test_the_next_page_is_in_the_header_too(program: Program, shelf: Shelf) -> None:
    answer = program.ask("GET", "/v1/products?limit=2&keyword=shirt", 200)
    assert answer.headers["link"] == f'<{answer.json()["next"]}>; rel="next"'
    assert "keyword=shirt" in answer.json()["next"]


def test_one_product(program: Program, shelf: Shelf) -> None:
    product = program.get(f"/v1/products/{shelf.products[1]}")
    assert (product["title"], product["mall"]) == ("상품 1 Trousers 100%_면", "가게")
    assert (product["category_id"], product["label_source"]) == (shelf.leaves[0], "import")
    program.get("/v1/products/999", 404)
    program.get("/v1/products/0", 422)
    program.get(f"/v1/products/{2**63}", 422)


def test_predictions_of_a_version_and_of_a_product(program: Program, shelf: Shelf, runtime: Runtime) -> None:
    rows = program.all_pages("/v1/predictions?limit=5")
    assert ids(rows, "product_id") == sorted(shelf.products)
    assert rows[0]["top"][0] == [shelf.leaves[0], pytest.approx(0.3)]
    assert rows == program.all_pages(f"/v1/predictions?model_version_id={shelf.version}")
    (one,) = program.all_pages(f"/v1/predictions?product_id={shelf.products[2]}")
    assert one == rows[2]
    with runtime.sessions.write() as session:
        other = add_version(session, sign_in_local(runtime, "tester"), utc_now(), "v2")
    assert program.all_pages(f"/v1/predictions?model_version_id={other}") == []
    program.get("/v1/predictions?model_version_id=99", 404)
    program.get("/v1/predictions?product_id=999", 404)
    program.get("/v1/predictions?product_id=1&model_version_id=1", 422)


def test_without_a_model_predictions_are_not_ready(program: Program) -> None:
    assert program.get("/v1/predictions", 409)["type"] == "/problems#not-ready"


def test_categories_by_level_and_by_search(program: Program, shelf: Shelf, runtime: Runtime) -> None:
    everything = program.all_pages("/v1/categories?limit=2")
    assert ids(everything) == sorted(load_categories(runtime))
    assert ids(program.all_pages(f"/v1/categories?parent_id={shelf.men}&leaves=true")) == shelf.leaves[:2]
    assert program.get("/v1/categories/search?q=치마")[0]["id"] == shelf.leaves[3]
    assert program.get(f"/v1/categories/{shelf.leaves[1]}")["path"] == "남성 > 셔츠"
    program.get("/v1/categories/999", 404)
    program.get("/v1/categories?parent_id=999", 404)


def test_models_are_promoted_and_rolled_back(program: Program, shelf: Shelf, runtime: Runtime) -> None:
    with runtime.sessions.write() as session:
        second = add_version(session, sign_in_local(runtime, "tester"), utc_now(), "v2")
    assert ids(program.all_pages("/v1/models?limit=1")) == [second, shelf.version]
    assert program.get(f"/v1/models/{shelf.version}")["is_promoted"] is True
    program.of("Mina", Role.ANNOTATOR).post(f"/v1/models/{second}/promote", {"reason": "mine"}, status=403)
    program.post(f"/v1/models/{second}/promote", {"reason": " "}, status=422)
    assert program.post(f"/v1/models/{second}/promote", {"reason": "better"}, "p")["is_promoted"] is True
    assert program.post(f"/v1/models/{second}/promote", {"reason": "better"}, "p")["is_promoted"] is True
    program.post(f"/v1/models/{second}/promote", {"reason": "better"}, "q", 409)
    assert program.post("/v1/models/rollback", {"reason": "worse"})["id"] == shelf.version
    program.get("/v1/models/99", 404)


def test_jobs_are_asked_for_watched_and_cancelled(program: Program, shelf: Shelf, runtime: Runtime) -> None:
    answer = program.ask("POST", "/v1/jobs/training", 202, json={"epochs": 3, "encoder": "dan"})
    job = answer.json()
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    kept = find_job(runtime, job["id"])
    assert kept is not None
    assert (kept.payload["epochs"], kept.payload["encoder"]) == (3, "dan")
    scoring = program.post("/v1/jobs/scoring", {"only_missing": True}, status=202)
    assert ids(program.all_pages("/v1/jobs?limit=1")) == [scoring["id"], job["id"]]
    assert ids(program.all_pages("/v1/jobs?kind=train")) == [job["id"]]
    assert program.post(f"/v1/jobs/{job['id']}/cancel")["status"] == "cancelled"
    assert ids(program.all_pages("/v1/jobs?unfinished=true")) == [scoring["id"]]
    assert program.get(f"/v1/jobs/{job['id']}/log") == []
    assert program.all_pages("/v1/jobs?kind=nothing") == []
    program.get("/v1/jobs/99", 404)
    program.post("/v1/jobs/99/cancel", status=404)


def test_a_training_that_cannot_be_is_refused(program: Program, shelf: Shelf) -> None:
    for body in (
        {"epochs": 0},
        {"encoder": "magic"},
        {"model": {"nothing": 1}},
        {"epochs": "many"},
        {"promoted": True},
    ):
        program.post("/v1/jobs/training", body, status=422)
    assert program.get("/v1/jobs")["items"] == []


def test_annotators_start_no_jobs(program: Program, shelf: Shelf) -> None:
    mina = program.of("Mina", Role.ANNOTATOR)
    mina.post("/v1/jobs/training", {}, status=403)
    mina.post("/v1/jobs/scoring", {}, status=403)
    job = program.post("/v1/jobs/scoring", {}, status=202)
    mina.post(f"/v1/jobs/{job['id']}/cancel", status=403)


def test_a_campaign_is_made_and_lives(program: Program, shelf: Shelf) -> None:
    body = {"name": "Shirts", "kind": "random", "filter": {"keyword": "shirt"}, "settings": {"overlap": 2}}
    answer = program.ask("POST", "/v1/campaigns", 201, json=body)
    made = answer.json()
    address = answer.headers["location"]
    assert (made["status"], made["n_tasks"], made["settings"]["overlap"]) == ("active", 24, 2)
    assert made["filter"]["keyword"] == "shirt"
    for step, status in (("pause", "paused"), ("resume", "active"), ("close", "closed"), ("reopen", "active")):
        assert program.post(f"{address}/{step}")["status"] == status
    program.post(f"{address}/resume", status=409)
    assert program.get(f"{address}/progress")["n_tasks"] == 24
    clone = program.post(f"{address}/clone", {"name": "Again"}, status=201)
    assert clone["cloned_from_id"] == made["id"]
    program.post(f"{address}/delete", {"reason": "a mistake"}, status=204)
    program.get(address, 404)
    assert ids(program.get("/v1/campaigns")["items"]) == [clone["id"]]
    assert ids(program.get("/v1/campaigns?deleted=true")["items"]) == [made["id"]]
    assert program.post(f"{address}/restore")["id"] == made["id"]


def test_campaigns_are_listed_page_by_page(program: Program, shelf: Shelf, runtime: Runtime) -> None:
    made = [add_campaign(runtime, shelf, shelf.products[:1], name=f"c{n}") for n in range(5)]
    assert ids(program.all_pages("/v1/campaigns?limit=2")) == made[::-1]
    program.post(f"/v1/campaigns/{made[1]}/close")
    assert ids(program.all_pages("/v1/campaigns?limit=1&status=closed")) == [made[1]]


REFUSED: list[dict[str, Any]] = [
    {"kind": "magic"},
    {"name": ""},
    {"name": "a\u0000b"},
    {"filter": {"nothing": 1}},
    {"filter": {"keyword": "\ud800"}},
    {"filter": {"keyword": "\0"}},
    {"\ud800": 1},
    {"filter": {"keyword": "no such word"}},
    {"settings": {"overlap": 11}},
    {"settings": {"strata": [{"overlap": 0}]}},
    {"inputs": {"seed": -1}},
    {"kind": "mall_audit"},
    {"limit": 0},
    {"member": 1},
]


def test_a_campaign_that_cannot_be_is_refused(program: Program, shelf: Shelf) -> None:
    headers = {"Content-Type": "application/json"}
    for change in REFUSED:
        body = json.dumps({"name": "x", "kind": "random", **change}).encode()
        program.ask("POST", "/v1/campaigns", 422, headers=headers, content=body)
    assert program.get("/v1/campaigns")["items"] == []


def test_roles_hold_through_the_api(program: Program, shelf: Shelf) -> None:
    body = {"name": "x", "kind": "random"}
    program.of("Mina", Role.ANNOTATOR).post("/v1/campaigns", body, status=403)
    program.of("Ana", Role.ANALYST).post("/v1/campaigns", body, status=201)
    assert program.post("/v1/campaigns", body, status=409)["type"] == "/problems#conflict"


def test_only_reviewers_read_how_often_gold_is_asked(program: Program, shelf: Shelf) -> None:
    made = program.post("/v1/campaigns", {"name": "x", "kind": "random", "settings": {"gold_rate": 0.1}}, status=201)
    assert made["settings"]["gold_rate"] == 0.1
    seen = program.of("Mina", Role.ANNOTATOR).get(f"/v1/campaigns/{made['id']}")
    assert seen["settings"]["gold_rate"] is None
