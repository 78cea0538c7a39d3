"""The labeling page in Chromium: first load, and from key to next card painted, with 65,871 products and 4,993 leaves.

The real app, the real browser, the keyboard. `painted` is the first frame after the next title stands in the page
(a MutationObserver, then requestAnimationFrame, then the task after that frame); `settled` is when Streamlit says
that the whole card is drawn. `server` is the part between the browser's message and the server's last answer before
the title. `--cards N` measures more cards.

The peers' figures were measured elsewhere, on another day (the issue names them); only ours is of this run.
"""

import argparse
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, TimeoutError, sync_playwright

from bench.label_shelf import fill
from core.runtime import open_runtime
from core.settings import Settings
from tests.browser.server import AppServer
from tests.machine import find_chromium

GOAL_MS, GOAL_LOAD_SECONDS = 250, 2.5
PEER_CARDS = {
    "Label Studio, 700 leaves": 1_008,
    "Label Studio, 4,000 leaves": 2_195,
    "doccano, few leaves": 207,
    "doccano, many leaves": 262,
}
PEER_LOADS = {"Label Studio": (3.2, 6.1), "doccano": (1.8, 6.9)}
KEYS = ("Enter", "1", "2", "3", "Enter", "5")
ARGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
LOST_MS = 5_000
ANSWERED = "n => window.bench.settled.length > n"
TITLE = "[class*='st-key-label-title']"
WATCH = """
(() => {
  const bench = (window.bench = { painted: [], settled: [], server: [], loaded: null, key: 0, sent: 0, got: 0 })
  let last = null, wasRunning = false, idle = 0
  const settle = () => {
    const isNew = bench.painted.length > bench.settled.length
    if (isNew && idle > bench.key) bench.settled.push(Math.max(idle - bench.key, bench.painted.at(-1)))
  }
  addEventListener("keydown", () => { bench.key = performance.now(); bench.sent = 0 }, true)
  const send = WebSocket.prototype.send
  WebSocket.prototype.send = function (data) {
    if (!this.watched) {
      this.watched = true
      this.addEventListener("message", () => { bench.got = performance.now() })
    }
    if (!bench.sent) bench.sent = performance.now()
    return send.call(this, data)
  }
  const look = () => {
    const title = document.querySelector("TITLE")?.textContent
    if (title && title !== last) {
      const { key, sent, got } = bench, isFirst = last === null
      last = title
      requestAnimationFrame(() => setTimeout(() => {
        if (isFirst) bench.loaded = performance.now()
        else { bench.painted.push(performance.now() - key); bench.server.push(got - sent); settle() }
      }))
    }
    const isRunning = document.querySelector(".stApp")?.dataset.testScriptState !== "notRunning"
    if (isRunning) wasRunning = true
    else if (wasRunning) { wasRunning = false; idle = performance.now(); settle() }
  }
  const everything = { subtree: true, childList: true, characterData: true, attributes: true }
  new MutationObserver(look).observe(document, everything)
})()
""".replace("TITLE", TITLE)


@dataclass(frozen=True)
class Times:
    """Milliseconds a card; seconds a load."""

    painted: list[float]
    settled: list[float]
    server: list[float]
    lost: int  # keys that no card followed
    first_load: float  # with a freshly started app and an empty browser cache
    loads: list[float]  # with an empty browser cache each, the app warm


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cards", type=int, default=100)
    parser.add_argument("--data", type=Path, help="folder to keep and use again the filled database in")
    arguments = parser.parse_args()
    if find_chromium() is None:
        print("Nothing measured: there is no Chromium here.")
        return
    with tempfile.TemporaryDirectory() as scratch:
        data_dir = arguments.data or Path(scratch) / "data"
        campaign, origin = _prepare(data_dir)
        with AppServer(data_dir) as app:
            times = measure(f"{app.url}/label?campaign={campaign}", arguments.cards)
    report(times, origin)


