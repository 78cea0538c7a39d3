"""Jobs: claimed once, beaten, taken over from the dead, cancelled, ended with a reason."""

import logging
import sqlite3
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from core.errors import InvalidInput
from core.jobs import handlers, worker
from core.jobs.context import JobContext
from core.jobs.queue import Job, cancel_job, enqueue, find_unfinished_job, get_job, list_log
from core.runtime import Runtime, open_runtime
from core.types import Actor, utc_now
from db import jobs
from db.enums import JobStatus
from db.tables import JobRow


def count_to(context: JobContext) -> dict[str, Any]:
    for step in range(context.payload["n"]):
        context.report(step / context.payload["n"], "counting", step=step)
        context.log(f"step {step}")
    return {"n": context.payload["n"]}


def refuse(context: JobContext) -> dict[str, Any]:
    raise InvalidInput("Line {line}: no title.", line=7)


def break_down(context: JobContext) -> dict[str, Any]:
    (context.folder / "checkpoint").write_text("kept")
    raise ZeroDivisionError("by zero")


def cancel_myself(context: JobContext) -> dict[str, Any]:
    cancel_job(context.runtime, context.actor, context.job.id)
    context.report(0.5, "after the cancel")
    raise AssertionError("report must have raised")


def be_interrupted(context: JobContext) -> dict[str, Any]:
    (context.folder / "checkpoint").write_text("kept")
    raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def test_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    for function in (count_to, refuse, break_down, cancel_myself, be_interrupted):
        monkeypatch.setitem(handlers.HANDLERS, function.__name__, f"{__name__}:{function.__name__}")


def run_next(runtime: Runtime) -> Job:
    with runtime.sessions.write() as session:
        job_id = jobs.claim_job(session, "w1", utc_now())
    assert job_id
    return worker.run_claimed(runtime, job_id, "w1")


def test_a_job_runs_to_its_result_and_keeps_its_log(runtime: Runtime, actor: Actor) -> None:
    enqueue(runtime, actor, "count_to", {"n": 3})
    job = run_next(runtime)
    assert (job.status, job.result, job.progress) == (JobStatus.SUCCEEDED, {"n": 3}, 1.0)
    assert [line for _, line in list_log(runtime, job.id)] == ["step 0", "step 1", "step 2"]
    assert not (runtime.data_dir / "jobs" / str(job.id)).exists()


def test_one_waiting_job_per_key(runtime: Runtime, actor: Actor) -> None:
    first = enqueue(runtime, actor, "count_to", {"n": 1}, dedupe_key="train")
    assert enqueue(runtime, actor, "count_to", {"n": 2}, dedupe_key="train") == first
    assert enqueue(runtime, actor, "count_to", {"n": 2}) != first
    run_next(runtime)
    assert enqueue(runtime, actor, "count_to", {"n": 1}, dedupe_key="train") != first


def test_reasons_of_failure_are_kept(runtime: Runtime, actor: Actor) -> None:
    enqueue(runtime, actor, "refuse", {})
    assert run_next(runtime).error == "Line 7: no title."
    broken = enqueue(runtime, actor, "break_down", {})
    job = run_next(runtime)
    assert (job.status, job.error) == (JobStatus.FAILED, "ZeroDivisionError: by zero")
    assert "Traceback" in list_log(runtime, broken)[-1][1]


def test_cancel_waiting_and_running(runtime: Runtime, actor: Actor) -> None:
    waiting = enqueue(runtime, actor, "count_to", {"n": 1})
    cancel_job(runtime, actor, waiting)
    assert get_job(runtime, waiting).status == JobStatus.CANCELLED
    enqueue(runtime, actor, "cancel_myself", {})
    assert run_next(runtime).status == JobStatus.ABORTED
    assert find_unfinished_job(runtime, ["count_to", "cancel_myself"]) is None


def test_a_dead_workers_job_is_taken_over_and_the_revived_worker_cannot_finish_it(
    runtime: Runtime, actor: Actor
) -> None:
    job_id = enqueue(runtime, actor, "count_to", {"n": 1}, worker="dead")
    long_ago = utc_now() - timedelta(minutes=5)
    with runtime.sessions.write() as session:
        session.execute(sa.update(JobRow).values(heartbeat_at=long_ago))
    assert worker.requeue_stalled(runtime) == 1
    job = run_next(runtime)
    assert (job.id, job.status, job.attempt) == (job_id, JobStatus.SUCCEEDED, 2)
    with runtime.sessions.write() as session:
        assert not jobs.finish_job(session, job_id, "dead", JobStatus.FAILED, utc_now(), error="late")


def test_a_job_that_keeps_killing_its_worker_fails(runtime: Runtime, actor: Actor) -> None:
    job_id = enqueue(runtime, actor, "count_to", {"n": 1}, worker="dead")
    long_ago = utc_now() - timedelta(minutes=5)
    with runtime.sessions.write() as session:
        session.execute(sa.update(JobRow).values(heartbeat_at=long_ago, attempt=worker.MAX_ATTEMPTS))
    worker.requeue_stalled(runtime)
    assert get_job(runtime, job_id).status == JobStatus.FAILED


