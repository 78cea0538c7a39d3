"""Who may do what: one table, asked by every core function that changes something."""

from enum import StrEnum

from core.errors import N_, Forbidden
from core.types import Actor
from db.enums import Role


class Action(StrEnum):
    """The things that need a role."""

    LABEL = "label"  # claim, decide, skip, undo own decisions
    EDIT_CAMPAIGNS = "edit_campaigns"
    IMPORT = "import"
    EDIT_TAXONOMY = "edit_taxonomy"
    TRAIN = "train"  # train, score, cancel jobs
    PROMOTE = "promote"
    EDIT_RULES = "edit_rules"  # exclusion rules: what training rows lose
    REVIEW = "review"  # settle disagreements into gold, take gold back, judge near-duplicates of others
    SEE_MEMBERS = "see_members"  # who is in the team and in which role, without figures
    SEE_PEOPLE = "see_people"  # other people's counts, speed and agreement, and who decided what
    MANAGE_PEOPLE = "manage_people"  # invite, change roles, switch off
    SEE_AUDIT = "see_audit"
    EXPORT = "export"
    MANAGE_WEBHOOKS = "manage_webhooks"
    SEE_ANALYSIS = "see_analysis"  # products, models, error rates: they tell what blind cards and gold checks hide
    MAKE_TOKENS = "make_tokens"  # API tokens of one's own: they can do no more than their person


_ANNOTATOR = {Action.LABEL, Action.MAKE_TOKENS}
_REVIEWER = _ANNOTATOR | {
    Action.EDIT_CAMPAIGNS,
    Action.REVIEW,
    Action.SEE_MEMBERS,
    Action.SEE_PEOPLE,
    Action.SEE_ANALYSIS,
    Action.EXPORT,
}
_OPERATOR = (_REVIEWER - {Action.SEE_PEOPLE}) | {
    Action.IMPORT,
    Action.EDIT_TAXONOMY,
    Action.TRAIN,
    Action.PROMOTE,
    Action.EDIT_RULES,
    Action.SEE_AUDIT,
    Action.MANAGE_WEBHOOKS,
}

_ANALYST = _ANNOTATOR | {
    Action.EDIT_CAMPAIGNS,
    Action.EDIT_RULES,
    Action.SEE_MEMBERS,
    Action.SEE_ANALYSIS,
    Action.EXPORT,
}

ALLOWED: dict[Role, set[Action]] = {
    Role.ANNOTATOR: _ANNOTATOR,
    Role.REVIEWER: _REVIEWER,
    Role.ANALYST: _ANALYST,
    Role.OPERATOR: _OPERATOR,
    Role.ADMIN: set(Action),
}


def may(actor: Actor, action: Action) -> bool:
    return action in ALLOWED[actor.role]


def authorize(actor: Actor, action: Action) -> None:
    """Raise Forbidden when the actor's role does not allow the action."""
    if not may(actor, action):
        raise Forbidden(N_("The role '{role}' does not allow '{action}'."), role=actor.role.value, action=action.value)
