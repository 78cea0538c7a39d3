"""Labeling while things break: killed between claim and decision, before the answer, mid-transaction; a locked file."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.errors import LeaseLost, NotReady
from core.labeling.decisions import record_decision
from core.labeling.progress import get_progress
from core.labeling.queue import claim_task
from core.runtime import Runtime, open_runtime
from core.settings import ROOT, Settings
from core.types import Actor
from db import session as db_session
from db.enums import DecisionKind, LabelSource, TaskStatus
from db.tables import DecisionRow, LabelRow, TaskRow
from tests.core.labeling.shelf import add_campaign, annotator, count, expire_leases, fill_shelf, product_label

LABEL = DecisionKind.LABEL


@contextmanager
def process(runtime: Runtime, what: str, campaign: int, category: int) -> Iterator[subprocess.Popen[str]]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("SHELFWRIGHT_")},
        "SHELFWRIGHT_DATA_DIR": str(runtime.data_dir),
        "SHELFWRIGHT_DATABASE_URL": runtime.settings.database_url,
    }
    command = [sys.executable, "-m", "tests.faults.labeler", what, str(campaign), str(category)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=environment, text=True, stdin=pipe, stdout=pipe) as running:
        try:
            yield running
        finally:
            running.kill()


def killed_after(runtime: Runtime, what: str, campaign: int, category: int) -> int:
    """The task of a process that got as far as `what` and was then killed with signal 9."""
    with process(runtime, what, campaign, category) as running:
        assert running.stdout is not None
        task = int(running.stdout.readline())
        running.kill()
        assert running.wait() == -9
    return task


def test_killed_between_claim_and_decision_the_task_comes_back(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 3)
    campaign = add_campaign(runtime, shelf)
    lost = killed_after(runtime, "claim", campaign, shelf.leaves[1])
    other = claim_task(runtime, actor, campaign)
    assert other is not None
    assert other.id != lost  # Mia's lease still runs: nobody else gets it
    record_decision(runtime, actor, other.id, LABEL, shelf.leaves[1], "k1")
    mia = annotator(runtime, "Mia")
    reloaded = claim_task(runtime, mia, campaign)
    assert reloaded is not None
    assert reloaded.id == lost  # she reloads: the same card
    expire_leases(runtime)
    taken = claim_task(runtime, actor, campaign)
    assert taken is not None
    assert taken.id == lost  # she stays away: it goes to the next one
    with pytest.raises(LeaseLost):
        record_decision(runtime, mia, lost, LABEL, shelf.leaves[1], "late")
    record_decision(runtime, actor, lost, LABEL, shelf.leaves[2], "k2")
    assert get_progress(runtime, actor, campaign).n_done == count(runtime, DecisionRow) == 2


def test_killed_between_commit_and_answer_a_retry_makes_no_second_row(runtime: Runtime) -> None:
    shelf = fill_shelf(runtime, 2)
    campaign = add_campaign(runtime, shelf)
    decided = killed_after(runtime, "decide", campaign, shelf.leaves[1])
    mia = annotator(runtime, "Mia")
    again = record_decision(runtime, mia, decided, LABEL, shelf.leaves[1], f"key-{decided}")
    assert count(runtime, DecisionRow) == count(runtime, LabelRow, LabelRow.source == LabelSource.HUMAN) == 1
    assert product_label(runtime, again.product_id) == (shelf.leaves[1], LabelSource.HUMAN)
    assert get_progress(runtime, mia, campaign).n_done == 1


def test_killed_in_the_middle_of_a_decision_nothing_of_it_stays(runtime: Runtime) -> None:
    shelf = fill_shelf(runtime, 2)
    campaign = add_campaign(runtime, shelf)
    task = killed_after(runtime, "half", campaign, shelf.leaves[1])
    mia = annotator(runtime, "Mia")
    assert count(runtime, DecisionRow) == count(runtime, TaskRow, TaskRow.status == TaskStatus.DONE) == 0
    record_decision(runtime, mia, task, LABEL, shelf.leaves[1], "k1")
    assert get_progress(runtime, mia, campaign).n_done == 1


def test_a_file_locked_by_another_process_delays_a_decision_and_loses_none(
    sqlite_runtime: Runtime, actor: Actor
) -> None:
    shelf = fill_shelf(sqlite_runtime, 2)
    campaign = add_campaign(sqlite_runtime, shelf)
    task = claim_task(sqlite_runtime, actor, campaign)
    assert task is not None
    made = []

    def decide() -> None:
        made.append(record_decision(sqlite_runtime, actor, task.id, LABEL, shelf.leaves[1], "k1"))

    with process(sqlite_runtime, "lock", campaign, 0) as locker:
        assert locker.stdout is not None
        assert locker.stdin is not None
        assert locker.stdout.readline() == "locked\n"
        thread = threading.Thread(target=decide)
        thread.start()
        thread.join(0.3)
        assert not made  # it waits ...
        assert count(sqlite_runtime, DecisionRow) == 0  # ... while reading goes on
        locker.stdin.write("\n")
        locker.stdin.flush()
        thread.join()
    assert [decision.task_id for decision in made] == [task.id]
    assert product_label(sqlite_runtime, task.product_id) == (shelf.leaves[1], LabelSource.HUMAN)


def test_a_file_locked_for_too_long_says_so_and_pressing_again_saves_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db_session, "BUSY_TIMEOUT_MS", 100)
    runtime = open_runtime(Settings(data_dir=tmp_path, person="tester"))
    mia = annotator(runtime, "Mia")
    shelf = fill_shelf(runtime, 2)
    campaign = add_campaign(runtime, shelf)
    task = claim_task(runtime, mia, campaign)
    assert task is not None
    with process(runtime, "lock", campaign, 0) as locker:
        assert locker.stdout is not None
        assert locker.stdout.readline() == "locked\n"
        with pytest.raises(NotReady, match=r"locked.*Press again"):
            record_decision(runtime, mia, task.id, LABEL, shelf.leaves[1], "k1")
        with pytest.raises(NotReady, match=r"locked.*Press again"):
            claim_task(runtime, mia, campaign)
    record_decision(runtime, mia, task.id, LABEL, shelf.leaves[1], "k1")
    assert count(runtime, DecisionRow) == 1
    runtime.close()
