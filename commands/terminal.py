"""What all commands share: the runtime, the person, running a job in place, and printing."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from core.errors import AppError
from core.jobs.queue import Job, enqueue
from core.people import sign_in_local
from core.runtime import Runtime, open_runtime
from core.settings import read_settings
from core.types import Actor
from db.enums import JobStatus

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object last, for programs.")]


@contextmanager
def opened() -> Iterator[tuple[Runtime, Actor]]:
    """The runtime of the environment and the person who acts from this terminal."""
    runtime = open_runtime(read_settings())
    try:
        yield runtime, sign_in_local(runtime, runtime.settings.person)
    finally:
        runtime.close()


def emit(as_json: bool, facts: dict[str, Any], sentence: str) -> None:
    """Print the facts as one JSON object, or the sentence for a person."""
    if as_json:
        sys.stdout.write(json.dumps(facts, ensure_ascii=False, default=str) + "\n")
    else:
        sys.stdout.write(sentence + "\n")


def run_job(runtime: Runtime, actor: Actor, kind: str, payload: dict[str, Any]) -> Job:
    """Do a job in this process, with a progress bar on a terminal. Raises AppError with its reason when it fails.

    The job is in the same list as the app's: it can be watched and cancelled there.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from core.jobs.queue import cancel_job
    from core.jobs.worker import run_claimed, worker_name

    worker = worker_name()
    job_id = enqueue(runtime, actor, kind, payload, worker=worker)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(kind, total=1.0)

        def show(progress: float, stage: str, detail: dict[str, Any]) -> None:
            numbers = "  ".join(f"{name}={value}" for name, value in detail.items() if value is not None)
            bar.update(task, completed=progress, description=f"{stage} {numbers}".strip())

        try:
            job = run_claimed(runtime, job_id, worker, show)
        except KeyboardInterrupt:
            cancel_job(runtime, actor, job_id)
            raise
    if job.status != JobStatus.SUCCEEDED:
        raise AppError(job.error or f"The job ended as {job.status.value}.")
    return job


def is_quiet() -> bool:
    """True where nobody watches: no terminal."""
    return not sys.stderr.isatty() or bool(os.environ.get("CI"))
