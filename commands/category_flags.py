"""Commands: which categories are catch-alls, which are suggested."""

from typing import Annotated

import typer

from commands.terminal import JsonFlag, emit, opened


def register(app: typer.Typer) -> None:
    """Add this room's commands to the command line."""
    app.command("category-flags")(category_flags)
    app.command("find-catch-alls")(find_catch_alls)


def category_flags(
    category_ids: Annotated[list[int], typer.Argument(help="Ids of categories, as search-categories lists them.")],
    recommended: Annotated[bool | None, typer.Option("--recommended/--not-recommended", help="Suggest it?")] = None,
    catch_all: Annotated[bool | None, typer.Option("--catch-all/--no-catch-all", help="Is it like 'other'?")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Say that categories are learned and never suggested, or that they are catch-alls.

    What is suggested changes with the next scoring.

    Example: `cli.py category-flags 812 813 --not-recommended`
    """
    from core.catalogue.taxonomy import set_flags

    with opened() as (runtime, actor):
        n = set_flags(runtime, actor, category_ids, is_catch_all=catch_all, is_recommended=recommended)
    emit(as_json, {"n_changed": n}, f"{n} categories changed.")


def find_catch_alls(
    mark: Annotated[bool, typer.Option("--mark", help="Mark them; without it they are only listed.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """List leaves that are named like a catch-all ('other', '기타', 'Sonstiges'), and mark them on demand.

    Example: `cli.py find-catch-alls --mark`
    """
    from core.catalogue.catch_alls import propose_catch_alls
    from core.catalogue.taxonomy import set_flags

    with opened() as (runtime, actor):
        found = propose_catch_alls(runtime)
        n = set_flags(runtime, actor, [category.id for category in found], is_catch_all=True) if mark else 0
    lines = [f"{category.id:>7}  {category.path}" for category in found]
    last = f"{n} marked." if mark else f"{len(found)} found; --mark marks them."
    facts = {"categories": [{"id": c.id, "path": c.path} for c in found], "n_marked": n}
    emit(as_json, facts, "\n".join([*lines, last]))
