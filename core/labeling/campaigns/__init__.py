"""Campaigns: named labeling queues. This is what other rooms use of them; each noun has a file of its own."""

from core.labeling.campaigns.building import build_campaign, run_build_job
from core.labeling.campaigns.campaign import (
    Campaign,
    CampaignChoice,
    get_campaign,
    list_campaigns,
    list_choices,
    list_names,
)
from core.labeling.campaigns.creating import clone_campaign, create_campaign, ensure_default_campaign
from core.labeling.campaigns.guidelines import set_guidelines
from core.labeling.campaigns.held_out import are_folds_missing
from core.labeling.campaigns.kinds import LOW_CONFIDENCE, Inputs, Recipe, ready_made
from core.labeling.campaigns.lifecycle import (
    close_campaign,
    delete_campaign,
    pause_campaign,
    reopen_campaign,
    restore_campaign,
    resume_campaign,
)
from core.labeling.campaigns.preview import QueuePreview, preview_queue
from core.labeling.campaigns.settings import MAX_OVERLAP, CampaignSettings, Stratum

__all__ = [
    "LOW_CONFIDENCE",
    "MAX_OVERLAP",
    "Campaign",
    "CampaignChoice",
    "CampaignSettings",
    "Inputs",
    "QueuePreview",
    "Recipe",
    "Stratum",
    "are_folds_missing",
    "build_campaign",
    "clone_campaign",
    "close_campaign",
    "create_campaign",
    "delete_campaign",
    "ensure_default_campaign",
    "get_campaign",
    "list_campaigns",
    "list_choices",
    "list_names",
    "pause_campaign",
    "preview_queue",
    "ready_made",
    "reopen_campaign",
    "restore_campaign",
    "resume_campaign",
    "run_build_job",
    "set_guidelines",
]
