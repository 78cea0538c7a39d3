"""Commands: campaign create, list, pause, resume, close, reopen, clone, delete, restore, members."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.category_words import category_of_words
from commands.terminal import JsonFlag, emit, opened, progress_shown
from core.errors import InvalidInput
from core.runtime import Runtime
from db.enums import CampaignKind, CampaignOrder

if TYPE_CHECKING:
    from core.labeling.campaigns import Campaign, CampaignSettings, Recipe

STATES = {
    "pause": "Hand out nothing more for now; what people hold they may still decide.",
    "resume": "Hand out tasks of a paused campaign again.",
    "close": "End a campaign; decisions and labels stay.",
    "reopen": "Hand out what is left of a closed campaign.",
    "restore": "Take the deletion of a campaign back.",
}
KINDS = {kind.value.replace("_", "-"): kind for kind in CampaignKind}
ORDERS = {order.value.replace("_", "-"): order for order in CampaignOrder}
KindWord = Annotated[str, typer.Option(metavar="|".join(KINDS), help="Which products, in which order.")]


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
    app.add_typer(campaign, name="campaign")


def create_command(
    kind: KindWord,
    name: Annotated[str, typer.Option(help="What people will see; made from the kind when not given.")] = "",
    limit: Annotated[int | None, typer.Option(help="Only the first so many products of the order.")] = None,
    overlap: Annotated[int | None, typer.Option(help="How many people decide each product.")] = None,
    order: Annotated[str, typer.Option(metavar="|".join(ORDERS), help="Another order than the kind's.")] = "",
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", metavar="NAME=VALUE", help="A part of the filter, as in the Products page's address."),
    ] = None,
    confidence_below: Annotated[
        float | None, typer.Option(help="low-confidence: how sure is unsure, 0..1 (0.6 when not given).")
    ] = None,
    category: Annotated[
        list[str] | None, typer.Option(help="ambiguous-pair: twice; new-leaf: once. Id, path, or an end of a path.")
    ] = None,
    mall: Annotated[str, typer.Option(help="mall-audit: the mall's name or id.")] = "",
    words: Annotated[str, typer.Option(help="new-leaf: words in its titles, parted by commas.")] = "",
    edit: Annotated[int | None, typer.Option(help="taxonomy-change: the edit's id.")] = None,
    seed: Annotated[int, typer.Option(help="Of what is drawn or shuffled.")] = 1,
    strata: Annotated[
        str, typer.Option(help='Overlap by stratum, as JSON: [{"share": 0.2, "overlap": 3}]; the first that fits wins.')
    ] = "",
    max_per_category: Annotated[int | None, typer.Option(help="At most so many products of each category.")] = None,
    blind: Annotated[bool | None, typer.Option("--blind/--not-blind", help="Without suggestion and label.")] = None,
    gold_rate: Annotated[float | None, typer.Option(help="Share of cards that are hidden checks, 0..0.5.")] = None,
    target_decisions: Annotated[int | None, typer.Option(help="It closes after so many decisions.")] = None,
    target_error: Annotated[float | None, typer.Option(help="It closes when surely fewer labels change, 0..1.")] = None,
    member: Annotated[list[str] | None, typer.Option(help="Only these people work in it: names or ids.")] = None,
    guidelines: Annotated[str, typer.Option(help="Shown beside each card.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Make a labeling queue.

    low-confidence: what the model is unsure of, the closest calls first. disagreement: where it contradicts the label,
    the surest first; finds wrong labels. label-issues: labels that a search suspects. random: everything, shuffled;
    measures how good the labels are. human-baseline: the test fold, blind, by two people; measures people.
    ambiguous-pair: between two categories. mall-audit: a sample of each of a mall's categories. new-leaf: what a search
    finds for a new category. taxonomy-change: what an edit of the tree wants looked at again.

    --filter takes each part of a filter: category_ids, predicted_category_ids, mall_id, label_source (import, human,
    gold, none, unchecked), confidence_below, confidence_above, margin_below, margin_above, disagrees, hard_to_predict,
    people_disagree, held_out, label_issue, keyword, any_words, months, registered_from, registered_to, source,
    decided_by, campaign_id, not_decided_in, edit_id, pair_ids, random_share, seed, model_version_id.

    Examples:

        cli.py campaign create --kind low-confidence --confidence-below 0.4 --limit 500 --name "Hard ones"

        cli.py campaign create --kind random --filter mall_id=3 --filter months=6,7,8 --order expected-gain --limit 300

        cli.py campaign create --kind ambiguous-pair --category "남성 > 바지" --category "여성 > 바지" --overlap 2

        cli.py campaign create --kind random --limit 1000 --target-error 0.05 --strata '[{"share": 0.2, "overlap": 3}]'
    """
    from core.catalogue.products import ProductFilter
    from core.labeling.campaigns import Inputs, create_campaign, ready_made

    chosen = chosen_word(KINDS, kind, "--kind")
    with opened() as (runtime, actor):
        inputs = Inputs(
            category_ids=tuple(category_of_words(runtime, one) for one in category or ()),
            mall_id=_mall(runtime, mall) if mall else None,
            words=tuple(word.strip() for word in words.split(",") if word.strip()),
            edit_id=edit,
            seed=seed,
        )
        recipe = ready_made(chosen, inputs)
        said = dict(_pair(one) for one in filters or ())
        said |= {} if confidence_below is None else {"confidence_below": str(confidence_below)}
        wanted = ProductFilter.from_dict(recipe.filter.to_dict() | said)
        settings = _settings(runtime, recipe, strata, member)
        changes: dict[str, Any] = {
            "overlap": overlap,
            "max_per_category": max_per_category,
            "is_blind": blind,
            "gold_rate": gold_rate,
            "target_decisions": target_decisions,
            "target_error": target_error,
        }
        settings = replace(settings, **{name: value for name, value in changes.items() if value is not None})
        with progress_shown("build_campaign") as show:
            campaign = create_campaign(
                runtime,
                actor,
                name or _free_name(runtime, chosen.value.replace("_", " ").capitalize()),
                chosen,
                wanted,
                chosen_word(ORDERS, order, "--order") if order else recipe.order,
                guidelines=guidelines or None,
                limit=limit,
                on_report=show,
                settings=settings,
            )
    _emit_made(as_json, campaign)


