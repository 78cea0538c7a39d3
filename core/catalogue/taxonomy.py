"""The category tree: reading it, growing it, and its guidelines."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime

from sqlalchemy.orm import Session

from core.catalogue.former_paths import SEPARATOR, Names, follow_edits
from core.catalogue.per_revision import PerRevision
from core.errors import N_, InvalidInput, NotFound, StaleEdit, UnknownCategory
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import categories
from db.people import add_audit, raise_revision
from db.said_today import list_split
from db.standing_labels import hold_tree
from db.tables import CategoryRow

MAX_DEPTH = 12
MAX_PATH_BYTES = 2_400  # PostgreSQL's unique index takes no more than 2,704
MAX_GUIDELINES = 20_000  # characters


@dataclass(frozen=True, slots=True)
class Category:
    """A node of the tree. `depth` 1 is a root; `path` is its names joined by ' > '."""

    id: int
    parent_id: int | None
    depth: int
    name: str
    name_en: str | None
    path: str
    path_en: str | None
    code: str | None
    is_leaf: bool
    is_catch_all: bool
    is_recommended: bool  # false: learned, and never suggested
    guidelines: str | None
    retired_at: datetime | None = None
    merged_into_id: int | None = None  # what still says this category means that one: `taxonomy_edits.meaning`
    is_split: bool = False  # several took its place: what said it before cannot be judged


_FIELDS = tuple(part.name for part in fields(Category) if part.name != "is_split")


@dataclass(frozen=True)
class Taxonomy:
    """The whole tree at one revision; shared between threads, so nobody changes it."""

    categories: dict[int, Category]
    children: dict[int | None, tuple[Category, ...]]  # in the order they were made, without retired ones


@dataclass
class Growth:
    """What `grow_taxonomy` did."""

    ids: dict[Names, int] = field(default_factory=dict)  # for each path as it was given
    n_created: int = 0
    n_updated: int = 0  # nodes that got an English name or a code


def _load(runtime: Runtime, session: Session) -> Taxonomy:
    split = list_split(session)
    found = {row.id: _category(row, row.id in split) for row in categories.list_categories(session)}
    children: dict[int | None, list[Category]] = {}
    for category in found.values():
        if category.retired_at is None:
            children.setdefault(category.parent_id, []).append(category)
    return Taxonomy(found, {parent: tuple(nodes) for parent, nodes in children.items()})


def _category(row: CategoryRow, is_split: bool) -> Category:
    found = Category(*(getattr(row, name) for name in _FIELDS))
    return replace(found, is_split=True) if is_split else found


_taxonomy = PerRevision("taxonomy", _load)


def load_taxonomy(runtime: Runtime) -> Taxonomy:
    """The tree as it is now; costs one small query while nothing changed."""
    return _taxonomy.get(runtime)


def load_categories(runtime: Runtime) -> dict[int, Category]:
    """All nodes by id, retired ones too. Shared: do not change it."""
    return load_taxonomy(runtime).categories


def get_category(runtime: Runtime, category_id: int) -> Category:
    """Raises NotFound."""
    category = load_categories(runtime).get(category_id)
    if category is None:
        raise NotFound(N_("There is no category {category_id}."), category_id=category_id)
    return category


def unusable_category(session: Session, category_id: int) -> UnknownCategory:
    """Why no product may be given this category: the error to raise, in words."""
    found = categories.find_usability(session, category_id)
    if found is None:
        return UnknownCategory(N_("There is no category {category_id}."), category_id=category_id)
    path, target = found.path, found.merged_into
    if target is not None and found.is_retired:
        return UnknownCategory(
            N_("'{category}' was merged into '{target}': choose that."), category=path, target=target
        )
    if found.is_retired:
        return UnknownCategory(N_("The category {category} is retired."), category=path)
    return UnknownCategory(N_("This category cannot be given: it is not a leaf that is in use."))


def clean_name(name: str) -> str:
    """A name as it is kept: NFC, single spaces, no control characters, '>' as '›' (a path is split at '>')."""
    text = unicodedata.normalize("NFC", name).replace(">", "›")
    return " ".join("".join(" " if unicodedata.category(char) in ("Cc", "Cs") else char for char in text).split())


def clean_path(names: Iterable[str]) -> Names:
    """The names of a path as they are kept; empty ones fall out.

    Raises InvalidInput when none is left or the path is too deep or too long.
    """
    path = tuple(cleaned for cleaned in map(clean_name, names) if cleaned)
    if not path:
        raise InvalidInput(N_("The category has no name."))
    if len(path) > MAX_DEPTH:
        raise InvalidInput(
            N_("The category lies {depth} levels deep; {limit} are possible."), depth=len(path), limit=MAX_DEPTH
        )
    if len(SEPARATOR.join(path).encode()) > MAX_PATH_BYTES:
        raise InvalidInput(N_("The category path is too long: {start}..."), start=SEPARATOR.join(path)[:60])
    return path


def ensure_categories(
    session: Session,
    paths: Iterable[Names],
    now: datetime,
    names_en: Mapping[Names, Names] | None = None,
) -> dict[Names, int]:
    """The id of each path, making what is missing (ancestors too). Call it early in a write transaction.

    `names_en` gives the English names along a path: {("남성", "바지"): ("Men", "Trousers")}. They are filled in
    where a node has none. A path that edits of the tree renamed, moved or merged means what it became; one that was
    retired with nothing in its place is in use again. Raises the revision 'taxonomy' when something changed,
    InvalidInput for an empty, too deep or too long path.
    """
    return grow_taxonomy(session, paths, now, names_en).ids


def grow_taxonomy(
    session: Session,
    paths: Iterable[Names],
    now: datetime,
    names_en: Mapping[Names, Names] | None = None,
    codes: Mapping[Names, str] | None = None,
) -> Growth:
    """`ensure_categories`, with counts and the codes that the file gives its categories."""
    hold_tree(session)
    cleaned = {path: clean_path(path) for path in dict.fromkeys(paths)}
    given = follow_edits(session, cleaned)
    english = _english_of_nodes(
        {path: names for path, names in given.items() if names == cleaned[path]}, names_en or {}
    )
    code_of = {given[path]: code for path, code in (codes or {}).items() if path in given}
    nodes = dict.fromkeys(node[:depth] for node in given.values() for depth in range(1, len(node) + 1))
    keys = {node: SEPARATOR.join(node) for node in nodes}
    growth = Growth()
    rows = categories.find_by_paths(session, keys.values())
    ids = {node: rows[key].id for node, key in keys.items() if key in rows}
    if len(ids) < len(nodes):
        categories.lock_tree(session)
        rows = categories.find_by_paths(session, keys.values())
        ids = {node: rows[key].id for node, key in keys.items() if key in rows}
        growth.n_created = _create(session, [node for node in nodes if node not in ids], ids, english, code_of, now)
    known = {node: rows[key] for node, key in keys.items() if key in rows}
    means = {row.id: row.merged_into_id for row in known.values() if row.merged_into_id is not None}
    growth.ids = {path: means.get(ids[node], ids[node]) for path, node in given.items()}
    gone = {row.id for row in known.values() if row.is_retired and row.merged_into_id is None}
    growth.n_updated = _fill_in(session, known, english, code_of) + categories.bring_back(
        session, gone | (set(growth.ids.values()) & set(means.values()))
    )
    if growth.n_created or growth.n_updated:
        raise_revision(session, "taxonomy")
    return growth


def _english_of_nodes(given: Mapping[Names, Names], names_en: Mapping[Names, Names]) -> dict[Names, Names]:
    """English names along the path of each node, from those along whole paths."""
    english: dict[Names, Names] = {}
    for path, names in names_en.items():
        node = given.get(path)
        cleaned = tuple(clean_name(name) for name in names)
        if node is None or len(cleaned) != len(node) or not all(cleaned):
            continue
        for depth in range(1, len(node) + 1):
            english.setdefault(node[:depth], cleaned[:depth])
    return english


def _create(
    session: Session,
    missing: list[Names],
    ids: dict[Names, int],
    english: Mapping[Names, Names],
    codes: Mapping[Names, str],
    now: datetime,
) -> int:
    """Insert the missing nodes level by level, adding them to `ids`; returns how many."""
    inner = {node[:-1] for node in missing}
    for depth in sorted({len(node) for node in missing}):
        level = {SEPARATOR.join(node): node for node in missing if len(node) == depth}
        categories.insert_categories(
            session,
            [
                {
                    "parent_id": ids[node[:-1]] if depth > 1 else None,
                    "depth": depth,
                    "name": node[-1],
                    "name_en": english[node][-1] if node in english else None,
                    "path": path,
                    "path_en": SEPARATOR.join(english[node]) if node in english else None,
                    "code": codes.get(node),
                    "is_leaf": node not in inner,
                    "is_catch_all": False,
                    "created_at": now,
                }
                for path, node in level.items()
            ],
        )
        ids.update((level[path], row.id) for path, row in categories.find_by_paths(session, level).items())
    categories.mark_inner(session, [ids[node] for node in inner if node])
    return len(missing)


def _fill_in(
    session: Session,
    rows: Mapping[Names, categories.KnownNode],
    english: Mapping[Names, Names],
    codes: Mapping[Names, str],
) -> int:
    """Give known nodes the English name or code that they lack; returns how many changed."""
    changes = []
    for node, row in rows.items():
        change: dict[str, object] = {}
        if row.name_en is None and node in english:
            change |= {"name_en": english[node][-1], "path_en": SEPARATOR.join(english[node])}
        if row.code is None and node in codes:
            change["code"] = codes[node]
        if change:
            changes.append({"id": row.id, **change})
    categories.fill_in(session, changes)
    return len(changes)


def set_flags(
    runtime: Runtime,
    actor: Actor,
    category_ids: Iterable[int],
    *,
    is_catch_all: bool | None = None,
    is_recommended: bool | None = None,
) -> int:
    """Say of categories that they are catch-alls or suggested; none leaves a flag as it is. How many changed.

    Raises Forbidden, NotFound. What is suggested changes with the next scoring.
    """
    authorize(actor, Action.EDIT_TAXONOMY)
    flags = {"is_catch_all": is_catch_all, "is_recommended": is_recommended}
    wanted = {name: value for name, value in flags.items() if value is not None}
    now, changed = utc_now(), 0
    with runtime.sessions.write() as session:
        for category in [get_category(runtime, category_id) for category_id in category_ids]:
            before = {name: getattr(category, name) for name in wanted if getattr(category, name) != wanted[name]}
            if before:
                after = {name: wanted[name] for name in before}
                categories.fill_in(session, [{"id": category.id, **after}])
                add_audit(session, now, actor.person_id, "set_flags", "category", category.id, before, after)
                changed += 1
        if changed:
            raise_revision(session, "taxonomy")
    return changed


def set_guidelines(runtime: Runtime, actor: Actor, category_id: int, text: str, expected: str | None) -> Category:
    """Write how to decide for this category. `expected` is what the editor was shown.

    Raises Forbidden, NotFound, InvalidInput when too long, StaleEdit when somebody else was faster.
    """
    authorize(actor, Action.EDIT_TAXONOMY)
    before = get_category(runtime, category_id)
    after = text.replace("\r\n", "\n").replace("\0", "").strip() or None
    if after and len(after) > MAX_GUIDELINES:
        raise InvalidInput(N_("Guidelines may have {limit:,} characters at most."), limit=MAX_GUIDELINES)
    now = utc_now()
    if after != expected:
        with runtime.sessions.write() as session:
            if not categories.set_guidelines(session, category_id, expected, after):
                raise StaleEdit()
            add_audit(
                session,
                now,
                actor.person_id,
                "set_guidelines",
                "category",
                category_id,
                before={"guidelines": expected},
                after={"guidelines": after},
            )
            raise_revision(session, "taxonomy")
    return get_category(runtime, before.id)
