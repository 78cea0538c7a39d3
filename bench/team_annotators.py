"""The annotators of `bench.team_load`: threads that speak HTTP, and browsers that press keys."""

import json
import random
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import pairwise
from typing import Any
from urllib.parse import quote

from tests.machine import find_chromium

KEYS = ("Enter", "1", "2", "3")
LOOK = """() => ({
  title: document.querySelector("[class*='st-key-label-title']")?.textContent ?? "",
  notice: document.body.textContent.includes("The database cannot be"),
  locked: document.body.textContent.includes("database is locked"),
  broken: document.querySelector("[data-testid=stException]") !== null,
})"""
CARD_SECONDS = 40.0
PRESS_AGAIN_SECONDS = 6.0


@dataclass
class Result:
    """What a run saw. Times in ms."""

    claim: list[float] = field(default_factory=list)
    decide: list[float] = field(default_factory=list)
    both: list[float] = field(default_factory=list)  # claim + decide of one card
    browser: list[float] = field(default_factory=list)  # key to the next title in the page
    errors: list[str] = field(default_factory=list)
    told_to_wait: int = 0
    held: list[tuple[int, int, float, float]] = field(default_factory=list)  # (product, annotator, from, until)
    acknowledged: list[tuple[int, int, int]] = field(default_factory=list)  # (decision, product, category)
    notices: int = 0  # browsers that showed the sentence about the database
    recovered: int = 0  # browsers that went on after it by themselves
    pressed_again: int = 0  # keys that had no effect for some seconds
    leases_lost: int = 0  # decisions refused because the claim went down with the database

    def times(self) -> dict[str, list[float]]:
        return {
            "claim": self.claim,
            "decide": self.decide,
            "claim + decide": self.both,
            "browser, key to next title": self.browser,
        }

    def facts(self) -> dict[str, Any]:
        return {
            "decisions_api": len(self.acknowledged),
            "decisions_browser": len(self.browser),
            "errors": len(self.errors),
            "told_to_wait": self.told_to_wait,
            "browsers_with_notice": self.notices,
            "browsers_recovered": self.recovered,
            "keys_pressed_again": self.pressed_again,
            "leases_lost": self.leases_lost,
        }

    @property
    def handed_out_twice(self) -> int:
        """Times that a product was in two people's hands at once: from the answer to a claim until a decision ended it.

        Every product is asked about once in the campaign of the bench.
        """
        by_product: dict[int, list[tuple[float, float, int]]] = {}
        for product, annotator, since, until in self.held:
            by_product.setdefault(product, []).append((since, until, annotator))
        return sum(
            later[0] < earlier[1] and later[2] != earlier[2]
            for spans in by_product.values()
            for earlier, later in pairwise(sorted(spans))
        )


