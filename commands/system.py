"""Commands: run, worker, doctor."""

import logging
import shutil
import signal
import sys
import threading
import time
from typing import Annotated, Any

import typer

from commands.launcher import Launcher, check_port
from commands.terminal import JsonFlag, emit, opened, progress_shown
from core.errors import NotReady
from core.runtime import make_data_folder
from core.settings import check_range, read_settings
from core.sign_in_setup import check_sign_in

FREE_BYTES_NEEDED = 1_000_000_000


def register(app: typer.Typer) -> None:
    """Add this room's commands to the command line."""
    app.command()(run)
    app.command()(worker)
    app.command()(doctor)


def run(
    port: Annotated[int | None, typer.Option(envvar="PORT", help="Port of the app. Default: 8501.")] = None,
    demo: Annotated[bool, typer.Option(help="Fill an empty database with the demo catalogue.")] = True,
    products: Annotated[int, typer.Option(min=300, help="How many products the demo has.")] = 6000,
) -> None:
    """Start app and worker, and print the address. An empty database gets the demo first.

    Example: `cli.py run --port 8600`
    """
    settings = read_settings()
    port = settings.port if port is None else port
    check_range("--port", "port", port)
    check_sign_in(settings)
    check_port(settings.host, port)
    _check_disk(settings.data_dir)
    for asked_to_stop in (signal.SIGINT, signal.SIGTERM):  # a shell that starts us in the background ignores SIGINT
        signal.signal(asked_to_stop, signal.default_int_handler)
    try:
        _prepare(products if demo else 0)
        _serve(Launcher(settings, port))
    except KeyboardInterrupt:
        sys.stdout.write("\nStopped. Nothing is lost: make run goes on from here.\n")


def _check_disk(data_dir: Any) -> None:
    make_data_folder(data_dir)
    free = shutil.disk_usage(data_dir).free
    if free < FREE_BYTES_NEEDED:
        raise NotReady(
            "Shelfwright needs 1 GB of free disk in {folder}; {free} MB are free.",
            folder=data_dir,
            free=free // 10**6,
        )


def _prepare(n_demo_products: int) -> None:
    with opened() as (runtime, actor):
        from core.first_use import prepare

        with progress_shown("preparing") as show:
            prepare(runtime, actor, show, n_demo_products)


def _serve(launcher: Launcher) -> None:
    started = time.monotonic()
    launcher.start()
    try:
        launcher.wait_until_ready()
        sys.stdout.write(f"\nShelfwright is ready at {launcher.public_url}  ({time.monotonic() - started:.1f} s)\n")
        sys.stdout.write("Ctrl-C stops app and worker.\n")
        sys.stdout.flush()
        launcher.watch()
    finally:
        launcher.stop()


def worker() -> None:
    """Do the jobs of the queue (import, train, score ...) until stopped. `run` starts one; more may run beside it.

    Example: `cli.py worker`
    """
    from core.jobs.worker import work

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for asked_to_stop in (signal.SIGINT, signal.SIGTERM):  # a shell that starts us in the background ignores SIGINT
        signal.signal(asked_to_stop, signal.default_int_handler)
    try:
        with opened() as (runtime, _):
            work(runtime, threading.Event())
    except KeyboardInterrupt:
        logging.getLogger(__name__).info("stopped")


def doctor(as_json: JsonFlag = False) -> None:
    """Look at this installation and say what is wrong with it.

    Example: `cli.py doctor --json`
    """
    from core.doctor import examine

    with opened() as (runtime, _):
        findings = examine(runtime)
    lines = [f"{'ok ' if finding.is_ok else 'BAD'}  {finding.name}: {finding.said}" for finding in findings]
    healthy = all(finding.is_ok for finding in findings)
    facts = {"healthy": healthy, "findings": [vars(finding) for finding in findings]}
    emit(as_json, facts, "\n".join(lines))
    if not healthy:
        raise typer.Exit(1)
