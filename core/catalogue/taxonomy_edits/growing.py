"""Adding a category."""

from sqlalchemy.orm import Session

from core.catalogue.taxonomy_edits.edit import Edit, Plan, Preview, perform, preview
from core.catalogue.taxonomy_edits.tree import Node, Tree
from core.errors import N_, Conflict
from core.runtime import Runtime
from core.types import Actor
from db import standing_labels
from db.enums import TaxonomyEditKind


def preview_add(runtime: Runtime, parent_id: int | None, name: str, name_en: str | None = None) -> Preview:
    """What `add_category` would do. Raises as it does."""
    return preview(runtime, lambda session, tree, now: _plan(session, tree, parent_id, name, name_en))


def add_category(
    runtime: Runtime,
    actor: Actor,
    parent_id: int | None,
    name: str,
    name_en: str | None = None,
    *,
    reason: str | None = None,
    token: str | None = None,
) -> Edit:
    """A new leaf below a category; no parent: a new root. `Edit.category_id` is its id.

    Raises Conflict when there is one of this name, or the parent is a leaf with labels (split it instead),
    InvalidInput, UnknownCategory, StaleEdit (the tree changed since the preview of this `token`), Forbidden.
    """
    planner = lambda session, tree, now: _plan(session, tree, parent_id, name, name_en)  # noqa: E731
    return perform(runtime, actor, planner, reason, token, needs_reason=False)


def _plan(session: Session, tree: Tree, parent_id: int | None, name: str, name_en: str | None) -> Plan:
    parent = tree.get(parent_id) if parent_id is not None else None
    if parent is not None:
        check_has_room(session, parent)
    node = tree.add(parent, name, name_en)
    above = [parent.id] if parent else []
    words = {"name": node.name, "name_en": node.name_en, "parent": parent.path if parent else None}
    return Plan(TaxonomyEditKind.ADD, node.id, tree, shown=above, needs=above, repath=[node.id], words=words)


def check_has_room(session: Session, parent: Node) -> None:
    """Raises Conflict when the category is a leaf with labels: it would be a leaf no more, and they would be nowhere.

    Labels that were overruled count too: they come back when what overruled them is undone.
    """
    if parent.is_leaf and standing_labels.says_anything(session, [parent.id]):
        raise Conflict(
            N_("'{category}' is a leaf with labeled products. Split it: then it can become the category above."),
            category=parent.path,
        )
