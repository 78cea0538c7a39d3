"""Taking a new version of the tree over: one edit in one transaction, undone like any other."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from core.catalogue.taxonomy import SEPARATOR, Names, grow_taxonomy
from core.catalogue.taxonomy_edits.edit import Carry, Edit, Plan, perform
from core.catalogue.taxonomy_edits.merging import retire_node
from core.catalogue.taxonomy_edits.tree import Node, Tree
from core.catalogue.taxonomy_versions.plan import VersionPlan
from core.errors import StaleEdit
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import standing_labels
from db.enums import TaxonomyEditKind
from db.people import get_revisions


def apply_version(runtime: Runtime, actor: Actor, version: VersionPlan, file_name: str, *, reason: str | None) -> Edit:
    """Make the tree what the plan says. No product loses its label.

    A leaf that gets categories below it keeps its products in a new leaf of its own name; they, and the products of
    split categories, want to be looked at again (kind 'taxonomy change' of a campaign). Raises StaleEdit when the
    tree or a label changed since the plan was made in a way that matters, InvalidInput (no reason), Conflict,
    Forbidden.
    """

    def planner(session: Session, tree: Tree, now: datetime) -> Plan:
        if get_revisions(session, "taxonomy")[0] != version.taxonomy_revision:
            raise StaleEdit()
        return _Builder(session, tree, version, now, file_name).plan()

    edit = perform(runtime, actor, planner, reason, token=None)
    _fill_in_codes(runtime, version)
    return edit


def _fill_in_codes(runtime: Runtime, version: VersionPlan) -> None:
    """Codes and English names of the file, where the tree lacks them. Done twice it changes nothing."""
    paths = list(dict.fromkeys([*version.codes, *version.english]))
    if paths:
        with runtime.sessions.write() as session:
            grow_taxonomy(session, paths, utc_now(), version.english, version.codes)


@dataclass
class _Builder:
    """The tree on the desk, and the node of each path of the new version."""

    session: Session
    tree: Tree
    version: VersionPlan
    now: datetime
    file_name: str
    place: dict[Names, Node] = field(default_factory=dict)

    def plan(self) -> Plan:
        version, tree = self.version, self.tree
        words = {"file": self.file_name, **version.counts}
        plan = Plan(TaxonomyEditKind.IMPORT, None, tree, shown=[], words=words)
        self._place_nodes()
        for node in self._refined():
            self._make_room(plan, node)
        for change in version.merged:
            self._merge(plan, tree.nodes[change.category_id], self._node(change.targets[0]))
        for change in version.split:
            plan.to_review += standing_labels.list_products_saying(self.session, change.category_id)
            plan.lineage += [(change.category_id, self._leaf_of(self._node(target)).id) for target in change.targets]
        self._retire([tree.nodes[change.category_id] for change in version.dropped])
        for node in [node for node in tree.nodes.values() if node.is_in_use]:
            tree.set_values(node, is_leaf=not tree.children(node.id))
        moved = [change.category_id for change in version.moved]
        plan.repath += [*moved, *(node.id for node in tree.children(None))]
        return plan

    def _node(self, path: str) -> Node:
        return self.place[tuple(path.split(SEPARATOR))]

    def _place_nodes(self) -> None:
        """Give every path of the new version its node: the one that has or gets it, or a new one."""
        tree, version = self.tree, self.version
        owners: dict[Names, int] = {}
        staying = [change.category_id for name in ("split", "unmapped") for change in getattr(version, name)]
        for category_id in (*version.kept, *staying):
            owners[tuple(tree.nodes[category_id].path.split(SEPARATOR))] = category_id
        for change in version.moved:
            owners[tuple(change.targets[0].split(SEPARATOR))] = change.category_id
        to_stay = set(staying)
        for path in sorted([*owners, *version.added], key=lambda path: (len(path), path)):
            parent = self.place.get(path[:-1])
            english = version.english.get(path)
            if path not in owners:
                self.place[path] = tree.add(parent, path[-1], english[-1] if english else None)
                continue
            node = self.place[path] = tree.nodes[owners[path]]
            if node.id in to_stay and parent is None:
                continue  # what is above it moved, and it moves along
            tree.set_values(node, name=path[-1], parent_id=parent.id if parent else None)
            if english:
                tree.set_values(node, name_en=english[-1])

    def _refined(self) -> list[Node]:
        """Leaves with labels that get categories below them; also those that were given labels since the plan."""
        nodes = self.tree.nodes
        planned = [change.category_id for change in self.version.refined]
        was_leaf = {id_: values[0] for (id_, name), values in self.tree.changes.items() if name == "is_leaf"}
        grown = [
            node.id
            for node in nodes.values()
            if node.is_in_use and was_leaf.get(node.id, node.is_leaf) and self.tree.children(node.id)
        ]
        known = set(planned)
        new = [id_ for id_ in grown if id_ > 0 and id_ not in known]
        labeled = new if new and standing_labels.says_anything(self.session, new) else []
        return [nodes[id_] for id_ in planned] + [
            nodes[id_] for id_ in labeled if standing_labels.says_anything(self.session, [id_])
        ]

    def _make_room(self, plan: Plan, node: Node) -> None:
        """The products of a leaf that is one no more lie in a leaf of its name below it, until people decide."""
        leaf = self._leaf_of(node)
        plan.to_review += standing_labels.list_products_saying(self.session, node.id)
        plan.carries.append(Carry(node.id, leaf.id, rules_to=[]))
        plan.lineage.append((node.id, leaf.id))

    def _leaf_of(self, node: Node) -> Node:
        """The node, or where products of it lie when it has categories below it."""
        children = self.tree.children(node.id)
        if not children:
            return node
        same = next((child for child in children if child.name == node.name), None)
        return self._leaf_of(same) if same else self.tree.add(node, node.name, node.name_en)

    def _merge(self, plan: Plan, node: Node, into: Node) -> None:
        for child in self.tree.children(node.id):  # those that stay though what is above them goes
            self.tree.set_values(child, parent_id=into.id)
        if standing_labels.says_anything(self.session, [node.id]):
            leaf = self._leaf_of(into)
            plan.carries.append(Carry(node.id, leaf.id, rules_to=[into.id]))
            plan.lineage.append((node.id, leaf.id))
        else:
            plan.lineage.append((node.id, into.id))
        plan.needs.append(into.id)
        retire_node(self.tree, node, self.now, into.id)

    def _retire(self, nodes: Iterable[Node]) -> None:
        going = list(nodes)
        if going and standing_labels.says_anything(self.session, [node.id for node in going]):
            raise StaleEdit()
        for node in going:
            retire_node(self.tree, node, self.now, None)
