"""Commands: edits of the category tree, with a preview of what each would touch, their history and their undo."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from commands.category_words import category_of_words
from commands.terminal import JsonFlag, emit, opened, print_table
from core.runtime import Runtime
from core.types import Actor
from db.enums import CampaignKind

app = typer.Typer(name="category", help="Edit the category tree: nothing is lost, everything can be undone.")

Preview = Annotated[bool, typer.Option("--preview", help="Only say what it would touch.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why: it stays in the history.")]
NameEn = Annotated[str | None, typer.Option("--english", help="Its English name; '' takes it away.")]
Category = Annotated[str, typer.Argument(help="Its id, its path, or an end of its path that no other has.")]


def register(parent: typer.Typer) -> None:
    """Add this room's commands to the command line."""
    parent.add_typer(app)


def _node(runtime: Runtime, words: str) -> int:
    return category_of_words(runtime, words, inner=True)


def _say(template: str, values: dict[str, Any]) -> str:
    return template.format(**values) if values else template


def _run(
    only_preview: bool,
    as_json: bool,
    look: Callable[[Runtime], Any],
    act: Callable[[Runtime, Actor, str], Any],
    with_campaign: bool = False,
) -> None:
    from dataclasses import asdict

    from core.catalogue.taxonomy_edits.words import KINDS, say_edit, say_preview

    with opened() as (runtime, actor):
        shown = look(runtime)
        said = [f"{KINDS[shown.kind]}: {_say(*say_edit(shown.kind, shown.words))}."]
        said += [f"  {_say(*sentence)}" for sentence in say_preview(shown)]
        if only_preview:
            emit(as_json, {"preview": asdict(shown)}, "\n".join(said))
            return
        edit = act(runtime, actor, shown.token)
        campaign = _campaign_of(runtime, actor, edit) if with_campaign and edit.n_to_review else None
    done = [f"Done: edit {edit.id}, {edit.n_products:,} products. Take it back: cli.py category undo {edit.id}"]
    if campaign is not None:
        done.append(f"{edit.n_to_review:,} products want another look: campaign {campaign.id} '{campaign.name}'.")
    elif edit.n_to_review:
        made = f"cli.py campaign create NAME --kind taxonomy-change --edit {edit.id}"
        done.append(f"{edit.n_to_review:,} products want another look: {made}")
    facts = {"edit": asdict(edit), "preview": asdict(shown)}
    facts |= {} if campaign is None else {"campaign_id": campaign.id}
    emit(as_json, facts, "\n".join(said + done))


def _campaign_of(runtime: Runtime, actor: Actor, edit: Any) -> Any:
    """The campaign of what the edit wants looked at again; none for who may not make one."""
    from core.labeling.campaigns import Inputs, create_campaign
    from core.permissions import Action, may

    if not may(actor, Action.EDIT_CAMPAIGNS):
        return None
    inputs = Inputs(edit_id=edit.id)
    return create_campaign(runtime, actor, f"After edit {edit.id}", CampaignKind.TAXONOMY_CHANGE, inputs=inputs)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Its name.")],
    below: Annotated[str | None, typer.Option("--below", help="The category above it; left out: a new root.")] = None,
    english: NameEn = None,
    reason: Reason = "",
    preview: Preview = False,
    as_json: JsonFlag = False,
) -> None:
    """Add a category.

    Example: `cli.py category add 반바지 --below "패션의류 > 남성 > 하의" --english Shorts`
    """
    from core.catalogue.taxonomy_edits.acts import add_category, preview_add

    def parent(runtime: Runtime) -> int | None:
        return _node(runtime, below) if below else None

    _run(
        preview,
        as_json,
        lambda runtime: preview_add(runtime, parent(runtime), name, english),
        lambda runtime, actor, token: add_category(
            runtime, actor, parent(runtime), name, english, reason=reason, token=token
        ),
    )


@app.command()
def rename(
    category: Category,
    name: Annotated[str, typer.Argument(help="Its new name.")],
    english: NameEn = None,
    reason: Reason = "",
    preview: Preview = False,
    as_json: JsonFlag = False,
) -> None:
    """Rename a category; files that say its old path still mean it.

    Example: `cli.py category rename 812 "청바지" --english Jeans`
    """
    from core.catalogue.taxonomy_edits.acts import preview_rename, rename_category

    _run(
        preview,
        as_json,
        lambda runtime: preview_rename(runtime, _node(runtime, category), name, english),
        lambda runtime, actor, token: rename_category(
            runtime, actor, _node(runtime, category), name, english, reason=reason, token=token
        ),
    )


@app.command()
def move(
    category: Category,
    below: Annotated[
        str | None, typer.Option("--below", help="The category above it; left out: it becomes a root.")
    ] = None,
    reason: Reason = "",
    preview: Preview = False,
    as_json: JsonFlag = False,
) -> None:
    """Move a category, with all below it, under another one.

    Example: `cli.py category move 812 --below 700 --preview`
    """
    from core.catalogue.taxonomy_edits.acts import move_category, preview_move

    def parent(runtime: Runtime) -> int | None:
        return _node(runtime, below) if below else None

    _run(
        preview,
        as_json,
        lambda runtime: preview_move(runtime, _node(runtime, category), parent(runtime)),
        lambda runtime, actor, token: move_category(
            runtime, actor, _node(runtime, category), parent(runtime), reason=reason, token=token
        ),
    )


