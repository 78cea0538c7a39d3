"""Names of campaigns and of their kinds, in the person's language."""

from collections.abc import Iterable
from itertools import count

from db.enums import CampaignKind
from pages.components.words import N_, _

KINDS = {
    CampaignKind.LOW_CONFIDENCE: N_("Low confidence"),
    CampaignKind.DISAGREEMENT: N_("Disagreement"),
    CampaignKind.RANDOM: N_("Random"),
    CampaignKind.LABEL_ISSUES: N_("Label issues"),
}


def campaign_name(name: str) -> str:
    """As people gave it; the name that the first run gives is read in one's own language."""
    return _(name) if name in KINDS.values() else name


def free_name(kind: CampaignKind, taken: Iterable[str]) -> str:
    """A name to begin with that no campaign of `taken` has: 'Random', 'Random 2' ..."""
    used = {name.casefold() for given in taken for name in (given, campaign_name(given))}
    name = _(KINDS[kind])
    numbered = (name if n == 1 else f"{name} {n}" for n in count(1))
    return next(name for name in numbered if name.casefold() not in used)
