"""What a campaign tells its people about how to decide, changed while they work."""

from core.errors import StaleEdit
from core.labeling.campaigns.campaign import Campaign, get_campaign
from core.labeling.campaigns.settings import checked_guidelines
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import campaigns
from db.people import add_audit, raise_revision


def set_guidelines(runtime: Runtime, actor: Actor, campaign_id: int, text: str, expected: str | None) -> Campaign:
    """Write how to decide in this campaign; nothing takes it away. `expected` is what the editor was shown.

    The next card of everybody shows it. Raises Forbidden, NotFound, InvalidInput when too long, StaleEdit when somebody
    else was faster.
    """
    authorize(actor, Action.EDIT_CAMPAIGNS)
    get_campaign(runtime, campaign_id)
    after = checked_guidelines(text.replace("\r\n", "\n"))
    if after != expected:
        with runtime.sessions.write() as session:
            if not campaigns.set_guidelines(session, campaign_id, expected, after):
                raise StaleEdit()
            was, becomes = {"guidelines": expected}, {"guidelines": after}
            add_audit(session, utc_now(), actor.person_id, "set_guidelines", "campaign", campaign_id, was, becomes)
            raise_revision(session, "campaigns")
    return get_campaign(runtime, campaign_id)
