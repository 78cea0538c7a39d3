"""Commands: the demo catalogue."""

from typing import Annotated

import typer

from commands.terminal import JsonFlag, emit, opened
from core.catalogue.demo import N_PRODUCTS, SEED, DemoSummary, load_demo


def register(app: typer.Typer) -> None:
    """Add this room's commands to the command line."""
    app.command("demo")(demo)


def demo(
    products: Annotated[int, typer.Option(help="How many products to make.")] = N_PRODUCTS,
    seed: Annotated[int, typer.Option(help="The same seed makes the same catalogue.")] = SEED,
    force: Annotated[bool, typer.Option("--force", help="Add it to a catalogue that holds other products.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Fill an empty catalogue with invented Korean products, some of them wrongly labeled on purpose.

    Safe to run twice: a second time adds nothing and leaves decisions alone.

    Examples:

        cli.py demo

        cli.py demo --products 1000 --json
    """
    with opened() as (runtime, actor):
        from rich.console import Console
        from rich.progress import Progress

        console = Console(stderr=True)
        with Progress(console=console, disable=not console.is_terminal) as bar:
            task = bar.add_task("demo", total=1.0)
            made = load_demo(
                runtime,
                actor,
                products,
                seed,
                on_progress=lambda fraction, stage: bar.update(task, completed=fraction, description=stage),
                force=force,
            )
    emit(as_json, _facts(made), _sentence(made))


def _facts(made: DemoSummary) -> dict[str, int | float]:
    return {
        "products": made.n_products,
        "products_added": made.n_added,
        "leaves": made.n_leaves,
        "malls": made.n_malls,
        "wrong_labels": made.n_wrong_labels,
        "images": made.n_images,
        "seconds": made.seconds,
    }


def _sentence(made: DemoSummary) -> str:
    if not made.n_added:
        return "This demo data is in the catalogue already; nothing was changed."
    return (
        f"Demo data: {made.n_products:,} invented products in {made.n_leaves} categories from {made.n_malls} malls, "
        f"{made.n_images:,} drawn images, {made.n_wrong_labels} labels wrong on purpose ({made.seconds:.1f} s)."
    )
