"""What taking over a new version of the tree would do: kept, moved, merged, split, new, dropped, unmapped."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.catalogue.rejects import Reason, Reject
from core.catalogue.taxonomy import SEPARATOR, Category, Names, load_taxonomy
from core.catalogue.taxonomy_importing import TaxonomyOptions, TreeFile, read_tree
from core.catalogue.taxonomy_versions.mapping_file import MappingFile, MappingRow, read_mapping
from core.errors import N_
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor
from db import categories, standing_labels

UNKNOWN_OLD = N_("The tree has no category '{path}'.")
UNKNOWN_NEW = N_("The new version has no category '{path}'.")


@dataclass(frozen=True)
class Change:
    """What becomes of a category that does not stay as it is. `targets` are paths of the new version."""

    category_id: int
    path: str
    targets: tuple[str, ...]
    n_products: int  # that have it as their label now


@dataclass(frozen=True)
class VersionPlan:
    """Every category in use is in exactly one of kept, moved, merged, split, dropped and unmapped.

    `moved` keep their id, labels and rules under another path. `merged` give their products to a category that is
    there, too. `split` became several: they stay in use until people have decided their products again, and so do
    `unmapped` ones, which the new version lacks and no row maps although products have them. `dropped` ones are
    retired: the new version lacks them and no product has them. `refined` ones are kept or moved leaves that get
    categories below them, so that their products need a finer label.
    """

    kept: tuple[int, ...]
    moved: tuple[Change, ...]
    merged: tuple[Change, ...]
    split: tuple[Change, ...]
    dropped: tuple[Change, ...]
    unmapped: tuple[Change, ...]
    refined: tuple[Change, ...]
    added: tuple[Names, ...]
    rejects: tuple[Reject, ...]  # rows of the mapping, then of the tree, that cannot be used
    english: Mapping[Names, Names] = field(default_factory=dict)  # of the new version
    codes: Mapping[Names, str] = field(default_factory=dict)
    taxonomy_revision: int = 0  # of the tree that was compared

    @property
    def counts(self) -> dict[str, int]:
        names = ("kept", "moved", "merged", "split", "dropped", "unmapped", "refined", "added", "rejects")
        return {name: len(getattr(self, name)) for name in names}


def plan_version(
    runtime: Runtime,
    actor: Actor,
    tree_file: Path,
    mapping_file: Path | None = None,
    options: TaxonomyOptions | None = None,
) -> VersionPlan:
    """Compare the tree with a file of its new version; nothing is changed.

    A category of the old tree is found in the new one by the mapping, else by its path, else by its code, else below
    where its nearest mapped ancestor went. Raises UnreadableFile, InvalidInput, Forbidden.
    """
    authorize(actor, Action.EDIT_TAXONOMY)
    new = read_tree(tree_file, options or TaxonomyOptions())
    mapping = read_mapping(mapping_file) if mapping_file else MappingFile()
    taxonomy, revision = load_taxonomy(runtime), categories_revision(runtime)
    in_use = {node.id: node for node in taxonomy.categories.values() if node.retired_at is None}
    with runtime.sessions.read() as session:
        n_products = dict.fromkeys(standing_labels.list_said(session), 0) | categories.count_products(session)
    return make_plan(in_use, n_products, new, mapping, revision)


def categories_revision(runtime: Runtime) -> int:
    """The number that each change of the tree raises."""
    from db.people import get_revisions

    with runtime.sessions.read() as session:
        return get_revisions(session, "taxonomy")[0]


def make_plan(
    in_use: Mapping[int, Category],
    n_products: Mapping[int, int],
    new: TreeFile,
    mapping: MappingFile,
    revision: int = 0,
) -> VersionPlan:
    """The plan from what was read; see `plan_version`.

    `n_products` has an entry for each category that a label says: also one that was overruled, which comes back when
    the decision that overruled it is undone.
    """
    nodes = _all_nodes(new.paths)
    told, rejects = _told(in_use.values(), nodes, new, mapping)
    targets = {node.id: _targets(node, nodes, new.by_code, told) for node in in_use.values()}
    owners = _owners(in_use, targets, n_products)
    sorted_out: dict[str, list[Change]] = {
        name: [] for name in ("moved", "merged", "split", "dropped", "unmapped", "refined")
    }
    kept: list[int] = []
    inner = {path[:-1] for path in nodes}
    staying = _with_ancestors(in_use, [i for i, found in targets.items() if len(found) != 1 and i in n_products])
    staying_paths = {_names(in_use[category_id]) for category_id in staying}
    for category_id, node in in_use.items():
        found = targets[category_id]
        change = Change(
            category_id, node.path, tuple(SEPARATOR.join(path) for path in found), n_products.get(category_id, 0)
        )
        if len(found) > 1 and category_id in n_products:
            sorted_out["split"].append(change)
        elif len(found) != 1:
            sorted_out["unmapped" if category_id in staying else "dropped"].append(change)
        elif owners[found[0]] != category_id:
            sorted_out["merged"].append(change)
        else:
            if SEPARATOR.join(found[0]) == node.path:
                kept.append(category_id)
            else:
                sorted_out["moved"].append(change)
            if node.is_leaf and found[0] in inner and category_id in n_products:
                sorted_out["refined"].append(change)
    return VersionPlan(
        kept=tuple(kept),
        added=tuple(sorted(nodes - set(owners) - staying_paths, key=lambda path: (len(path), path))),
        rejects=(*rejects, *new.rejects),
        english=new.english,
        codes=new.codes,
        taxonomy_revision=revision,
        **{name: tuple(changes) for name, changes in sorted_out.items()},
    )


def _all_nodes(paths: Iterable[Names]) -> set[Names]:
    return {path[:depth] for path in paths for depth in range(1, len(path) + 1)}


def _names(node: Category) -> Names:
    return tuple(node.path.split(SEPARATOR))


def _told(
    in_use: Iterable[Category], nodes: set[Names], new: TreeFile, mapping: MappingFile
) -> tuple[dict[Names, list[Names]], list[Reject]]:
    """Old path -> new paths as the mapping says ([]: gone), and the rows that speak of what is not there."""
    listed = list(in_use)
    known = {_names(node) for node in listed} | {_english(node) for node in listed if node.path_en}
    old_codes = {node.code: _names(node) for node in listed if node.code}
    native = {_english(node): _names(node) for node in listed if node.path_en}
    new_native = {english: path for path, english in new.english.items()}
    told: dict[Names, list[Names]] = {}
    rejects = list(mapping.rejects)
    for row in mapping.rows:
        old = row.old if row.old in known else old_codes.get(row.old[0]) if len(row.old) == 1 else None
        if old is None:
            rejects.append(_reject(row, mapping, 0, UNKNOWN_OLD, row.old))
            continue
        old = native.get(old, old)
        if row.new is None:
            told.setdefault(old, [])
            continue
        target = row.new if row.new in nodes else new_native.get(row.new)
        if target is None and len(row.new) == 1:
            target = new.by_code.get(row.new[0])
        if target is None:
            rejects.append(_reject(row, mapping, 1, UNKNOWN_NEW, row.new))
        elif target not in told.setdefault(old, []):
            told[old].append(target)
    return told, rejects


def _english(node: Category) -> Names:
    return tuple((node.path_en or "").split(SEPARATOR))


def _reject(row: MappingRow, mapping: MappingFile, column: int, reason: str, path: Names) -> Reject:
    heading = mapping.headings[column] if column < len(mapping.headings) else None
    text = SEPARATOR.join(path)
    record = {"old": SEPARATOR.join(row.old), "new": SEPARATOR.join(row.new or ())}
    return Reject(row.line, Reason(reason, {"path": text[:200]}), record, heading, text)


def _targets(
    node: Category, nodes: set[Names], by_code: Mapping[str, Names], told: Mapping[Names, list[Names]]
) -> list[Names]:
    """Where a category of the old tree is in the new one: nowhere, once, or (split) several times."""
    path = _names(node)
    if len(told.get(path, ())) > 1 and path in nodes:
        return [path]  # it becomes the category above its parts
    if path in told:
        return told[path]
    if path in nodes:
        return [path]
    if node.code and node.code in by_code:
        return [by_code[node.code]]
    for depth in range(len(path) - 1, 0, -1):
        above = told.get(path[:depth])
        if above and len(above) == 1:
            below = above[0] + path[depth:]
            return [below] if below in nodes else []
    return []


def _owners(
    in_use: Mapping[int, Category], targets: Mapping[int, list[Names]], n_products: Mapping[int, int]
) -> dict[Names, int]:
    """New path -> the category that becomes it: the one that has the path already, else the one with most products."""
    owners: dict[Names, int] = {}

    def rank(category_id: int, path: Names) -> tuple[bool, int, int]:
        return _names(in_use[category_id]) == path, n_products.get(category_id, 0), -category_id

    for category_id, found in targets.items():
        if len(found) == 1:
            path = found[0]
            if path not in owners or rank(category_id, path) > rank(owners[path], path):
                owners[path] = category_id
    return owners


def _with_ancestors(in_use: Mapping[int, Category], ids: Iterable[int]) -> set[int]:
    """These and all above them: a category that stays keeps its place."""
    staying: set[int] = set()
    for category_id in ids:
        place: int | None = category_id
        while place is not None and place in in_use and place not in staying:
            staying.add(place)
            place = in_use[place].parent_id
    return staying
