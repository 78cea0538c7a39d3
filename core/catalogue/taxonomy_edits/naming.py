"""Renaming and moving a category: its id stays, the paths of it and all below follow in both languages."""

from sqlalchemy.orm import Session

from core.catalogue.taxonomy_edits.edit import Edit, Plan, Preview, perform, preview
from core.catalogue.taxonomy_edits.growing import check_has_room
from core.catalogue.taxonomy_edits.tree import Tree, checked_name
from core.errors import N_, InvalidInput
from core.runtime import Runtime
from core.types import Actor
from db.enums import TaxonomyEditKind


def preview_rename(runtime: Runtime, category_id: int, name: str, name_en: str | None = None) -> Preview:
    """What `rename_category` would do. Raises as it does."""
    return preview(runtime, lambda session, tree, now: _rename(tree, category_id, name, name_en))


def rename_category(
    runtime: Runtime,
    actor: Actor,
    category_id: int,
    name: str,
    name_en: str | None = None,
    *,
    reason: str | None = None,
    token: str | None = None,
) -> Edit:
    """Another name; without `name_en` the English one stays, '' takes it away. Files that say the old path mean it.

    Raises Conflict when there is one of this name beside it (merge instead), InvalidInput, UnknownCategory,
    StaleEdit, Forbidden.
    """
    planner = lambda session, tree, now: _rename(tree, category_id, name, name_en)  # noqa: E731
    return perform(runtime, actor, planner, reason, token, needs_reason=False)


def _rename(tree: Tree, category_id: int, name: str, name_en: str | None) -> Plan:
    node = tree.get(category_id)
    words: dict[str, str | None] = {"path": node.path, "name": checked_name(name), "name_before": node.name}
    english = node.name_en if name_en is None else checked_name(name_en) if name_en.strip() else None
    if (node.name, node.name_en) == (words["name"], english):
        raise InvalidInput(N_("'{category}' is called so already."), category=node.path)
    words |= {"name_en": english, "name_en_before": node.name_en}
    tree.set_values(node, name=checked_name(name), name_en=english)
    return Plan(TaxonomyEditKind.RENAME, node.id, tree, shown=[node.id], repath=[node.id], words=words)


def preview_move(runtime: Runtime, category_id: int, parent_id: int | None) -> Preview:
    """What `move_category` would do. Raises as it does."""
    return preview(runtime, lambda session, tree, now: _move(session, tree, category_id, parent_id))


def move_category(
    runtime: Runtime,
    actor: Actor,
    category_id: int,
    parent_id: int | None,
    *,
    reason: str | None = None,
    token: str | None = None,
) -> Edit:
    """The category with all below it under another one; no parent: it becomes a root.

    Raises Conflict (one of its name is there: merge instead; or the new parent is a leaf with labels: split it first),
    InvalidInput (under itself, or it lies there already), UnknownCategory, StaleEdit, Forbidden.
    """
    planner = lambda session, tree, now: _move(session, tree, category_id, parent_id)  # noqa: E731
    return perform(runtime, actor, planner, reason, token, needs_reason=False)


def _move(session: Session, tree: Tree, category_id: int, parent_id: int | None) -> Plan:
    node = tree.get(category_id)
    parent = tree.get(parent_id) if parent_id is not None else None
    if tree.is_below(parent_id, node.id):
        raise InvalidInput(N_("'{category}' cannot lie below itself."), category=node.path)
    if node.parent_id == parent_id:
        raise InvalidInput(N_("'{category}' lies there already."), category=node.path)
    if parent is not None:
        check_has_room(session, parent)
    words = {"path": node.path, "name": node.name, "parent": parent.path if parent else None}
    around = [id_ for id_ in (node.parent_id, parent_id) if id_ is not None]
    if parent is not None and parent.is_leaf:
        tree.set_values(parent, is_leaf=False)
    tree.set_values(node, parent_id=parent_id)
    return Plan(
        TaxonomyEditKind.MOVE, node.id, tree, shown=[node.id, *around], needs=around, repath=[node.id], words=words
    )
