"""`cli.py run` from nothing: prepares, serves, revives its children, stops, and starts again with everything there."""

import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

from core.runtime import open_runtime
from core.settings import Settings
from db.tables import PredictionRow, ProductRow, PromotionRow, TaskRow
from tests.launched import launched, read_until
from tests.postgres import free_port


def child(process: subprocess.Popen[str], word: str) -> psutil.Process:
    return next(one for one in psutil.Process(process.pid).children() if word in one.cmdline())


def counts(data_dir: Path) -> list[int]:
    runtime = open_runtime(Settings(data_dir=data_dir))
    with runtime.sessions.read() as session:
        tables = (ProductRow, PredictionRow, PromotionRow, TaskRow)
        found = [session.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in tables]
    runtime.close()
    return found


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_run_from_nothing_and_again(tmp_path: Path) -> None:
    port = free_port()
    with launched(tmp_path, port) as process:
        assert f"http://127.0.0.1:{port}" in read_until(process, "ready at")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5) as answer:
            assert answer.status == 200
        worker = child(process, "worker")
        worker.kill()
        assert "worker ended" in read_until(process, "starting it again")
        children = psutil.Process(process.pid).children()
        process.send_signal(signal.SIGINT)
        assert "Nothing is lost" in read_until(process, "Stopped")
        assert process.wait(timeout=30) == 0
        assert not psutil.wait_procs(children, timeout=10)[1]
    products, predictions, promotions, tasks = first = counts(tmp_path)
    assert (products, predictions, promotions) == (600, 600, 1)
    assert tasks > 0

    started = time.monotonic()
    with launched(tmp_path, port) as process:
        read_until(process, "ready at")
        assert time.monotonic() - started < 20  # 8 s where nothing else runs; see docs/experiments.md
    assert counts(tmp_path) == first


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_a_first_run_that_was_killed_goes_on(tmp_path: Path) -> None:
    port = free_port()
    with launched(tmp_path, port) as process:
        read_until(process, "%")  # it has begun to prepare
        process.kill()
        process.wait()
    with launched(tmp_path, port) as process:
        read_until(process, "ready at")
    assert counts(tmp_path)[:3] == [600, 600, 1]
