"""The command line: the same operations as the pages. `cli.py --help` lists them."""

import sys

import typer

from commands import (
    api,
    attributes,
    campaigns,
    catalogue,
    category_edits,
    category_flags,
    curation,
    demo,
    error_rates,
    experiments,
    exporting,
    images,
    importing,
    label_issues,
    labeling,
    people,
    review,
    system,
    taxonomy_versions,
    training,
    webhooks,
)
from commands.terminal import say_error, say_misuse
from core.errors import AppError

MISUSED = 2  # the exit code of a command line that cannot be understood

app = typer.Typer(
    name="shelfwright",
    help="Keep a shop's product categories right: import, label, train, compare, promote.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
ROOMS = (
    catalogue,
    category_edits,
    category_flags,
    taxonomy_versions,
    attributes,
    demo,
    error_rates,
    images,
    importing,
    exporting,
    label_issues,
    campaigns,
    labeling,
    review,
    curation,
    training,
    experiments,
    api,
    webhooks,
    people,
    system,
)
for room in ROOMS:
    room.register(app)


def main() -> None:
    try:
        app()
    except AppError as error:
        say_error(error)
        sys.exit(1)
    except SystemExit as ended:
        if ended.code == MISUSED:
            say_misuse()
        raise


if __name__ == "__main__":
    main()
