"""Commands: read-attributes."""

from typing import Annotated

import typer

from commands.terminal import JsonFlag, emit, opened, run_job


def register(app: typer.Typer) -> None:
    """Add this room's commands to the command line."""
    app.command()(read_attributes)


def read_attributes(
    images: Annotated[bool, typer.Option("--images", help="Words in images too; needs Tesseract.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Read colour, size, quantity, material, for whom and season from every title; they are shown on the card.

    Example: `cli.py read-attributes --images`
    """
    from core.catalogue.attributes.tagging import KIND, attributes_payload

    with opened() as (runtime, actor):
        job = run_job(runtime, actor, KIND, attributes_payload(actor, images))
    emit(as_json, job.result, f"{job.result['tags']:,} attributes read from {job.result['products']:,} products.")
