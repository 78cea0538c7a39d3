"""What commands say of a campaign, and the people and names that their words mean."""

from typing import TYPE_CHECKING, Any

from commands.terminal import emit
from core.errors import InvalidInput
from core.runtime import Runtime

if TYPE_CHECKING:
    from core.labeling.campaigns import Campaign, QueuePreview


def people_of_words(runtime: Runtime, words: list[str]) -> tuple[int, ...]:
    """Ids of people named by name or id."""
    from core.labeling.members import list_possible_members

    names = {name: id_ for id_, name in list_possible_members(runtime)} if words else {}
    found = {word: names.get(word, int(word) if word.isdigit() else None) for word in words}
    for word, person_id in found.items():
        if person_id is None:
            raise InvalidInput("There is nobody named '{name}'.", name=word)
    return tuple(person_id for person_id in found.values() if person_id is not None)


def free_name(runtime: Runtime, name: str) -> str:
    """This name, or the first one with a number that no campaign has."""
    from core.labeling.campaigns import list_names

    taken = set(list_names(runtime))
    return next(text for n in range(1, len(taken) + 2) if (text := name if n == 1 else f"{name} {n}") not in taken)


def emit_made(as_json: bool, campaign: "Campaign") -> None:
    """Tell of a campaign that was just made."""
    text = f"Campaign {campaign.id} '{campaign.name}' waits with {campaign.n_tasks:,} tasks."
    emit(as_json, facts_of(campaign), text)


def emit_preview(as_json: bool, preview: "QueuePreview") -> None:
    """Tell what a campaign would ask, that was not made."""
    facts = {
        "dry_run": True,
        "needs_folds": preview.needs_folds,
        "n_found": preview.n_found,
        "n_products": preview.n_asked,
        "first": [
            {"product_id": one.id, "title": one.title, "confidence": one.confidence, "margin": one.margin}
            for one in preview.rows
        ],
    }
    if preview.needs_folds:
        text = (
            "Nothing is held out yet: making this campaign sets about a tenth of the labeled products aside for good."
        )
    else:
        first = [f"{one.id:>9}  {one.title}" for one in preview.rows]
        head = f"It would ask {preview.n_asked:,} of {preview.n_found:,} products; nothing was made."
        text = "\n".join([head, *(["The first of them:"] if first else []), *first])
    emit(as_json, facts, text)


def facts_of(campaign: "Campaign") -> dict[str, Any]:
    """A campaign as JSON tells it."""
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