def chosen_word(words: dict[str, Any], word: str, option: str) -> Any:
    """What the word of an option means; a wrong one is told with the right ones."""
    if (found := words.get(word.replace("_", "-"))) is None:
        raise typer.BadParameter(f"'{word}' is none of {', '.join(words)}.", param_hint=option)
    return found


def _pair(text: str) -> tuple[str, str]:
    name, is_given, value = text.partition("=")
    if not is_given:
        raise typer.BadParameter(f"'{text}' is not NAME=VALUE.", param_hint="--filter")
    return name.strip(), value


def _settings(runtime: Runtime, recipe: "Recipe", strata: str, member: list[str] | None) -> "CampaignSettings":
    from core.labeling.campaigns import Stratum

    try:
        stored = json.loads(strata) if strata else []
    except ValueError:
        raise typer.BadParameter(f"'{strata}' is not JSON.", param_hint="--strata") from None
    if not isinstance(stored, list):
        raise typer.BadParameter("It is a list of strata.", param_hint="--strata")
    return replace(
        recipe.settings,
        strata=tuple(Stratum.from_dict(one) for one in stored),
        member_ids=_people(runtime, member or []),
    )


def _people(runtime: Runtime, words: list[str]) -> tuple[int, ...]:
    """Ids of people named by name or id."""
    from core.labeling.members import list_possible_members

    names = {name: id_ for id_, name in list_possible_members(runtime)} if words else {}
    found = {word: names.get(word, int(word) if word.isdigit() else None) for word in words}
    for word, person_id in found.items():
        if person_id is None:
            raise InvalidInput("There is nobody named '{name}'.", name=word)
    return tuple(person_id for person_id in found.values() if person_id is not None)


def _mall(runtime: Runtime, word: str) -> int:
    from core.catalogue.malls import list_malls

    malls = {name: id_ for id_, name in list_malls(runtime)}
    if word in malls:
        return malls[word]
    if word.isdigit() and int(word) in malls.values():
        return int(word)
    raise InvalidInput("There is no mall '{name}'.", name=word)


def _free_name(runtime: Runtime, name: str) -> str:
    from core.labeling.campaigns import list_names

    taken = set(list_names(runtime))
    return next(text for n in range(1, len(taken) + 2) if (text := name if n == 1 else f"{name} {n}") not in taken)


def _emit_made(as_json: bool, campaign: "Campaign") -> None:
    text = f"Campaign {campaign.id} '{campaign.name}' waits with {campaign.n_tasks:,} tasks."
    emit(as_json, _facts(campaign), text)


def _facts(campaign: "Campaign") -> dict[str, Any]:
    settings = campaign.settings
    return {
        "campaign_id": campaign.id,
        "name": campaign.name,
        "kind": campaign.kind.value,
        "status": campaign.status.value,
        "filter": campaign.filter.to_dict(),
        "order": campaign.order.value,
        "overlap": settings.overlap,
        "strata": [stratum.to_dict() for stratum in settings.strata],
        "is_blind": settings.is_blind,
        "choices": list(settings.choices),
        "max_per_category": settings.max_per_category,
        "gold_rate": settings.gold_rate,
        "target_decisions": settings.target_decisions,
        "target_error": settings.target_error,
        "members": [name for _id, name in campaign.members],
        "closed_reason": campaign.closed_reason,
        "cloned_from_id": campaign.cloned_from_id,
        "n_tasks": campaign.n_tasks,
        "n_done": campaign.n_done,
    }


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
        facts.append(_facts(one) | {"measured_error": rate})
    none_yet = "No campaign yet: cli.py campaign create --kind low-confidence"
    emit(as_json, {"campaigns": facts}, "\n".join(lines) or none_yet)


def _status_command(name: str) -> Any:
    def change(campaign_id: int, as_json: JsonFlag = False) -> None:
        from core.labeling import campaigns

        with opened() as (runtime, actor):
            campaign = getattr(campaigns, f"{name}_campaign")(runtime, actor, campaign_id)
        emit(as_json, _facts(campaign), f"Campaign {campaign.id} is {campaign.status.value}.")

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
        name = name or _free_name(runtime, get_campaign(runtime, campaign_id).name)
        with progress_shown("build_campaign") as show:
            campaign = clone_campaign(runtime, actor, campaign_id, name, not every, limit, show)
    _emit_made(as_json, campaign)


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
        set_members(runtime, actor, campaign_id, _people(runtime, person or []))
        campaign = get_campaign(runtime, campaign_id)
    names = ", ".join(name for _id, name in campaign.members) or "everybody"
    emit(as_json, _facts(campaign), f"Campaign {campaign.id} is for {names}.")
