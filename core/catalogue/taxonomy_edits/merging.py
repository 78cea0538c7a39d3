"""Merging categories, and retiring them: what said the one says the other, or nothing was said of it."""

from datetime import datetime

from sqlalchemy.orm import Session

from core.catalogue.taxonomy_edits.edit import Carry, Edit, Plan, Preview, perform, preview
from core.catalogue.taxonomy_edits.tree import Node, Tree
from core.errors import N_, Conflict, InvalidInput
from core.runtime import Runtime
from core.types import Actor
from db import standing_labels
from db.enums import TaxonomyEditKind


def preview_merge(runtime: Runtime, category_id: int, into_id: int) -> Preview:
    """What `merge_categories` would do. Raises as it does."""
    return preview(runtime, lambda session, tree, now: plan_merge(session, tree, category_id, into_id, now))


def merge_categories(
    runtime: Runtime,
    actor: Actor,
    category_id: int,
    into_id: int,
    *,
    reason: str | None,
    token: str | None = None,
) -> Edit:
    """Everything that says the one category says the other from now on; the one is retired.

    Two leaves become one. Of two inner categories those below with the same name are merged too, others move over.
    Files, models and filters that still say the old one mean the new one. Raises InvalidInput (a leaf with an inner
    category, one into what lies below it, no reason), UnknownCategory, Conflict, StaleEdit, Forbidden.
    """
    planner = lambda session, tree, now: plan_merge(session, tree, category_id, into_id, now)  # noqa: E731
    return perform(runtime, actor, planner, reason, token)


def plan_merge(
    session: Session,
    tree: Tree,
    category_id: int,
    into_id: int,
    now: datetime,
    kind: TaxonomyEditKind = TaxonomyEditKind.MERGE,
) -> Plan:
    """The plan of a merge, for those who put several acts together."""
    node, into = tree.get(category_id), tree.get(into_id)
    if tree.is_below(into.id, node.id):
        raise InvalidInput(N_("'{category}' cannot be merged into itself or what lies below it."), category=node.path)
    words = {"path": node.path, "name": node.name, "into": into.path}
    shown = [one.id for root in (node, into) for one in tree.subtree(root.id) if one.is_in_use]
    needs = [into.id, *([node.parent_id] if node.parent_id is not None else [])]
    plan = Plan(kind, node.id, tree, shown=shown, needs=needs, repath=[node.id], words=words)
    _merge(session, plan, node, into, now)
    return plan


def _merge(session: Session, plan: Plan, node: Node, into: Node, now: datetime) -> None:
    if node.is_leaf != into.is_leaf:
        raise InvalidInput(
            N_("'{category}' and '{into}' cannot be merged: one is a leaf, the other has categories below it."),
            category=node.path,
            into=into.path,
        )
    tree = plan.tree
    same_name = {child.name: child for child in tree.children(into.id) if child.id != node.id}
    for child in tree.children(node.id):
        twin = same_name.get(child.name)
        if twin is not None:
            plan.needs.append(twin.id)
            _merge(session, plan, child, twin, now)
        else:
            tree.set_values(child, parent_id=into.id)
            plan.repath.append(child.id)
    if node.is_leaf or standing_labels.says_anything(session, [node.id]):
        plan.carries.append(Carry(node.id, into.id, rules_to=[into.id]))
    plan.lineage.append((node.id, into.id))
    retire_node(tree, node, now, into.id)


def retire_node(tree: Tree, node: Node, now: datetime, into_id: int | None) -> None:
    """The category is not in use any more; what was merged into it means what it means."""
    tree.set_values(node, retired_at=now, merged_into_id=into_id)
    if into_id is not None:
        redirect(tree, node.id, into_id)


def redirect(tree: Tree, from_id: int, to_id: int) -> None:
    """What was merged into the one means the other: one step from any retired category to what it means."""
    for other in tree.nodes.values():
        if other.merged_into_id == from_id and other.id != to_id:
            tree.set_values(other, merged_into_id=to_id)


def preview_retire(runtime: Runtime, category_id: int, into_id: int | None = None) -> Preview:
    """What `retire_category` would do. Raises as it does."""
    return preview(runtime, lambda session, tree, now: _retire(session, tree, category_id, into_id, now))


def retire_category(
    runtime: Runtime,
    actor: Actor,
    category_id: int,
    into_id: int | None = None,
    *,
    reason: str | None,
    token: str | None = None,
) -> Edit:
    """The category, with all below it, is not in use any more. Undoing the edit brings it back.

    With labels in it, it needs a category that takes them over (`into_id`): no product loses its label.
    A file that brings it again takes it into use again. Raises Conflict (labels, and nobody takes them),
    InvalidInput (no reason), UnknownCategory, StaleEdit, Forbidden.
    """
    planner = lambda session, tree, now: _retire(session, tree, category_id, into_id, now)  # noqa: E731
    return perform(runtime, actor, planner, reason, token)


def _retire(session: Session, tree: Tree, category_id: int, into_id: int | None, now: datetime) -> Plan:
    if into_id is not None:
        return plan_merge(session, tree, category_id, into_id, now, TaxonomyEditKind.RETIRE)
    node = tree.get(category_id)
    going = [one for one in tree.subtree(node.id) if one.is_in_use]
    if standing_labels.says_anything(session, [one.id for one in going]):
        raise Conflict(
            N_("Products are labeled with '{category}' or what lies below it. Name the category that takes them over."),
            category=node.path,
        )
    words = {"path": node.path, "name": node.name, "n_categories": len(going)}
    for one in going:
        retire_node(tree, one, now, None)
    needs = [node.parent_id] if node.parent_id is not None else []
    shown = [one.id for one in going]
    return Plan(TaxonomyEditKind.RETIRE, node.id, tree, shown=shown, needs=needs, words=words)
