"""What all commands share: the runtime, the person, running a job in place, and printing."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Annotated, Any

import typer
from rich.markup import escape

from core.errors import AppError
from core.jobs.queue import Job, cancel_job, enqueue
from core.people import sign_in_local
from core.runtime import Runtime, open_runtime
from core.settings import read_settings
from core.types import Actor
from db.enums import JobStatus

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object last, for programs.")]
ShowProgress = Callable[[float, str, dict[str, Any]], None]
PLAIN_SECONDS = 5.0
_began: ContextVar[float] = ContextVar("began")  # when this command opened the runtime


@contextmanager
def opened() -> Iterator[tuple[Runtime, Actor]]:
    """The runtime of the environment and the person who acts from this terminal."""
    _began.set(time.perf_counter())
    runtime = open_runtime(read_settings())
    try:
        yield runtime, sign_in_local(runtime, runtime.settings.person)
    finally:
        runtime.close()


def emit(as_json: bool, facts: dict[str, Any], sentence: str) -> None:
    """Print the facts as one JSON object, with the `seconds` that it took, or the sentence for a person."""
    if not as_json:
        sys.stdout.write(sentence + "\n")
        return
    seconds = {"seconds": round(time.perf_counter() - began, 3)} if (began := _began.get(None)) else {}
    _write_json(seconds | facts)


def _write_json(facts: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(facts, ensure_ascii=False, default=str) + "\n")


def asks_for_json(words: list[str]) -> bool:
    """Whether a command line has the flag --json: then its errors end in a JSON object too."""
    return "--json" in (words[: words.index("--")] if "--" in words else words)


def say_error(error: AppError) -> None:
    """The sentence on stderr; with --json also an object on stdout, where programs look."""
    sys.stderr.write(f"Error: {error}\n")
    if asks_for_json(sys.argv[1:]):
        _write_json({"error": str(error)})


def say_misuse() -> None:
    """After a usage error, which is explained on stderr already."""
    if asks_for_json(sys.argv[1:]):
        _write_json({"error": "This is not how the command is used; standard error says why."})


@contextmanager
def progress_shown(title: str) -> Iterator[ShowProgress]:
    """Give a function that shows progress on stderr: a bar on a terminal, else a line now and then."""
    if not sys.stderr.isatty():
        yield _PlainProgress()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=1.0)

        def show(progress: float, stage: str, detail: dict[str, Any]) -> None:
            bar.update(task, completed=progress, description=escape(_sentence(stage, detail)))

        yield show


class _PlainProgress:
    """A line at each new stage, and every few seconds in between."""

    def __init__(self) -> None:
        self.stage, self.next_line = "", 0.0

    def __call__(self, progress: float, stage: str, detail: dict[str, Any]) -> None:
        if stage == self.stage and time.monotonic() < self.next_line:
            return
        self.stage, self.next_line = stage, time.monotonic() + PLAIN_SECONDS
        sys.stderr.write(f"{progress:4.0%}  {_sentence(stage, detail)}\n")
        sys.stderr.flush()


def _sentence(stage: str, detail: dict[str, Any]) -> str:
    numbers = (
        f"{name.replace('_', ' ')} {value:,.4g}" if isinstance(value, float) else f"{name.replace('_', ' ')} {value}"
        for name, value in detail.items()
        if isinstance(value, int | float | str)
    )
    return "  ".join([stage, *numbers])


def run_job(runtime: Runtime, actor: Actor, kind: str, payload: dict[str, Any]) -> Job:
    """Do a job in this process, with progress on stderr. Raises AppError with its reason when it fails.

    The job is in the same list as the app's: it can be watched and cancelled there.
    """
    from core.jobs.worker import run_claimed, worker_name

    worker = worker_name()
    job_id = enqueue(runtime, actor, kind, payload, worker=worker)
    with progress_shown(kind) as show:
        try:
            job = run_claimed(runtime, job_id, worker, show)
        except KeyboardInterrupt:
            cancel_job(runtime, actor, job_id)
            raise
    if job.status != JobStatus.SUCCEEDED:
        raise AppError(job.error or f"The job ended as {job.status.value}.")
    return job


def print_table(heading: list[str], rows: list[list[str]]) -> None:
    """A table on standard output; nothing where there are no rows."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return
    table = Table(*heading)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console()
    console.print(table) if console.is_terminal else Console(width=200).print(table)


def rate_cell(rate: Any) -> str:
    """A `Rate` as '0.893 (0.885-0.900)'; '' where there is none."""
    return "" if rate.value is None else f"{rate.value:.3f} ({rate.low:.3f}-{rate.high:.3f})"


def chosen_word(words: dict[str, Any], word: str, option: str) -> Any:
    """What the word of an option means; a wrong one is told with the right ones."""
    if (found := words.get(word.replace("_", "-"))) is None:
        raise typer.BadParameter(f"'{word}' is none of {', '.join(words)}.", param_hint=option)
    return found
