"""The tree on an editor's desk: changed in memory first, with what every node was before; then written at once."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core.catalogue.taxonomy import MAX_DEPTH, MAX_PATH_BYTES, SEPARATOR, clean_name
from core.errors import N_, Conflict, InvalidInput, UnknownCategory
from db import taxonomy_edits

Change = tuple[int, str, Any, Any]  # category id, column, before, after
FACETS = {"name": "name", "name_en": "name", "parent_id": "place"}
"""Column -> what of a category it is; all others are its life: whether it is there, and as a leaf."""


@dataclass
class Node:
    """A category. Its path and depth are worked out from its names and its place."""

    id: int  # below 0 until it is written
    parent_id: int | None
    depth: int
    name: str
    name_en: str | None
    path: str
    path_en: str | None
    is_leaf: bool
    retired_at: datetime | None = None
    merged_into_id: int | None = None

    @property
    def is_in_use(self) -> bool:
        return self.retired_at is None


@dataclass
class Tree:
    """All nodes, retired ones too. `changes` collects what `set_values` did, the first before and the last after."""

    nodes: dict[int, Node]
    changes: dict[tuple[int, str], tuple[Any, Any]] = field(default_factory=dict)
    made: list[int] = field(default_factory=list)  # of new nodes, in the order they were made
    former: dict[str, int] = field(default_factory=dict)  # path until now -> whose it was
    _below: dict[int | None, list[int]] = field(default_factory=dict)

    @classmethod
    def load(cls, session: Session) -> "Tree":
        tree = cls({values[0]: Node(*values) for values in map(tuple, taxonomy_edits.list_nodes(session))})
        for node in tree.nodes.values():
            tree._below.setdefault(node.parent_id, []).append(node.id)
        return tree

    def get(self, category_id: int) -> Node:
        """A category in use. Raises UnknownCategory."""
        node = self.nodes.get(category_id)
        if node is None:
            raise UnknownCategory(N_("There is no category {category_id}."), category_id=category_id)
        if not node.is_in_use:
            raise UnknownCategory(N_("The category {category} is retired."), category=node.path)
        return node

    def get_leaf(self, category_id: int) -> Node:
        """A leaf in use. Raises UnknownCategory, InvalidInput."""
        node = self.get(category_id)
        if not node.is_leaf:
            raise InvalidInput(N_("'{category}' is not a leaf: it has categories below it."), category=node.path)
        return node

    def children(self, parent_id: int | None) -> list[Node]:
        """Those in use, in the order they were made."""
        return [self.nodes[id_] for id_ in self._below.get(parent_id, ()) if self.nodes[id_].is_in_use]

    def subtree(self, category_id: int) -> Iterator[Node]:
        """The node and all below it, retired ones too, a parent before its children."""
        waiting = [category_id]
        while waiting:
            node = self.nodes[waiting.pop()]
            yield node
            waiting.extend(self._below.get(node.id, ()))

    def is_below(self, category_id: int | None, above_id: int) -> bool:
        """Whether the one is the other or lies below it."""
        seen: set[int] = set()
        while category_id is not None and category_id not in seen:
            if category_id == above_id:
                return True
            seen.add(category_id)
            category_id = self.nodes[category_id].parent_id
        return False

    def set_values(self, node: Node, **values: Any) -> None:
        for name, after in values.items():
            before = getattr(node, name)
            if before == after:
                continue
            if node.id > 0:  # a new one is written as it is in the end
                first = self.changes.get((node.id, name), (before,))[0]
                self.changes[node.id, name] = (first, after)
            if name == "parent_id":
                self._below[before].remove(node.id)
                self._below.setdefault(after, []).append(node.id)
            setattr(node, name, after)

    def add(self, parent: Node | None, name: str, name_en: str | None) -> Node:
        """A new leaf, not yet written. Its parent is no leaf any more."""
        cleaned, english = checked_name(name), checked_name(name_en) if name_en and name_en.strip() else None
        node = Node(-1 - len(self.made), parent.id if parent else None, 0, cleaned, english, "", None, True)
        self.nodes[node.id] = node
        self.made.append(node.id)
        self._below.setdefault(node.parent_id, []).append(node.id)
        if parent is not None and parent.is_leaf:
            self.set_values(parent, is_leaf=False)
        return node

    def give_id(self, made_id: int, id_: int) -> None:
        """The new node was written: all that named it by its number below 0 names it rightly."""
        node = self.nodes.pop(made_id)
        self._below[node.parent_id][self._below[node.parent_id].index(made_id)] = id_
        self._below[id_] = self._below.pop(made_id, [])
        node.id = id_
        self.nodes[id_] = node
        self.made = [id_ if one == made_id else one for one in self.made]
        for other in self.nodes.values():
            other.parent_id = id_ if other.parent_id == made_id else other.parent_id
            other.merged_into_id = id_ if other.merged_into_id == made_id else other.merged_into_id
        self.changes = {
            key: (before, id_ if after == made_id and key[1] in ("parent_id", "merged_into_id") else after)
            for key, (before, after) in self.changes.items()
        }

    def work_out_paths(self, roots: Iterable[int]) -> list[tuple[int, str, str | None, int]]:
        """Path, English path and depth of these nodes and all below, by their names and places of now.

        Returns (id, path, English path, depth) of those that change. A retired category steps aside where its path
        is wanted. Raises Conflict when a category in use has the path, InvalidInput when it gets too deep or long.
        """
        touched: dict[int, Node] = {}
        for root in roots:
            touched.update((node.id, node) for node in self.subtree(root))
        owners = {node.path: node.id for node in self.nodes.values() if node.id not in touched}
        found: dict[int, tuple[str, str | None, int]] = {}
        taken: dict[str, int] = {}
        for node in sorted(touched.values(), key=lambda node: not node.is_in_use):
            path, path_en, depth = self._worked_out(node)
            owner = taken.get(path) or owners.get(path)
            if owner is not None and node.is_in_use:
                if self.nodes[owner].is_in_use:
                    raise Conflict(
                        N_("There is '{category}' already. Merge the two instead, or choose another name."),
                        category=path,
                    )
                found[owner] = (_aside(path, owner), self.nodes[owner].path_en, self.nodes[owner].depth)
            elif owner is not None:
                path = _aside(path, node.id)
            taken[path] = node.id
            found[node.id] = (path, path_en, depth)
        return self._changed(found)

    def _worked_out(self, node: Node) -> tuple[str, str | None, int]:
        names, english = [node.name], [node.name_en]
        above = node.parent_id
        while above is not None:
            names.insert(0, self.nodes[above].name)
            english.insert(0, self.nodes[above].name_en)
            above = self.nodes[above].parent_id
        path = SEPARATOR.join(names)
        if node.is_in_use and len(names) > MAX_DEPTH:
            raise InvalidInput(
                N_("The category lies {depth} levels deep; {limit} are possible."), depth=len(names), limit=MAX_DEPTH
            )
        if len(path.encode()) > MAX_PATH_BYTES:
            raise InvalidInput(N_("The category path is too long: {start}..."), start=path[:60])
        return path, SEPARATOR.join(name or "" for name in english) if all(english) else None, len(names)

    def _changed(self, found: dict[int, tuple[str, str | None, int]]) -> list[tuple[int, str, str | None, int]]:
        rows = []
        for id_, (path, path_en, depth) in found.items():
            node = self.nodes[id_]
            if (node.path, node.path_en, node.depth) != (path, path_en, depth):
                rows.append((id_, path, path_en, depth))
                node.path, node.path_en, node.depth = path, path_en, depth
        return rows

    def list_changes(self) -> list[Change]:
        """What `set_values` did to nodes that were there before."""
        return [
            (id_, name, before, after)
            for (id_, name), (before, after) in self.changes.items()
            if id_ not in self.made and before != after
        ]


def checked_name(name: str) -> str:
    """A name as it is kept. Raises InvalidInput when nothing is left of it."""
    cleaned = clean_name(name)
    if not cleaned:
        raise InvalidInput(N_("The category has no name."))
    return cleaned


def _aside(path: str, category_id: int) -> str:
    return f"{path} [{category_id}]"


def fingerprint(nodes: Iterable[Node]) -> str:
    """Changes when one of these nodes does: its names, place or life. What an editor was shown, in 16 letters."""
    told = "\n".join(
        repr((node.id, node.parent_id, node.name, node.name_en, node.is_leaf, node.retired_at, node.merged_into_id))
        for node in sorted(nodes, key=lambda node: node.id)
    )
    return hashlib.sha256(told.encode()).hexdigest()[:16]