class Annotator:
    """One person's program: claims, thinks, decides, until told to stop. Asks again when told 'not now'."""

    def __init__(self, port: int, token: str, campaign_id: int, leaves: list[int], think: float, number: int) -> None:
        self.port, self.token, self.campaign_id = port, token, campaign_id
        self.leaves, self.think, self.number = leaves, think, number
        self.result, self.chance = Result(), random.Random(number)
        self._connection: HTTPConnection | None = None

    def work(self, until: Callable[[], bool]) -> None:
        while not until():
            claim_ms, answer = self._ask(f"/v1/campaigns/{self.campaign_id}/claim", None, None, until)
            card = (answer or {}).get("card")
            if not card:
                return
            product, since = card["product"]["id"], time.monotonic()
            time.sleep(min(self.chance.expovariate(1 / self.think), 10 * self.think) if self.think else 0)
            category = self.chance.choice(self.leaves)
            key, path = uuid.uuid4().hex, f"/v1/tasks/{card['task']['id']}/decisions"
            decide_ms, decision = self._ask(path, {"category_id": category}, key, until)
            self.result.held.append((product, self.number, since, time.monotonic()))
            if decision is None or claim_ms is None or decide_ms is None:
                continue
            self.result.claim.append(claim_ms)
            self.result.decide.append(decide_ms)
            self.result.both.append(claim_ms + decide_ms)
            self.result.acknowledged.append((decision["id"], decision["product_id"], category))

    def _ask(
        self, path: str, body: dict[str, Any] | None, key: str | None, until: Callable[[], bool]
    ) -> tuple[float | None, dict[str, Any] | None]:
        """The milliseconds of the answered try, and the answer; the same key again after 'not now'."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        headers |= {"Idempotency-Key": key} if key else {}
        while True:
            was_open = self._connection is not None
            began = time.perf_counter()
            try:
                self._connection = self._connection or HTTPConnection("127.0.0.1", self.port, timeout=60)
                self._connection.request("POST", path, json.dumps(body or {}), headers)
                response = self._connection.getresponse()
                status, text = response.status, response.read()
            except (OSError, HTTPException) as error:
                self._connection = None
                if was_open:  # the server closed it while this person was thinking
                    continue
                self.result.errors.append(f"connection: {type(error).__name__}")
                return None, None
            if status < 300:
                return 1000 * (time.perf_counter() - began), json.loads(text)
            if status == 409 and b"lease-lost" in text:
                self.result.leases_lost += 1
                return None, None
            if status != 503:
                self.result.errors.append(f"{status} {text[:120].decode(errors='replace')}")
                return None, None
            self.result.told_to_wait += 1
            if until():
                return None, None
            time.sleep(0.5)


class Browsers:
    """People at the labeling page: each a Chromium window of its own that presses a key, waits, thinks."""

    def __init__(self, url: str, n: int, think: float) -> None:
        self.url, self.n, self.think, self.result = url, n, think, Result()
        self._lock = threading.Lock()

    def work(self, number: int, until: Callable[[], bool]) -> None:
        from playwright.sync_api import Error, sync_playwright

        args = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
        chance = random.Random(1000 + number)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=args)
            context = browser.new_context(locale="en-US", viewport={"width": 1440, "height": 900})
            root = self.url.split("/label")[0]
            context.add_cookies([{"name": "shelfwright_name", "value": quote(f"browser {number}"), "url": root}])
            page = context.new_page()
            page.goto(self.url)
            page.get_by_role("button", name="Skip").wait_for(timeout=60_000)
            while not until():
                try:
                    self._card(page, chance)
                except Error as error:
                    with self._lock:
                        self.result.errors.append(f"browser: {str(error).splitlines()[0][:100]}")
                time.sleep(self.think * (0.5 + chance.random()))
            browser.close()

    def _card(self, page: Any, chance: random.Random) -> None:
        """Press a key and wait for the next title; a sentence about the database meanwhile is counted."""
        shown = page.evaluate(LOOK)["title"]
        began = pressed = time.perf_counter()
        page.keyboard.press(chance.choice(KEYS))
        saw_notice = False
        while (now := time.perf_counter()) - began < CARD_SECONDS:
            seen = page.evaluate(LOOK)
            if seen["locked"] or seen["broken"]:
                with self._lock:
                    self.result.errors.append("browser: an error of the program was shown")
                return
            if seen["notice"] and not saw_notice:
                saw_notice = True
                self._count("notices")
            if seen["title"] and seen["title"] != shown:
                if not saw_notice:
                    self.result.browser.append(1000 * (now - pressed))
                else:
                    self._count("recovered")
                return
            if seen["title"] and not seen["notice"] and now - pressed > PRESS_AGAIN_SECONDS:  # as people do
                self._count("pressed_again")
                pressed = now
                page.keyboard.press(chance.choice(KEYS))
            time.sleep(0.01)
        with self._lock:
            self.result.errors.append("browser: no next card in time")

    def _count(self, name: str) -> None:
        with self._lock:
            setattr(self.result, name, getattr(self.result, name) + 1)


def run_team(team: list[Annotator], browsers: Browsers, seconds: float, restart: threading.Thread | None) -> Result:
    """Everybody works for so many seconds; the database restarts in the middle."""
    end = time.monotonic() + seconds
    until = lambda: time.monotonic() >= end  # noqa: E731
    threads = [threading.Thread(target=one.work, args=(until,)) for one in team]
    threads += [threading.Thread(target=browsers.work, args=(number, until)) for number in range(browsers.n)]
    for thread in threads:
        thread.start()
    if restart:
        time.sleep(seconds / 2)
        restart.start()
        restart.join()
    for thread in threads:
        thread.join()
    whole = browsers.result
    for one in team:
        for name in ("claim", "decide", "both", "errors", "held", "acknowledged"):
            getattr(whole, name).extend(getattr(one.result, name))
        whole.told_to_wait += one.result.told_to_wait
        whole.leases_lost += one.result.leases_lost
    return whole
