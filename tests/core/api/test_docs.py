"""docs/api.md: every example is asked as it stands there, in its order, and answered with the status it names."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from core.catalogue.demo.making import make_products
from core.jobs.worker import run_claimed, worker_name
from core.settings import ROOT
from core.types import utc_now
from db import jobs
from db.tables import CampaignRow, ProductRow
from tests.core.api.programs import Program
from tests.core.labeling.shelf import add_campaign, fill_shelf

PAGE = ROOT / "docs" / "api.md"
WITH_VALUE = {"-X", "-H", "-d", "--data-urlencode"}
EXAMPLE = re.compile(r"^(curl .*?)     # (\d{3})(?:, ([A-Z]+))?$", re.MULTILINE)


@dataclass
class Curl:
    """What a line with curl asks."""

    method: str = "GET"
    address: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    query: dict[str, str] = field(default_factory=dict)


def read_curl(line: str, values: dict[str, str]) -> Curl:
    line = re.sub(r"\$([A-Z]+)", lambda found: values[found[1]], line)
    asked, words = Curl(), iter(shlex.split(line)[1:])
    for word in words:
        value = next(words) if word in WITH_VALUE else ""
        match word:
            case "-X":
                asked.method = value
            case "-H":
                name, _, text = value.partition(": ")
                asked.headers[name] = text
            case "-d":
                asked.body = value
            case "--data-urlencode":
                name, _, text = value.partition("=")
                asked.query[name] = text
            case "-G" | "-OJ":
                pass
            case _:
                asked.address = word
    return asked


def examples() -> Iterator[tuple[str, int, str | None]]:
    text = PAGE.read_text("utf-8")
    found = EXAMPLE.findall(text)
    assert len(found) == text.count("\ncurl "), "an example without its status"
    yield from ((line, int(status), kept or None) for line, status, kept in found)


def id_in(answer: Any) -> str:
    return str(answer["card"]["task"]["id"] if "card" in answer else answer["id"])


def test_every_example_works(program: Program) -> None:
    runtime = program.runtime
    shelf = fill_shelf(runtime)
    values = {
        "API": "http://testserver",
        "TOKEN": program.headers["Authorization"].split()[1],
        "CAMPAIGN": str(add_campaign(runtime, shelf)),
        "CATEGORY": str(shelf.leaves[0]),
        "PRODUCT": str(shelf.products[0]),
    }
    put_a_demo_title_there(program, shelf.products[1])
    for line, status, kept in examples():
        asked = read_curl(line, values)
        params: dict[str, Any] = {"params": asked.query} if asked.query else {}
        answer = program.client.request(
            asked.method, asked.address, headers=asked.headers, content=asked.body, **params
        )
        assert answer.status_code == status, f"{line}\n{answer.text}"
        if kept:
            values[kept] = id_in(answer.json())
        if kept == "EXPORT":
            work_off(program)
    with runtime.sessions.read() as session:
        assert session.query(CampaignRow).count() == 2


def put_a_demo_title_there(program: Program, product_id: int) -> None:
    """The words that the page looks for are words of the demo's titles."""
    word = re.findall(r'"keyword": "(.+?)"', PAGE.read_text("utf-8"))[0]
    title = next(product.title for product in make_products() if word in product.title)
    with program.runtime.sessions.write() as session:
        session.get_one(ProductRow, product_id).title = title


def work_off(program: Program) -> None:
    """What a worker would do meanwhile."""
    worker = worker_name()
    with program.runtime.sessions.write() as session:
        job_id = jobs.claim_job(session, worker, utc_now())
    assert job_id is not None
    run_claimed(program.runtime, job_id, worker)


def test_the_page_names_every_scope_and_every_kind_of_export() -> None:
    from core.api_tokens import Scope
    from core.catalogue.exporting.request import KINDS

    text = PAGE.read_text("utf-8")
    for word in [*Scope, *KINDS]:
        assert f"| `{word}` " in text, word
