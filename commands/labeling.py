"""Commands: campaigns, claim, decide, undo."""

import typer


def register(app: typer.Typer) -> None:
    """Add this room's commands to the command line."""
