"""The roles as people read them, and what each is for."""

from db.enums import Role
from pages.components.words import N_, _

ROLES = {
    Role.ANNOTATOR: N_("annotator"),
    Role.REVIEWER: N_("reviewer"),
    Role.ANALYST: N_("analyst"),
    Role.OPERATOR: N_("operator"),
    Role.ADMIN: N_("admin"),
}
PURPOSES = {
    Role.ANNOTATOR: N_("labels products"),
    Role.REVIEWER: N_("also makes campaigns, settles disagreements, sees how people do"),
    Role.ANALYST: N_("labels, makes campaigns and rules, sees all figures of products and models"),
    Role.OPERATOR: N_("also imports, trains, promotes, edits the taxonomy, reads the audit trail"),
    Role.ADMIN: N_("everything, people too"),
}


def role_text(role: Role) -> str:
    return _(ROLES[role])


def role_with_purpose(role: Role) -> str:
    """'reviewer: also makes campaigns ...', for a list to choose from."""
    return f"{_(ROLES[role])}: {_(PURPOSES[role])}"
