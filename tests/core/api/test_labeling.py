"""Claiming and deciding through the API: the same rules as on the page, and gold as hidden."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from core.labeling.settling import settle
from core.people import sign_in_local
from core.runtime import Runtime
from db.enums import Role
from db.tables import CampaignRow, DecisionRow, TaskRow
from tests.core.api.programs import Program
from tests.core.labeling.shelf import Shelf, add_campaign, change_row, count, expire_leases, fill_shelf


@pytest.fixture
def shelf(runtime: Runtime) -> Shelf:
    return fill_shelf(runtime)


@pytest.fixture
def campaign(runtime: Runtime, shelf: Shelf) -> str:
    return f"/v1/campaigns/{add_campaign(runtime, shelf)}"


@pytest.fixture
def mina(program: Program) -> Program:
    return program.of("Mina", Role.ANNOTATOR)


def claim(person: Program, campaign: str) -> Any:
    card = person.post(f"{campaign}/claim")["card"]
    return card and card["task"]["id"]


def test_a_card_is_claimed_decided_and_undone(program: Program, mina: Program, campaign: str, shelf: Shelf) -> None:
    card = mina.post(f"{campaign}/claim")["card"]
    task = f"/v1/tasks/{card['task']['id']}"
    assert card["product"]["id"] == shelf.products[0]
    assert card["suggestions"][0] == {
        "rank": 1,
        "category_id": shelf.leaves[0],
        "category": "남성 > 바지",
        "confidence": pytest.approx(0.3),
    }
    made = mina.post(
        f"{task}/decisions",
        {"category_id": shelf.leaves[1], "suggestion_rank": 2, "seconds_spent": 3.5, "note": "셔츠"},
        "one",
        201,
    )
    assert (made["kind"], made["category_id"], made["note"]) == ("label", shelf.leaves[1], "셔츠")
    assert made["task_id"] == card["task"]["id"]
    assert program.get(f"/v1/products/{shelf.products[0]}")["category_id"] == shelf.leaves[1]
    assert mina.get("/v1/decisions")[0]["is_undone"] is False
    again = mina.post(f"/v1/decisions/{made['id']}/undo", None, "two")
    assert again["id"] == card["task"]["id"]
    assert mina.get("/v1/decisions")[0]["is_undone"] is True
    assert program.get(f"/v1/products/{shelf.products[0]}")["category_id"] == shelf.leaves[0]
    assert claim(mina, campaign) == card["task"]["id"]


def test_the_same_decision_again_answers_the_same(mina: Program, campaign: str, shelf: Shelf, runtime: Runtime) -> None:
    address = f"/v1/tasks/{claim(mina, campaign)}/decisions"
    made = [mina.post(address, {"category_id": shelf.leaves[0]}, "k", 201) for _ in range(3)]
    assert made[0] == made[1] == made[2]
    assert count(runtime, DecisionRow) == 1
    told = {"category_id": shelf.leaves[0], "note": "later", "seconds_spent": 9.0, "suggestion_rank": 2}
    assert mina.post(address, told, "k", 201) == made[0]
    for other in ({"category_id": shelf.leaves[1]}, {"kind": "cannot_tell"}):
        assert mina.post(address, other, "k", 409)["type"] == "/problems#already-labeled"
    assert mina.post(address, {"category_id": shelf.leaves[0]}, "k2", 409)["type"] == "/problems#already-labeled"
    another = f"/v1/tasks/{claim(mina, campaign)}/decisions"
    assert mina.post(another, {"category_id": shelf.leaves[0]}, "k", 409)["type"] == "/problems#conflict"


def test_two_people_may_choose_the_same_key(program: Program, mina: Program, campaign: str, shelf: Shelf) -> None:
    for person in (mina, program):
        address = f"/v1/tasks/{claim(person, campaign)}/decisions"
        person.post(address, {"category_id": shelf.leaves[0]}, "1", 201)


def test_one_decision_however_often_it_is_sent_at_once(
    mina: Program, campaign: str, shelf: Shelf, runtime: Runtime
) -> None:
    address = f"/v1/tasks/{claim(mina, campaign)}/decisions"
    with ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(mina.post, address, {"category_id": shelf.leaves[0]}, "k", 201) for _ in range(8)]
    assert len({one.result()["id"] for one in sent}) == 1
    assert count(runtime, DecisionRow) == 1


def test_a_decision_needs_a_key(mina: Program, campaign: str, shelf: Shelf) -> None:
    address = f"/v1/tasks/{claim(mina, campaign)}/decisions"
    assert "Idempotency-Key" in mina.post(address, {"category_id": shelf.leaves[0]}, status=422)["detail"]
    for key in ("", "x" * 65):
        mina.post(address, {"category_id": shelf.leaves[0]}, key, 422)


def test_a_task_that_went_to_somebody_else_is_lost(
    mina: Program, program: Program, campaign: str, shelf: Shelf, runtime: Runtime
) -> None:
    task = claim(mina, campaign)
    expire_leases(runtime)
    assert claim(program, campaign) == task
    for step in ("renew", "skip"):
        assert mina.post(f"/v1/tasks/{task}/{step}", status=409)["type"] == "/problems#lease-lost"
    lost = mina.post(f"/v1/tasks/{task}/decisions", {"category_id": shelf.leaves[0]}, "k", 409)
    assert lost["type"] == "/problems#lease-lost"
    mina.post(f"/v1/tasks/{task}/release", status=204)
    assert claim(program, campaign) == task


def test_renewing_releasing_and_skipping(mina: Program, program: Program, campaign: str) -> None:
    first = claim(mina, campaign)
    assert mina.post(f"/v1/tasks/{first}/renew")["id"] == first
    mina.post(f"/v1/tasks/{first}/release", status=204)
    assert claim(program, campaign) == first
    program.post(f"/v1/tasks/{first}/skip", key="s", status=204)
    program.post(f"/v1/tasks/{first}/skip", key="s", status=204)
    assert claim(program, campaign) != first
    assert claim(mina, campaign) == first


def test_what_cannot_be_decided_is_told(mina: Program, campaign: str, shelf: Shelf) -> None:
    address = f"/v1/tasks/{claim(mina, campaign)}/decisions"
    mina.post(address, {"category_id": shelf.men}, "a", 422)
    mina.post(address, {"kind": "label"}, "b", 422)
    mina.post(address, {"kind": "settle", "category_id": shelf.leaves[0]}, "c", 422)
    mina.post(address, {"kind": "undo"}, "d", 422)
    assert mina.post(address, {"kind": "cannot_tell"}, "e", 201)["category_id"] is None


def test_a_made_up_task_is_not_found(mina: Program, campaign: str, shelf: Shelf) -> None:
    for name in ("1", "0123456789abcdef", "x" * 16, "x" * 33, "ffffffffffffffff", "%00"):
        status = mina.ask_status("POST", f"/v1/tasks/{name}/decisions", {"category_id": shelf.leaves[0]})
        assert status in (404, 422), name


def test_somebody_elses_decision_cannot_be_undone(program: Program, mina: Program, campaign: str) -> None:
    made = mina.post(f"/v1/tasks/{claim(mina, campaign)}/decisions", {"kind": "bad_listing"}, "k", 201)
    program.post(f"/v1/decisions/{made['id']}/undo", None, "u", 403)
    mina.post("/v1/decisions/99/undo", None, "u", 404)


def test_a_paused_campaign_hands_out_nothing(program: Program, mina: Program, campaign: str) -> None:
    program.post(f"{campaign}/pause")
    assert mina.post(f"{campaign}/claim", status=409)["type"] == "/problems#not-ready"
    mina.post("/v1/campaigns/99/claim", status=404)


def test_at_the_end_there_is_no_card(mina: Program, runtime: Runtime, shelf: Shelf) -> None:
    campaign = f"/v1/campaigns/{add_campaign(runtime, shelf, shelf.products[:1])}"
    mina.post(f"/v1/tasks/{claim(mina, campaign)}/decisions", {"kind": "cannot_tell"}, "k", 201)
    assert mina.post(f"{campaign}/claim") == {"card": None}


def test_eight_people_get_eight_products(program: Program, campaign: str) -> None:
    people = [program.of(f"P{n}", Role.ANNOTATOR) for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        tasks = list(pool.map(lambda person: claim(person, campaign), people))
    assert len(set(tasks)) == 8


def test_a_blind_card_shows_the_product_alone(mina: Program, campaign: str, runtime: Runtime) -> None:
    change_row(runtime, CampaignRow, 1, is_blind=True)
    card = mina.post(f"{campaign}/claim")["card"]
    assert card["is_blind"] is True
    assert card["suggestions"] == []
    assert [card["product"][name] for name in ("category_id", "label_source", "labeled_at")] == [None] * 3
    assert [card[name] for name in ("model_version_id", "margin", "issue", "back_off_category_id")] == [None] * 4


def shape_of(value: Any) -> Any:
    """Names and kinds of values, not the values themselves."""
    if isinstance(value, dict):
        return {name: shape_of(part) for name, part in value.items()}
    if isinstance(value, list):
        return [shape_of(part) for part in value[:1]]
    return type(value).__name__


def names_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*(names_in(part) for part in value.values()))
    return set().union(*(names_in(part) for part in value)) if isinstance(value, list) else set()


def test_a_hidden_check_looks_like_any_other_card(runtime: Runtime, program: Program, shelf: Shelf) -> None:
    """Two people walk the same way, one of them through a check: their answers differ in no name and no kind."""
    gold = shelf.products[8]
    settle(runtime, sign_in_local(runtime, "tester"), gold, shelf.leaves[0], "settled")
    number = add_campaign(runtime, shelf, shelf.products[1:4])  # a shop each, as gold has
    campaign = f"/v1/campaigns/{number}"
    walks = {}
    for name, rate in (("Mina", 1.0), ("Jun", 0.0)):
        change_row(runtime, CampaignRow, number, gold_rate=rate)
        person = program.of(name, Role.ANNOTATOR)
        before = person.get(campaign)
        card = person.post(f"{campaign}/claim")["card"]
        task = f"/v1/tasks/{card['task']['id']}"
        answers = [card, person.post(f"{task}/renew")]
        answers.append(person.post(f"{task}/decisions", {"category_id": shelf.leaves[0]}, "d", 201))
        answers += [person.get("/v1/decisions"), person.get(f"{campaign}/progress"), person.get(campaign)]
        answers.append(person.post(f"/v1/decisions/{answers[2]['id']}/undo", None, "u"))
        walks[name] = (answers, answers[5]["n_done"] - before["n_done"], card["product"]["id"])
    assert walks["Mina"][2] == gold
    assert count(runtime, TaskRow, TaskRow.is_gold) == 1
    assert shape_of(walks["Mina"][0]) == shape_of(walks["Jun"][0])
    assert walks["Mina"][1] == walks["Jun"][1] == 1
    for answers, *_ in walks.values():
        assert not {"is_gold", "is_gold_check", "slot", "position", "n_gold"} & names_in(answers)
        assert "'gold'" not in str(answers)


def test_who_may_not_know_which_products_are_gold(runtime: Runtime, program: Program, mina: Program) -> None:
    shelf = fill_shelf(runtime)
    gold = shelf.products[3]
    settle(runtime, sign_in_local(runtime, "tester"), gold, shelf.leaves[0], "settled")
    assert program.get(f"/v1/products/{gold}")["label_source"] == "gold"
    ann = program.of("Ann", Role.ANALYST)
    assert ann.get(f"/v1/products/{gold}")["label_source"] == "human"
    assert [row["id"] for row in program.get("/v1/products?label_source=gold")["items"]] == [gold]
    for person in (mina, ann):
        person.get("/v1/products?label_source=gold", 403)
    for what in ({"filter": {"label_source": "gold"}, "order": "oldest"}, {"filter": {"decided_by": 1}}):
        ann.post("/v1/campaigns", {"name": "x", "kind": "random", **what}, status=403)
    assert "gold" not in str(ann.all_pages("/v1/products?label_source=human"))


def test_an_annotators_token_finds_no_hidden_check_and_no_label(runtime: Runtime, program: Program) -> None:
    """Who claims a card and compares it with everything else that the API tells learns nothing."""
    shelf = fill_shelf(runtime)
    for product in shelf.products[4:8]:
        settle(runtime, sign_in_local(runtime, "tester"), product, shelf.leaves[1], f"settled {product}")
    number = add_campaign(runtime, shelf, shelf.products[:4])
    change_row(runtime, CampaignRow, number, gold_rate=1.0, is_blind=True)
    mina = program.of("Mina", Role.ANNOTATOR)
    told = 0
    while card := mina.post(f"/v1/campaigns/{number}/claim")["card"]:
        product = card["product"]["id"]
        assert (card["product"]["category_id"], card["suggestions"]) == (None, [])
        for address in (f"products/{product}", f"predictions?product_id={product}", f"products?keyword={product}"):
            answer = mina.get(f"/v1/{address}", 403)
            told += str(shelf.leaves[1]) in str(answer.get("items", ""))
        for address in ("products", "products?order=random", "predictions", "models", "models/1"):
            mina.get(f"/v1/{address}", 403)
        body = {"category_id": shelf.leaves[0]}
        mina.post(f"/v1/tasks/{card['task']['id']}/decisions", body, f"d{product}", 201)
    assert told == 0
    assert count(runtime, TaskRow, TaskRow.is_gold) > 0


@pytest.mark.parametrize("role", Role)
def test_who_reads_products_and_models(sqlite_program: Program, role: Role) -> None:
    shelf = fill_shelf(sqlite_program.runtime)
    person, product = sqlite_program.of("somebody", role), shelf.products[0]
    status = 403 if role == Role.ANNOTATOR else 200
    for address in ("products", f"products/{product}", f"predictions?product_id={product}", "models"):
        person.get(f"/v1/{address}", status)
