"""What a running job holds in its hands: its payload, its folder, and a way to say how far it is."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from core.errors import JobCancelled
from core.jobs.queue import Job
from core.patience import patiently
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import jobs
from db.tables import PersonRow

REPORT_SECONDS = 0.3


class JobLost(Exception):
    """The job went to another worker (this one was thought dead): stop without a word."""


class JobContext:
    """Handed to a job's handler. `report` is also where a cancel request takes effect."""

    def __init__(
        self,
        runtime: Runtime,
        job: Job,
        worker: str,
        on_report: Callable[[float, str, dict[str, Any]], None] | None = None,
    ) -> None:
        self.runtime = runtime
        self.job = job
        self.payload = job.payload
        self.worker = worker
        self._on_report = on_report
        self._stage = ""
        self._next_write = 0.0

    @property
    def folder(self) -> Path:
        """For checkpoints: survives a kill, belongs to this job alone, removed when it ends."""
        path = self.runtime.data_dir / "jobs" / str(self.job.id)
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def actor(self) -> Actor:
        """Who asked for the job."""
        assert self.job.created_by is not None, f"job {self.job.id} has no maker"
        with self.runtime.sessions.read() as session:
            row = session.get_one(PersonRow, self.job.created_by)
            return Actor(row.id, row.name, row.role)

    def report(self, progress: float, stage: str, **detail: Any) -> None:
        """Say how far the job is (0..1), at which stage, with live numbers. Call it often: it writes rarely.

        Raises JobCancelled when somebody asked for that, JobLost when another worker has the job.
        """
        if stage == self._stage and time.monotonic() < self._next_write:
            return
        self._stage = stage
        self._next_write = time.monotonic() + REPORT_SECONDS
        if self._on_report:
            self._on_report(progress, stage, detail)
        cancel = patiently(partial(self._write_progress, progress, stage, detail))
        if cancel is None:
            raise JobLost()
        if cancel:
            raise JobCancelled()

    def _write_progress(self, progress: float, stage: str, detail: dict[str, Any]) -> bool | None:
        with self.runtime.sessions.write() as session:
            return jobs.set_progress(session, self.job.id, self.worker, progress, stage, detail)

    def log(self, line: str) -> None:
        """Keep a line for people; shown on the job's page."""
        patiently(partial(self._write_log, line))

    def _write_log(self, line: str) -> None:
        with self.runtime.sessions.write() as session:
            jobs.add_log(session, self.job.id, utc_now(), line)
