"""Command: taxonomy-version, the tree's next version with a mapping."""

from pathlib import Path
from typing import Annotated, Any

import typer

from commands.terminal import JsonFlag, emit, opened, print_table

SHOWN = 20
KINDS = ("moved", "merged", "split", "refined", "dropped", "unmapped")


def register(app: typer.Typer) -> None:
    """Add this room's command to the command line."""
    app.command("taxonomy-version")(taxonomy_version)


def taxonomy_version(
    tree: Annotated[Path, typer.Argument(help="File of the new version of the whole tree.")],
    mapping: Annotated[Path | None, typer.Option(help="File with an old and a new category a row.")] = None,
    language: Annotated[str, typer.Option(help="Of the names, where the file has several: ko, en ...")] = "",
    apply: Annotated[bool, typer.Option(help="Take it over; else it is only compared.")] = False,
    reason: Annotated[str, typer.Option(help="Why; stays in the history.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Compare the tree with its new version: moved, merged, split, new, dropped, unmapped; then take it over.

    A row of the mapping without a new category says that the old one is gone. What nobody maps and products have
    stays in use. Taking it over is one edit of the tree: `cli.py category undo` takes it back.

    Example: `cli.py taxonomy-version tree-2027.csv --mapping changes.csv --apply --reason "tree of 2027"`
    """
    from core.catalogue.taxonomy_importing import TaxonomyOptions
    from core.catalogue.taxonomy_versions.apply import apply_version
    from core.catalogue.taxonomy_versions.plan import plan_version

    with opened() as (runtime, actor):
        plan = plan_version(runtime, actor, tree, mapping, TaxonomyOptions(language=language))
        edit = apply_version(runtime, actor, plan, tree.name, reason=reason) if apply else None
    facts: dict[str, Any] = {"counts": plan.counts}
    facts |= {
        kind: [
            {"id": change.category_id, "path": change.path, "targets": change.targets, "products": change.n_products}
            for change in getattr(plan, kind)
        ]
        for kind in KINDS
    }
    facts["rejects"] = [
        {"line": reject.line, "column": reject.column, "value": reject.value, "reason": str(reject.reason)}
        for reject in plan.rejects
    ]
    if not as_json:
        _print(plan)
    sentence = ", ".join(f"{n:,} {name}" for name, n in plan.counts.items())
    if edit is not None:
        facts |= {"edit_id": edit.id, "products_relabeled": edit.n_products, "products_to_review": edit.n_to_review}
        sentence += f". Taken over as edit {edit.id}: {edit.n_products:,} products relabeled, "
        sentence += f"{edit.n_to_review:,} to look at again."
    emit(as_json, facts, sentence)


def _print(plan: Any) -> None:
    rows = []
    for kind in KINDS:
        changes = getattr(plan, kind)
        rows += [
            [kind, change.path, " | ".join(change.targets), f"{change.n_products:,}"] for change in changes[:SHOWN]
        ]
        if len(changes) > SHOWN:
            rows.append([kind, f"... {len(changes) - SHOWN:,} more", "", ""])
    print_table(["what", "category", "becomes", "products"], rows)
    rejects = [[str(reject.line), reject.value or "", str(reject.reason)] for reject in plan.rejects[:SHOWN]]
    print_table(["line", "value", "cannot be used"], rejects)