@app.command()
def merge(
    category: Category,
    into: Annotated[str, typer.Argument(help="What it becomes a part of.")],
    reason: Reason = "",
    preview: Preview = False,
    as_json: JsonFlag = False,
) -> None:
    """Merge a category into another one: labels, rules and examples go there. Inner ones merge by name.

    Example: `cli.py category merge 812 813 --reason "the same thing"`
    """
    from core.catalogue.taxonomy_edits.acts import merge_categories, preview_merge

    _run(
        preview,
        as_json,
        lambda runtime: preview_merge(runtime, _node(runtime, category), _node(runtime, into)),
        lambda runtime, actor, token: merge_categories(
            runtime, actor, _node(runtime, category), _node(runtime, into), reason=reason, token=token
        ),
    )


@app.command()
def split(
    category: Category,
    leaf: Annotated[
        list[str],
        typer.Option("--leaf", help="'name | English name: word, word'; the one without words takes the rest."),
    ],
    below: Annotated[bool, typer.Option("--below/--beside", help="New leaves below it, or in its place?")] = False,
    campaign: Annotated[
        bool, typer.Option("--campaign/--no-campaign", help="Make the campaign of what wants another look at once?")
    ] = True,
    reason: Reason = "",
    preview: Preview = False,
    as_json: JsonFlag = False,
) -> None:
    """Split a leaf; its products are sorted by words in their titles.

    Example: `cli.py category split 812 --leaf "청바지|Jeans: 청바지, jeans" --leaf "기타 바지" --reason "too broad"`
    """
    from core.catalogue.taxonomy_edits.acts import parse_leaves, preview_split, split_category

    leaves = parse_leaves("\n".join(leaf))
    _run(
        preview,
        as_json,
        lambda runtime: preview_split(runtime, _node(runtime, category), leaves, below),
        lambda runtime, actor, token: split_category(
            runtime, actor, _node(runtime, category), leaves, below, reason=reason, token=token
        ),
        with_campaign=campaign,
    )


@app.command()
def retire(
    category: Category,
    into: Annotated[str | None, typer.Option("--into", help="Who takes over its products.")] = None,
    reason: Reason = "",
    preview: Preview = False,
    as_json: JsonFlag = False,
) -> None:
    """Take a category, with all below it, out of use. `category undo` brings it back.

    Example: `cli.py category retire 812 --reason "nobody sells this any more"`
    """
    from core.catalogue.taxonomy_edits.acts import preview_retire, retire_category

    def target(runtime: Runtime) -> int | None:
        return _node(runtime, into) if into else None

    _run(
        preview,
        as_json,
        lambda runtime: preview_retire(runtime, _node(runtime, category), target(runtime)),
        lambda runtime, actor, token: retire_category(
            runtime, actor, _node(runtime, category), target(runtime), reason=reason, token=token
        ),
    )


@app.command()
def undo(
    edit_id: Annotated[int, typer.Argument(help="The number of the edit, as `category history` shows it.")],
    reason: Reason = "",
    as_json: JsonFlag = False,
) -> None:
    """Take an edit back; what people decided since is kept.

    Example: `cli.py category undo 7`
    """
    from core.catalogue.taxonomy_edits.acts import undo_edit

    with opened() as (runtime, actor):
        edit = undo_edit(runtime, actor, edit_id, reason)
    facts = {"edit_id": edit.id, "n_products": edit.n_products}
    emit(as_json, facts, f"Edit {edit.id} is undone; {edit.n_products:,} products have the label they had.")


@app.command()
def history(
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many edits at most.")] = 20,
    before: Annotated[int | None, typer.Option("--before", help="Only those before this edit.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """List edits of the tree, the newest first.

    Example: `cli.py category history --limit 5`
    """
    from dataclasses import asdict

    from core.catalogue.taxonomy_edits.history import list_edits
    from core.catalogue.taxonomy_edits.words import KINDS, say_edit

    with opened() as (runtime, _):
        edits = list_edits(runtime, limit, before)
    if as_json:
        emit(True, {"edits": [asdict(edit) for edit in edits]}, "")
        return
    rows = [
        [
            str(edit.id),
            f"{edit.created_at:%Y-%m-%d %H:%M}",
            edit.person,
            f"{KINDS[edit.kind]}: {_say(*say_edit(edit.kind, edit.words))}",
            f"{edit.n_products:,}",
            edit.reason or "",
            f"undone by {edit.undone_by}" if edit.undone_at else "",
        ]
        for edit in edits
    ]
    print_table(["edit", "when", "who", "what", "products", "why", ""], rows)
    emit(False, {}, f"{len(edits)} edits.")
