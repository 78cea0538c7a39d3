"""The work of `bench.team_load` on Label Studio and doccano: ask for the next title, think, choose one of ten leaves.

Both run as they are installed, each with its own SQLite database, from a virtual environment of theirs. Label Studio
locks a task for who asked; doccano has no such thing: its page shows the first examples nobody confirmed, so annotators
who work at once are given the same ones, which is counted.
"""

import os
import random
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.postgres import free_port

N_LEAVES, N_TITLES = 10, 1_000
START_SECONDS = 180


@dataclass
class Peer:
    """How to ask another program for work and give the answer: (next title's id or none), (decide)."""

    name: str
    claim: Callable[[httpx.Client], int | None]
    decide: Callable[[httpx.Client, int], None]
    clients: list[httpx.Client]


@dataclass
class Tally:
    """What the annotators of a peer saw. Times in ms."""

    both: list[float] = field(default_factory=list)
    claimed: list[tuple[int, int]] = field(default_factory=list)  # (title, annotator)
    errors: list[str] = field(default_factory=list)


def measure_label_studio(environment: Path, n_people: int, seconds: float, think: float) -> None:
    """Label Studio with `n_people` signed up in one organisation."""
    with tempfile.TemporaryDirectory() as folder:
        port, token = free_port(), "a" * 40
        own = {"LABEL_STUDIO_BASE_DATA_DIR": folder, "COLLECT_ANALYTICS": "False"}
        command = [str(environment / "bin" / "label-studio"), "start", "--port", str(port), "-b", "--data-dir", folder]
        command += ["--username", "admin@bench.local", "--password", "password-1", "--user-token", token]
        with running([*command, "--enable-legacy-api-token"], own, f"http://127.0.0.1:{port}/health"):
            root = f"http://127.0.0.1:{port}"
            admin = httpx.Client(base_url=root, timeout=120, headers={"Authorization": f"Token {token}"})
            choices = "".join(f'<Choice value="leaf {number}"/>' for number in range(N_LEAVES))
            config = f'<View><Text name="t" value="$text"/><Choices name="c" toName="t">{choices}</Choices></View>'
            project = admin.post("/api/projects", json={"title": "bench", "label_config": config}).json()["id"]
            titles = [{"text": f"Trousers {number}"} for number in range(N_TITLES)]
            admin.post(f"/api/projects/{project}/import", json=titles).raise_for_status()
            clients = [_signed_up(root, number) for number in range(n_people)]

            def claim(client: httpx.Client) -> int | None:
                answer = client.get(f"/api/projects/{project}/next")
                return None if answer.status_code == 404 else int(answer.raise_for_status().json()["id"])

            def decide(client: httpx.Client, task: int) -> None:
                value = {"choices": [f"leaf {random.randrange(N_LEAVES)}"]}
                result = [{"from_name": "c", "to_name": "t", "type": "choices", "value": value}]
                client.post(f"/api/tasks/{task}/annotations", json={"result": result}).raise_for_status()

            work(Peer("Label Studio", claim, decide, clients), seconds, think)


def _signed_up(root: str, number: int) -> httpx.Client:
    """A new person's client, with a token of theirs."""
    browser = httpx.Client(base_url=root, timeout=120, follow_redirects=True)
    browser.get("/user/signup/")
    form = {
        "email": f"ann{number}@bench.local",
        "password": "password-1",
        "csrfmiddlewaretoken": browser.cookies["csrftoken"],
    }
    browser.post("/user/signup/", data=form).raise_for_status()
    token = browser.get("/api/current-user/token").raise_for_status().json()["token"]
    return httpx.Client(base_url=root, timeout=120, headers={"Authorization": f"Token {token}"})


