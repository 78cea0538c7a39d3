"""Undoing an edit of the tree: its labels are void, what they were counts again; decisions made since are kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core.catalogue.taxonomy_edits.belongings import take_back
from core.catalogue.taxonomy_edits.edit import Edit, checked_reason, editing, write_tree
from core.catalogue.taxonomy_edits.merging import retire_node
from core.catalogue.taxonomy_edits.tree import FACETS, Tree
from core.errors import N_, Conflict, NotFound
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor
from db import standing_labels, taxonomy_edits
from db.people import add_audit, raise_revision
from db.tables import TaxonomyEditRow

Facets = set[tuple[int, str]]


def undo_edit(runtime: Runtime, actor: Actor, edit_id: int, reason: str | None = None) -> Edit:
    """Take an edit back, in one transaction. What people decided since stays, and wins where it did.

    Labels given since to a part of a split go to the category that was split. `n_products` counts as the edit's does:
    those whose label of now moved, not overruled labels that went along. Raises NotFound, Conflict (undone
    already; a later edit builds on it: undo that first; a category that it added has labels), Forbidden.
    """
    authorize(actor, Action.EDIT_TAXONOMY)
    why = checked_reason(reason, is_needed=False)
    with editing(runtime) as attempt:
        return attempt(lambda session, now: _undo(session, actor, edit_id, why, now))
    raise AssertionError("unreachable")


def find_obstacle(runtime: Runtime, edit_id: int) -> Conflict | None:
    """Why the edit cannot be undone now, as far as later edits are in its way."""
    with runtime.sessions.read() as session:
        row = taxonomy_edits.find_edit(session, edit_id)
        return _later_in_the_way(session, Tree.load(session), row) if row is not None else None


def _undo(session: Session, actor: Actor, edit_id: int, reason: str | None, now: datetime) -> Edit:
    row = taxonomy_edits.find_edit(session, edit_id)
    if row is None:
        raise NotFound(N_("There is no edit {edit_id}."), edit_id=edit_id)
    if row.undone_at is not None:
        raise Conflict(N_("This edit was undone already."))
    tree = Tree.load(session)
    obstacle = _later_in_the_way(session, tree, row)
    if obstacle is not None:
        raise obstacle
    detail = row.detail
    taxonomy_edits.mark_undone(session, edit_id, actor.person_id, now)
    source_of = {target: source for source, target in reversed(detail["lineage"])}
    products = {*standing_labels.list_products_of_edit(session, edit_id)}
    products |= _give_up_made(session, tree, detail["made"], source_of, now)
    _put_back(tree, detail["changes"])
    write_tree(session, tree, sorted({id_ for id_, *_ in detail["changes"]} | set(detail["made"])))
    n_products = standing_labels.restore_winners(session, products)
    for moved in reversed(detail["belongings"]):
        take_back(session, actor, moved, edit_id, now)
    after = {"edit_id": edit_id, "n_products": n_products, **detail["words"]}
    add_audit(session, now, actor.person_id, "undo_edit", "category", row.category_id, None, after, reason)
    raise_revision(session, "taxonomy", "products", "rules", "campaigns")
    return Edit(edit_id, row.kind, row.category_id or 0, n_products, 0, detail["words"])


def _give_up_made(
    session: Session, tree: Tree, made: Sequence[int], source_of: dict[int, int], now: datetime
) -> set[int]:
    """Retire what the edit made; labels that people gave it since go to what it came of. Products concerned."""
    products: set[int] = set()
    for id_ in reversed(made):
        node, source = tree.nodes[id_], source_of.get(id_)
        if tree.children(id_):
            raise Conflict(N_("There are categories below '{category}' since: move them first."), category=node.path)
        saying = standing_labels.list_products_saying(session, id_)
        if saying and source is None:
            raise Conflict(
                N_("Products are labeled with '{category}' since. Merge it into another category instead."),
                category=node.path,
            )
        if saying and source is not None:
            standing_labels.carry(session, id_, source, None, now)
            products.update(saying)
        if node.is_in_use:
            retire_node(tree, node, now, source)
    return products


def _put_back(tree: Tree, changes: Sequence[Sequence[Any]]) -> None:
    for id_, name, before, _ in changes:
        value = datetime.fromisoformat(before) if name == "retired_at" and before else before
        tree.set_values(tree.nodes[id_], **{name: value})
    for id_, name, before, _ in changes:
        node = tree.nodes[id_]
        if name == "is_leaf" and before and tree.children(id_):  # a file put something there since
            tree.set_values(node, is_leaf=False)
        if name == "parent_id" and tree.is_below(before, id_):
            raise Conflict(
                N_("'{category}' would lie below itself: undo the later move that is in the way first."),
                category=node.name,
            )


def _later_in_the_way(session: Session, tree: Tree, row: TaxonomyEditRow) -> Conflict | None:
    """The newest later edit that builds on this one, as the reason to refuse."""
    changes, needs, made = _facets(row.detail)
    lives = {id_ for id_, facet in changes if facet == "life"} | made
    for later_id, _, category_id, detail in taxonomy_edits.list_later_edits(session, row.id):
        later_changes, later_needs, later_made = _facets(detail)
        later_lives = {id_ for id_, facet in later_changes if facet == "life"} | later_made
        builds_on_made = {id_ for id_, facet in later_changes if facet != "name"} & made
        if changes & later_changes or lives & later_needs or needs & later_lives or builds_on_made:
            node = tree.nodes.get(category_id or 0)
            return Conflict(
                N_("Edit {later} of '{category}' builds on this one: undo that first."),
                later=later_id,
                category=node.path if node else "",
            )
    return None


def _facets(detail: dict[str, Any]) -> tuple[Facets, set[int], set[int]]:
    """(category and what of it changed, categories that must stay in use, new categories)."""
    changes = {(id_, FACETS.get(name, "life")) for id_, name, *_ in detail.get("changes", ())}
    return changes, set(detail.get("needs", ())), set(detail.get("made", ()))
