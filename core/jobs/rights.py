"""Who may start which kind of job: asked where a job enters the queue, whichever way it came."""

from core.permissions import Action

ACTIONS = {
    "import_products": Action.IMPORT,
    "import_taxonomy": Action.EDIT_TAXONOMY,
    "export": Action.EXPORT,
    "measure_error_rates": Action.SEE_ANALYSIS,
    "measure_agreement": Action.REVIEW,
    "build_campaign": Action.EDIT_CAMPAIGNS,
}


def action_of(kind: str) -> Action:
    """What a person needs to start a job of this kind; what is not listed is a training's business."""
    return ACTIONS.get(kind, Action.TRAIN)