def measure_doccano(environment: Path, n_people: int, seconds: float, think: float) -> None:
    """doccano with one shared project; all annotators sign in as its owner, which spares it questions of rights."""
    with tempfile.TemporaryDirectory() as folder:
        port, program = free_port(), str(environment / "bin" / "doccano")
        own = {"DATABASE_URL": f"sqlite:///{folder}/doccano.sqlite3", "HOME": folder}
        clean = os.environ | own
        subprocess.run([program, "init"], env=clean, check=True, capture_output=True, timeout=300)
        create = [program, "createuser", "--username", "admin", "--password", "password-1"]
        subprocess.run(create, env=clean, check=True, capture_output=True, timeout=300)
        root = f"http://127.0.0.1:{port}"
        with running([program, "webserver", "--port", str(port)], own, f"{root}/v1/health"):
            login = {"username": "admin", "password": "password-1"}
            key = httpx.post(f"{root}/v1/auth/login/", json=login, timeout=60).raise_for_status().json()["key"]
            clients = [
                httpx.Client(base_url=root, timeout=120, headers={"Authorization": f"Token {key}"})
                for _ in range(n_people)
            ]
            project, leaves = _fill_doccano(clients[0])
            path = f"/v1/projects/{project}/examples"

            def claim(client: httpx.Client) -> int | None:
                found = client.get(path, params={"limit": 1, "offset": 0, "confirmed": "false"})
                results = found.raise_for_status().json()["results"]
                return int(results[0]["id"]) if results else None

            def decide(client: httpx.Client, example: int) -> None:
                client.post(f"{path}/{example}/categories", json={"label": random.choice(leaves)})
                client.post(f"{path}/{example}/states", json={}).raise_for_status()

            work(Peer("doccano", claim, decide, clients), seconds, think)


def _fill_doccano(client: httpx.Client) -> tuple[int, list[int]]:
    """(project, its leaves' ids)."""
    project = {
        "name": "bench",
        "description": "bench",
        "guideline": "",
        "project_type": "DocumentClassification",
        "resourcetype": "TextClassificationProject",
        "single_class_classification": False,
        "random_order": False,
        "collaborative_annotation": True,
    }
    number = client.post("/v1/projects", json=project).raise_for_status().json()["id"]
    leaves = [
        client.post(f"/v1/projects/{number}/category-types", json={"text": f"leaf {leaf}"}).json()["id"]
        for leaf in range(N_LEAVES)
    ]
    for title in range(N_TITLES):
        client.post(f"/v1/projects/{number}/examples", json={"text": f"Trousers {title}"}).raise_for_status()
    return number, leaves


@contextmanager
def running(command: list[str], own: dict[str, str], health: str) -> Iterator[None]:
    """The program, answering, and gone with all it started afterwards."""
    process = subprocess.Popen(
        command, env=os.environ | own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if httpx.get(health, timeout=5).status_code < 500:
                    break
            except httpx.HTTPError:
                pass
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{command[0]} did not start")
            time.sleep(0.5)
        yield
    finally:
        os.killpg(process.pid, 15)
        process.wait(timeout=60)


def work(peer: Peer, seconds: float, think: float) -> None:
    """Everybody works at once; what they waited for is printed."""
    tally, end = Tally(), time.monotonic() + seconds

    def annotate(number: int, client: httpx.Client) -> None:
        chance = random.Random(number)
        while time.monotonic() < end:
            try:
                began = time.perf_counter()
                title = peer.claim(client)
                claimed = time.perf_counter() - began
                if title is None:
                    return
                tally.claimed.append((title, number))
                time.sleep(min(chance.expovariate(1 / think), 10 * think) if think else 0)
                began = time.perf_counter()
                peer.decide(client, title)
                tally.both.append(1000 * (claimed + time.perf_counter() - began))
            except (httpx.HTTPError, KeyError, ValueError) as error:
                tally.errors.append(f"{type(error).__name__} {str(error)[:80]}")

    threads = [threading.Thread(target=annotate, args=(number, client)) for number, client in enumerate(peer.clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _report(peer.name, len(peer.clients), seconds, tally)


def _report(name: str, n_people: int, seconds: float, tally: Tally) -> None:
    times: Any = sorted(tally.both) or [float("nan")]
    p50, p95 = (times[min(int(len(times) * q), len(times) - 1)] for q in (0.5, 0.95))
    people = Counter(title for title, _ in set(tally.claimed))
    shared = sum(n > 1 for n in people.values())
    print(
        f"\n{name}: {n_people} people, {seconds:.0f} s: claim + decide n {len(tally.both):,}   p50 {p50:.1f}   "
        f"p95 {p95:.1f} ms; errors {len(tally.errors)}; titles given to two people {shared} of {len(people)}",
        flush=True,
    )
    for error in sorted(set(tally.errors))[:3]:
        print(f"  {error}")
