"""Names of campaigns and of their kinds, in the person's language."""

from collections.abc import Iterable
from itertools import count

from db.enums import CampaignKind
from pages.components.words import N_, _

KINDS = {
    CampaignKind.LOW_CONFIDENCE: N_("Low confidence"),
    CampaignKind.DISAGREEMENT: N_("Disagreement"),
    CampaignKind.LABEL_ISSUES: N_("Label issues"),
    CampaignKind.RANDOM: N_("Random"),
    CampaignKind.HUMAN_BASELINE: N_("Human baseline"),
    CampaignKind.AMBIGUOUS_PAIR: N_("Ambiguous pair"),
    CampaignKind.MALL_AUDIT: N_("Mall audit"),
    CampaignKind.NEW_LEAF: N_("New category"),
    CampaignKind.TAXONOMY_CHANGE: N_("Changed category tree"),
}


def campaign_name(name: str) -> str:
    """As people gave it; the name that the first run gives is read in one's own language."""
    return _(name) if name in KINDS.values() else name


def free_name(kind: CampaignKind, taken: Iterable[str]) -> str:
    """A name to begin with that no campaign of `taken` has: 'Random', 'Random 2' ..."""
    return free_text(_(KINDS[kind]), taken)


def free_text(name: str, taken: Iterable[str]) -> str:
    """The name, with a number where a campaign of `taken` has it."""
    used = {name.casefold() for given in taken for name in (given, campaign_name(given))}
    begin, _space, number = name.rpartition(" ")
    stem = begin if number.isdecimal() and begin.casefold() in used else name  # after 'Random 2' comes 'Random 3'
    numbered = (stem if n == 1 else f"{stem} {n}" for n in count(1))
    return next(text for text in numbered if text.casefold() not in used)
