"""Commands: read-images."""

import typer

from commands.terminal import JsonFlag, emit, opened, run_job


def register(app: typer.Typer) -> None:
    """Add this room's commands to the command line."""
    app.command()(read_images)


def read_images(as_json: JsonFlag = False) -> None:
    """Read every product's image once and keep what the image network sees; training and scoring then find it.

    Example: `cli.py read-images`

    Images that cannot be read are counted by reason, not passed over in silence.
    """
    from core.training.read_images_job import read_images_payload

    with opened() as (runtime, actor):
        job = run_job(runtime, actor, "read_images", read_images_payload(actor))
    facts = {**job.result, "job": job.id}
    counts = ", ".join(f"{n:,} {status}" for status, n in facts["statuses"].items())
    emit(
        as_json,
        facts,
        f"{facts['readable']:,} of {facts['n_products']:,} products have a readable image"
        + (f" ({counts})." if counts else "."),
    )
