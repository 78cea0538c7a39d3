"""Imports that are killed, run out of disk, or find the database locked: each row arrives, and once."""

import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.catalogue.block_importer import DISK_FULL
from core.catalogue.blocks import BLOCK_ROWS
from core.catalogue.import_runs import ImportRun, get_import_run, list_import_runs
from core.jobs import worker
from core.jobs.queue import get_job
from core.runtime import Runtime, open_runtime
from core.settings import ROOT, Settings
from core.types import utc_now
from db import jobs
from db.enums import JobStatus
from db.tables import LabelRow, ProductRow

N_ROWS = 60_000
LEASE_SECONDS = 2.0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "items.csv"
    rows = (
        f"{n},상품 {n * 7919 % 100_003} 정품 무료배송,몰{n % 5},의류 > 하의 {n % 40},{n % 900}" for n in range(N_ROWS)
    )
    path.write_text("id,title,mall,category,price\n" + "\n".join(rows) + "\n", "utf-8")
    return path


def start_cli(runtime: Runtime, *arguments: str, before: Callable[[], None] | None = None) -> "subprocess.Popen[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SHELFWRIGHT_")}
    environment |= {
        "SHELFWRIGHT_DATA_DIR": str(runtime.data_dir),
        "SHELFWRIGHT_DATABASE_URL": runtime.settings.database_url,
        "SHELFWRIGHT_JOB_LEASE_SECONDS": str(LEASE_SECONDS),
    }
    command = [sys.executable, "cli.py", "import", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=before
    )


def wait_for_rows(runtime: Runtime, process: "subprocess.Popen[str]") -> ImportRun:
    """The run, as soon as some of its rows are committed."""
    while process.poll() is None:
        runs = list_import_runs(runtime)
        if runs and runs[0].n_read:
            return runs[0]
    raise AssertionError(f"it ended first: {process.communicate()}")


def check_all_rows_once(runtime: Runtime, run: ImportRun) -> None:
    assert (run.state, run.n_read, run.n_inserted) == ("finished", N_ROWS, N_ROWS)
    assert (run.n_updated, run.n_unchanged, run.n_rejected) == (0, 0, 0)
    with runtime.sessions.read() as session:
        n_products = session.scalar(sa.select(sa.func.count()).select_from(ProductRow))
        n_keys = session.scalar(sa.select(sa.func.count(sa.distinct(ProductRow.external_id))))
        n_labels = session.scalar(sa.select(sa.func.count()).select_from(LabelRow))
    assert n_products == n_keys == n_labels == N_ROWS


def test_kill_9_and_another_worker_goes_on(runtime: Runtime, file: Path) -> None:
    process = start_cli(runtime, str(file), "--source", "shop")
    wait_for_rows(runtime, process)
    process.kill()
    process.communicate()
    half = list_import_runs(runtime)[0]
    assert half.job_id
    assert 0 < half.n_read == half.n_inserted < N_ROWS
    patient = Runtime(Settings(**{**runtime.settings.__dict__, "job_lease_seconds": LEASE_SECONDS}), runtime.sessions)
    deadline = time.monotonic() + 60
    while not worker.requeue_stalled(patient):
        assert time.monotonic() < deadline
    with runtime.sessions.write() as session:
        assert jobs.claim_job(session, "second", utc_now()) == half.job_id
    job = worker.run_claimed(runtime, half.job_id, "second")
    assert (job.status, job.attempt) == (JobStatus.SUCCEEDED, 2)
    check_all_rows_once(runtime, get_import_run(runtime, half.id))


def limit_files() -> None:
    """No file of this process grows beyond so much: to SQLite that is a disk that takes no more."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (9 * 2**20, resource.RLIM_INFINITY))


def test_a_full_disk_is_said_and_the_import_goes_on_later(sqlite_runtime: Runtime, file: Path) -> None:
    runtime = sqlite_runtime
    process = start_cli(runtime, str(file), "--source", "shop", before=limit_files)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert DISK_FULL in said
    assert "Traceback" not in said
    run = list_import_runs(runtime)[0]
    assert 0 < run.n_read < N_ROWS
    assert run.n_read % BLOCK_ROWS == 0
    assert run.job_id
    assert (run.state, run.error, get_job(runtime, run.job_id).status) == ("stopped", DISK_FULL, JobStatus.FAILED)
    printed, said = start_cli(runtime, "--resume", str(run.id), "--json").communicate(timeout=120)
    assert json.loads(printed.splitlines()[-1])["rows_imported"] == N_ROWS, said
    check_all_rows_once(runtime, get_import_run(runtime, run.id))


@contextmanager
def tiny_disk(path: Path) -> Iterator[Path | None]:
    """A file system of 28 MB, or None where nobody may mount one."""
    path.mkdir()
    mount = shutil.which("mount") if os.geteuid() == 0 and sys.platform == "linux" else None
    command = [mount or "false", "-t", "tmpfs", "-o", "size=28m", "tmpfs", str(path)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        yield None
        return
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)


def test_an_import_leaves_room_for_the_app(tmp_path: Path, file: Path) -> None:
    with tiny_disk(tmp_path / "disk") as disk:
        # Without a tiny disk, the machine's own has room: then the import goes through.
        runtime = open_runtime(Settings(data_dir=(disk or tmp_path) / "data", person="tester"))
        try:
            _, said = start_cli(runtime, str(file), "--source", "shop").communicate(timeout=120)
            run = list_import_runs(runtime)[0]
            if disk is None:
                check_all_rows_once(runtime, run)
                return
            assert DISK_FULL in said
            assert (run.state, run.error) == ("stopped", DISK_FULL)
            assert 0 < run.n_read < N_ROWS
            assert shutil.disk_usage(disk).free > 4 * 2**20
        finally:
            runtime.close()


def test_a_database_locked_for_seconds_only_takes_seconds_more(sqlite_runtime: Runtime, file: Path) -> None:
    runtime = sqlite_runtime
    process = start_cli(runtime, str(file), "--source", "shop")
    wait_for_rows(runtime, process)
    other = sqlite3.connect(runtime.data_dir / "shelfwright.db", timeout=30, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    before = list_import_runs(runtime)[0].n_read
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=3)
    assert list_import_runs(runtime)[0].n_read == before < N_ROWS
    other.execute("COMMIT")
    other.close()
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    check_all_rows_once(runtime, list_import_runs(runtime)[0])
