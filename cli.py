"""The command line: the same operations as the pages. `cli.py --help` lists them."""

import sys

import typer

from commands import catalogue, demo, importing, labeling, system, training
from core.errors import AppError

app = typer.Typer(
    name="shelfwright",
    help="Keep a shop's product categories right: import, label, train, compare, promote.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
for room in (catalogue, demo, importing, labeling, training, system):
    room.register(app)


def main() -> None:
    try:
        app()
    except AppError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