def _prepare(data_dir: Path) -> tuple[int, str]:
    kept = data_dir / "bench_label_page.txt"
    if kept.exists():
        campaign, origin = kept.read_text("utf-8").split("\n")
        return int(campaign), origin
    runtime = open_runtime(Settings(data_dir=data_dir))
    started = time.perf_counter()
    filled, origin = fill(runtime)
    runtime.close()
    kept.write_text(f"{filled}\n{origin}", "utf-8")
    print(f"filled in {time.perf_counter() - started:.0f} s")
    return filled, origin


def measure(url: str, n_cards: int) -> Times:
    path = find_chromium()
    if path is None:
        raise SystemExit("no Chromium: python -m tests.machine installs one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGS)
        first_load, page = _load(browser, url)
        loads = []
        for _visit in range(5):
            seconds, visited = _load(browser, url)
            loads.append(seconds)
            visited.context.close()
        lost = 0
        for n in range(n_cards):
            page.keyboard.press(KEYS[n % len(KEYS)])
            lost += not _answered(page, n)
            page.wait_for_timeout(300)  # a person looks at the card: the browser is at rest when the key comes
        seen = page.evaluate("window.bench")
        browser.close()
    return Times(seen["painted"], seen["settled"], seen["server"], lost, first_load, loads)


def _answered(page: Page, n: int) -> bool:
    """True when the n-th key brought the next card; else it is pressed again, and counted as lost."""
    try:
        page.wait_for_function(ANSWERED, arg=n, timeout=LOST_MS)
    except TimeoutError:
        page.keyboard.press("1")
        page.wait_for_function(ANSWERED, arg=n, timeout=60_000)
        return False
    return True


def _load(browser: Browser, url: str) -> tuple[float, Page]:
    """Seconds from the start of the navigation to the first card painted, and the page."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="ko-KR")
    context.add_cookies([{"name": "shelfwright_name", "value": "bench", "url": url}])
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(url)
    page.wait_for_function("window.bench.loaded !== null", timeout=30_000)
    seconds = page.evaluate("window.bench.loaded") / 1000
    page.wait_for_selector(".stApp[data-test-script-state=notRunning]")
    return seconds, page


def report(times: Times, origin: str) -> None:
    print(f"\n{origin}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} while measuring\n")
    print(f"{'ms from key, n = ' + str(len(times.painted)):46}{'median':>8}{'p95':>8}{'worst':>8}")
    for name, values in (
        ("next title painted", times.painted),
        ("whole card settled", times.settled),
        ("of which server and socket", times.server),
    ):
        p95 = statistics.quantiles(values, n=20)[-1]
        print(f"{name:46}{statistics.median(values):8.0f}{p95:8.0f}{max(values):8.0f}")
    ours = statistics.median(times.painted)
    for peer, theirs in PEER_CARDS.items():
        print(f"{peer + ' (measured elsewhere)':46}{theirs:8,}   {theirs / ours:4.1f} x ours")
    print(f"keys that no card followed: {times.lost}")
    load = statistics.median(times.loads)
    print(f"\n{'first load, s, empty browser cache':46}{'median':>8}{'worst':>8}")
    print(f"{'Shelfwright, the app just started':46}{times.first_load:8.2f}")
    print(f"{'Shelfwright':46}{load:8.2f}{max(times.loads):8.2f}")
    for peer, (few, many) in PEER_LOADS.items():
        print(f"{peer + ', few leaves (measured elsewhere)':46}{few:8.1f}   {few / load:4.1f} x ours")
        print(f"{peer + ', many leaves (measured elsewhere)':46}{many:8.1f}   {many / load:4.1f} x ours")
    said = "met" if ours <= GOAL_MS and load <= GOAL_LOAD_SECONDS else "MISSED"
    print(f"\ngoal {said}: {GOAL_MS} ms and {GOAL_LOAD_SECONDS} s")


if __name__ == "__main__":
    main()