def test_many_workers_do_each_job_once(runtime: Runtime, actor: Actor) -> None:
    ids = [enqueue(runtime, actor, "count_to", {"n": 1}) for _ in range(40)]
    stop = threading.Event()
    threads = [threading.Thread(target=worker.work, args=(runtime, stop)) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(not get_job(runtime, job_id).is_finished for job_id in ids):
        stop.wait(0.05)
    stop.set()
    for thread in threads:
        thread.join()
    assert all(len(list_log(runtime, job_id)) == 1 for job_id in ids)
    assert all(get_job(runtime, job_id).attempt == 1 for job_id in ids)


def test_a_worker_told_to_stop_puts_its_job_back(runtime: Runtime, actor: Actor) -> None:
    job_id = enqueue(runtime, actor, "be_interrupted", {}, dedupe_key="train")
    with pytest.raises(KeyboardInterrupt):
        run_next(runtime)
    job = get_job(runtime, job_id)
    assert (job.status, job.attempt) == (JobStatus.TODO, 0)
    assert (runtime.data_dir / "jobs" / str(job_id) / "checkpoint").exists()


def test_work_until_ended_does_what_waits_first(runtime: Runtime, actor: Actor) -> None:
    before = enqueue(runtime, actor, "count_to", {"n": 1})
    wanted = enqueue(runtime, actor, "count_to", {"n": 2})
    after = enqueue(runtime, actor, "count_to", {"n": 3})
    assert worker.work_until_ended(runtime, wanted).result == {"n": 2}
    assert get_job(runtime, before).is_finished
    assert not get_job(runtime, after).is_finished


def test_two_dead_jobs_of_one_key_do_not_stop_the_worker(runtime: Runtime, actor: Actor) -> None:
    first = enqueue(runtime, actor, "count_to", {"n": 1}, dedupe_key="train", worker="dead-1")
    second = enqueue(runtime, actor, "count_to", {"n": 2}, dedupe_key="train", worker="dead-2")
    with runtime.sessions.write() as session:
        session.execute(sa.update(JobRow).values(heartbeat_at=utc_now() - timedelta(minutes=5)))
    worker.requeue_stalled(runtime)
    assert get_job(runtime, first).status == JobStatus.ABORTED
    assert get_job(runtime, second).status == JobStatus.TODO
    assert run_next(runtime).id == second


def test_a_running_job_is_found_behind_many_cancelled_ones(runtime: Runtime, actor: Actor) -> None:
    running = enqueue(runtime, actor, "count_to", {"n": 1}, worker="w1")
    for _ in range(7):
        cancel_job(runtime, actor, enqueue(runtime, actor, "count_to", {"n": 1}))
    found = find_unfinished_job(runtime, ["count_to"])
    assert found is not None
    assert found.id == running


def test_a_locked_database_costs_the_worker_time_only(sqlite_runtime: Runtime, actor: Actor) -> None:
    """Another process holds the file's lock for longer than the database waits."""
    path = sqlite_runtime.data_dir / "shelfwright.db"
    impatient = open_runtime(replace(sqlite_runtime.settings, worker_poll_seconds=0.01))
    sa.event.listen(impatient.sessions.engine, "connect", lambda raw, _: raw.execute("PRAGMA busy_timeout = 20"))
    impatient.sessions.engine.dispose()  # connections made from here on wait 20 ms
    job_id = enqueue(impatient, actor, "count_to", {"n": 2})
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    stop, locked_out = threading.Event(), threading.Event()
    handler = logging.Handler()
    handler.emit = lambda record: locked_out.set()  # type: ignore[method-assign]
    logging.getLogger("core.jobs.worker").addHandler(handler)
    thread = threading.Thread(target=worker.work, args=(impatient, stop), daemon=True)
    thread.start()
    assert locked_out.wait(30)
    holder.execute("COMMIT")
    holder.close()
    while not get_job(sqlite_runtime, job_id).is_finished:
        stop.wait(0.02)
    stop.set()
    thread.join()
    logging.getLogger("core.jobs.worker").removeHandler(handler)
    impatient.close()
    assert get_job(sqlite_runtime, job_id).status == JobStatus.SUCCEEDED


def test_a_cancelled_jobs_checkpoint_is_swept(runtime: Runtime, actor: Actor) -> None:
    job_id = enqueue(runtime, actor, "count_to", {"n": 1})
    checkpoint = runtime.data_dir / "jobs" / str(job_id)
    checkpoint.mkdir(parents=True)
    stop = threading.Event()
    stop.set()
    worker.work(runtime, stop)
    assert checkpoint.exists()
    cancel_job(runtime, actor, job_id)
    worker.work(runtime, stop)
    assert not checkpoint.exists()
