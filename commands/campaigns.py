"""Commands: campaign create, list, pause, resume, close, reopen, clone, delete, restore, members, guidelines."""

from pathlib import Path
from typing import Annotated, Any

import typer

from commands.campaign_create import create_command
from commands.campaign_words import emit_made, facts_of, free_name, people_of_words
from commands.terminal import JsonFlag, emit, opened, progress_shown

STATES = {
    "pause": "Hand out nothing more for now; what people hold they may still decide.",
    "resume": "Hand out tasks of a paused campaign again.",
    "close": "End a campaign; decisions and labels stay.",
    "reopen": "Hand out what is left of a closed campaign.",
    "restore": "Take the deletion of a campaign back.",
}


def register(app: typer.Typer) -> None:
    """Add this room's commands to the command line."""
    campaign = typer.Typer(no_args_is_help=True, help="Labeling campaigns: create, list, pause, close, clone, delete.")
    campaign.command("create")(create_command)
    campaign.command("list")(list_command)
    for name, what in STATES.items():
        campaign.command(name, help=f"{what}\n\nExample: cli.py campaign {name} 3")(_status_command(name))
    campaign.command("clone")(clone_command)
    campaign.command("delete")(delete_command)
    campaign.command("members")(members_command)
    campaign.command("guidelines")(guidelines_command)
    app.add_typer(campaign, name="campaign")


def list_command(
    deleted: Annotated[bool, typer.Option("--deleted", help="Those that can be restored.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """List the campaigns, newest first, with what their last checks say: the share of labels that people changed.

    Example: cli.py campaign list --json
    """
    from core.labeling.campaigns import list_campaigns
    from core.labeling.targets import measure_errors

    with opened() as (runtime, _actor):
        found = list_campaigns(runtime, deleted=deleted)
        errors = measure_errors(runtime, {one.id: one.settings.target_error for one in found if one.n_done})
    facts, lines = [], []
    for one in found:
        error = errors.get(one.id)
        measured = error is not None and not error.is_too_few
        lines.append(
            f"{one.id:>5}  {one.status.value:<9}{one.n_done:>9,} of {one.n_tasks:<11,}{one.name}"
            + (f"  ({error.value:.1%} of {error.n:,} checked labels changed)" if error and measured else "")
        )
        rate = (
            {"value": error.value, "low": error.low, "high": error.high, "n": error.n} if error and measured else None
        )
        facts.append(facts_of(one) | {"measured_error": rate})
    none_yet = "No campaign yet: cli.py campaign create --kind low-confidence"
    emit(as_json, {"campaigns": facts}, "\n".join(lines) or none_yet)


def _status_command(name: str) -> Any:
    def change(campaign_id: int, as_json: JsonFlag = False) -> None:
        from core.labeling import campaigns

        with opened() as (runtime, actor):
            campaign = getattr(campaigns, f"{name}_campaign")(runtime, actor, campaign_id)
        emit(as_json, facts_of(campaign), f"Campaign {campaign.id} is {campaign.status.value}.")

    return change


def clone_command(
    campaign_id: int,
    name: Annotated[str, typer.Option(help="The new one's name; made from the old one's when not given.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Also the products that were decided in it.")] = False,
    limit: Annotated[int | None, typer.Option(help="Only the first so many products of the order.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """The same campaign again: filter, order, settings, guidelines, members; asked of the model in use now.

    Example: cli.py campaign clone 3 --name "Hard ones, again"
    """
    from core.labeling.campaigns import clone_campaign, get_campaign

    with opened() as (runtime, actor):
        name = name or free_name(runtime, get_campaign(runtime, campaign_id).name)
        with progress_shown("build_campaign") as show:
            campaign = clone_campaign(runtime, actor, campaign_id, name, not every, limit, show)
    emit_made(as_json, campaign)


def delete_command(
    campaign_id: int, reason: Annotated[str, typer.Option(help="Why: kept in the audit.")], as_json: JsonFlag = False
) -> None:
    """Take a campaign out of every list; decisions and labels stay, and it can be restored.

    Example: cli.py campaign delete 3 --reason "made twice"
    """
    from core.labeling.campaigns import delete_campaign

    with opened() as (runtime, actor):
        delete_campaign(runtime, actor, campaign_id, reason)
    emit(as_json, {"campaign_id": campaign_id}, f"Campaign {campaign_id} is deleted: cli.py campaign restore.")


def members_command(
    campaign_id: int,
    person: Annotated[list[str] | None, typer.Argument(help="Names or ids; nobody: everybody works in it.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """From here on only these people work in a campaign.

    Example: cli.py campaign members 3 Mina Jun
    """
    from core.labeling.campaigns import get_campaign
    from core.labeling.members import set_members

    with opened() as (runtime, actor):
        set_members(runtime, actor, campaign_id, people_of_words(runtime, person or []))
        campaign = get_campaign(runtime, campaign_id)
    names = ", ".join(name for _id, name in campaign.members) or "everybody"
    emit(as_json, facts_of(campaign), f"Campaign {campaign.id} is for {names}.")


def guidelines_command(
    campaign_id: int,
    text: Annotated[str | None, typer.Option(help="The new guidelines; '' for none.")] = None,
    file: Annotated[Path | None, typer.Option(help="The file that holds them, as UTF-8.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Change what a campaign tells its people; the next card of everybody shows it. Without an option: print it.

    Examples:

        cli.py campaign guidelines 3 --text "Sets belong to the first thing in the title."

        cli.py campaign guidelines 3 --file guidelines.txt
    """
    from core.labeling.campaigns import get_campaign, set_guidelines

    if text is not None and file is not None:
        raise typer.BadParameter("Give --text or --file, not both.", param_hint="--file")
    wanted = text if file is None else _text_of(file)
    with opened() as (runtime, actor):
        campaign = get_campaign(runtime, campaign_id)
        if wanted is not None:
            campaign = set_guidelines(runtime, actor, campaign_id, wanted, campaign.guidelines)
    facts = {"campaign_id": campaign.id, "guidelines": campaign.guidelines}
    emit(as_json, facts, campaign.guidelines or f"Campaign {campaign.id} has no guidelines.")


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"'{file}' cannot be read: {error}", param_hint="--file") from None
