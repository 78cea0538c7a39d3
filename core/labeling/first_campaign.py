"""With its first model a catalogue gets its first queue, so that nobody has to know what a campaign is to begin."""

from core.errors import InvalidInput
from core.labeling.campaigns import ensure_default_campaign, list_campaigns
from core.permissions import Action, may
from core.runtime import Runtime
from core.types import Actor
from db.enums import CampaignKind


def offer_first_campaign(runtime: Runtime, actor: Actor) -> bool:
    """Make the low-confidence campaign where there is none but human baselines, which measure and correct nothing.

    False: not needed, not allowed, or no product is unsure enough.
    """
    if not may(actor, Action.EDIT_CAMPAIGNS) or any(
        one.kind != CampaignKind.HUMAN_BASELINE for one in list_campaigns(runtime)
    ):
        return False
    try:
        ensure_default_campaign(runtime, actor)
    except InvalidInput:  # the model is sure of everything
        return False
    return True
