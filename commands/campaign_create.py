"""Command: campaign create."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.campaign_words import emit_made, emit_preview, free_name, people_of_words
from commands.category_words import category_of_words
from commands.terminal import JsonFlag, chosen_word, opened, progress_shown
from core.errors import InvalidInput
from core.runtime import Runtime
from db.enums import CampaignKind, CampaignOrder

if TYPE_CHECKING:
    from core.labeling.campaigns import CampaignSettings, Recipe

KINDS = {kind.value.replace("_", "-"): kind for kind in CampaignKind}
ORDERS = {order.value.replace("_", "-"): order for order in CampaignOrder}
SAMPLE = 10  # products that a dry run shows
LARGEST = 10**9  # it counts them all
KindWord = Annotated[str, typer.Option(metavar="|".join(KINDS), help="Which products, in which order.")]


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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many and which first.")] = False,
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

        cli.py campaign create --kind mall-audit --mall "My mall" --dry-run

        cli.py campaign create --kind ambiguous-pair --category "남성 > 바지" --category "여성 > 바지" --overlap 2

        cli.py campaign create --kind random --limit 1000 --target-error 0.05 --strata '[{"share": 0.2, "overlap": 3}]'
    """
    from core.catalogue.products import ProductFilter
    from core.labeling.campaigns import Inputs, create_campaign, preview_queue, ready_made

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
        by = chosen_word(ORDERS, order, "--order") if order else recipe.order
        if dry_run:
            emit_preview(as_json, preview_queue(runtime, actor, chosen, wanted, by, settings, limit, SAMPLE, LARGEST))
            return
        with progress_shown("build_campaign") as show:
            campaign = create_campaign(
                runtime,
                actor,
                name or free_name(runtime, chosen.value.replace("_", " ").capitalize()),
                chosen,
                wanted,
                by,
                guidelines=guidelines or None,
                limit=limit,
                on_report=show,
                settings=settings,
            )
    emit_made(as_json, campaign)


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
        member_ids=people_of_words(runtime, member or []),
    )


def _mall(runtime: Runtime, word: str) -> int:
    from core.catalogue.malls import list_malls

    malls = {name: id_ for id_, name in list_malls(runtime)}
    if word in malls:
        return malls[word]
    if word.isdigit() and int(word) in malls.values():
        return int(word)
    raise InvalidInput("There is no mall '{name}'.", name=word)
