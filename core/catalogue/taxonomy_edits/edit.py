"""One edit of the tree: planned in memory, shown as a preview, or done in one transaction with all that hangs on it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.catalogue.taxonomy_edits.belongings import move_belongings
from core.catalogue.taxonomy_edits.impact import Impact, count_impact
from core.catalogue.taxonomy_edits.tree import Tree, fingerprint
from core.errors import N_, Conflict, InvalidInput, StaleEdit
from core.labeling.busy import database_in_words
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import standing_labels, taxonomy_edits
from db.enums import TaxonomyEditKind
from db.people import add_audit, raise_revision

MAX_REASON = 2_000  # characters
ATTEMPTS = 15  # to get hold of nodes that a scoring refers to


@dataclass
class Carry:
    """Labels of a leaf go elsewhere: all of them to one leaf, or each product's where `sort` says."""

    from_id: int
    to_id: int  # where labels go, and what still says `from_id` means
    rules_to: list[int]  # who gets the exclusion rules; none: they stay
    sort: Callable[[Session, Sequence[int]], "Sorting"] | None = None


@dataclass
class Sorting:
    """Which products go to which leaf (all but those of the default leaf), and who wants to be looked at again."""

    by_leaf: dict[int, list[int]]
    to_review: list[int]
    n_now: dict[int, int]  # leaf -> products that will have it as their label


@dataclass
class Plan:
    """What an edit will do. `category_id` is what it is about: below 0 a new one, none: the whole tree."""

    kind: TaxonomyEditKind
    category_id: int | None
    tree: Tree
    shown: list[int]  # nodes that the editor looked at: the edit is refused when one changed meanwhile
    reason: str | None = None
    needs: list[int] = field(default_factory=list)  # must stay in use for the edit to be undone
    repath: list[int] = field(default_factory=list)  # roots of what changes its path
    carries: list[Carry] = field(default_factory=list)
    lineage: list[tuple[int, int]] = field(default_factory=list)
    to_review: list[int] = field(default_factory=list)  # products, beside those that a sorting names
    words: dict[str, Any] = field(default_factory=dict)  # what the history says of it


@dataclass(frozen=True)
class Preview:
    """What an edit would do. `token` goes with the act: it is refused (StaleEdit) when the tree changed since."""

    kind: TaxonomyEditKind
    words: dict[str, Any]  # names and paths, before and after
    impact: Impact
    n_renamed_paths: int  # categories whose path changes
    token: str
    parts: tuple[tuple[str, int], ...] = ()  # of a split: (name of the leaf, products)
    n_to_review: int = 0


@dataclass(frozen=True)
class Edit:
    """An edit that was done."""

    id: int
    kind: TaxonomyEditKind
    category_id: int | None
    n_products: int  # whose label of now it carried
    n_to_review: int
    words: dict[str, Any]


Planner = Callable[[Session, Tree, datetime], Plan]


def preview(runtime: Runtime, planner: Planner) -> Preview:
    """What the planned edit touches; nothing is written."""
    with runtime.sessions.read() as session:
        tree = Tree.load(session)
        before = dict(tree.nodes)
        plan = planner(session, tree, utc_now())
        token = _token(session, plan)
        touched = [id_ for id_ in plan.shown if id_ in before]
        impact = count_impact(session, tree, [carry.from_id for carry in plan.carries] or touched)
        paths = tree.work_out_paths(plan.repath)
        parts, n_to_review = _parts(session, plan)
    n_paths = sum(id_ > 0 for id_, *_ in paths)
    return Preview(plan.kind, plan.words, impact, n_paths, token, parts, n_to_review)


def _parts(session: Session, plan: Plan) -> tuple[tuple[tuple[str, int], ...], int]:
    for carry in plan.carries:
        if carry.sort is not None:
            ids = standing_labels.list_products_saying(session, carry.from_id)
            sorting = carry.sort(session, ids)
            parts = tuple((plan.tree.nodes[leaf].name, n) for leaf, n in sorting.n_now.items())
            return parts, len(sorting.to_review)
    return (), 0


def perform(
    runtime: Runtime, actor: Actor, planner: Planner, reason: str | None, token: str | None, needs_reason: bool = True
) -> Edit:
    """Do the edit: tree, labels, rules, examples, lineage and what is to be looked at again, together or not at all.

    Raises Forbidden, InvalidInput (no reason, or it cannot be done), Conflict, StaleEdit, UnknownCategory.
    """
    authorize(actor, Action.EDIT_TAXONOMY)
    why = checked_reason(reason, needs_reason)
    with editing(runtime) as attempt:
        return attempt(lambda session, now: _do(session, actor, planner, why, token, now))
    raise AssertionError("unreachable")


@contextmanager
def editing(runtime: Runtime) -> Iterator[Callable[[Callable[[Session, datetime], Edit]], Edit]]:
    """Gives a function that runs an edit alone, again when others hold what it needs for a moment."""

    def run(act: Callable[[Session, datetime], Edit]) -> Edit:
        for _ in range(ATTEMPTS):
            try:
                with database_in_words(), runtime.sessions.write() as session:
                    standing_labels.hold_tree_alone(session)
                    return act(session, utc_now())
            except sa.exc.OperationalError as error:
                if getattr(error.orig, "sqlstate", "") not in ("55P03", "40P01"):  # lock not available, deadlock
                    raise
        raise Conflict(N_("The tree is being used by a scoring or an import. Try again in a moment."))

    yield run


def checked_reason(reason: str | None, is_needed: bool = True) -> str | None:
    """Raises InvalidInput when there is none though it is needed, or it is too long."""
    text = " ".join((reason or "").replace("\0", "").split()) or None
    if text is None and is_needed:
        raise InvalidInput(N_("Say why: the reason stays in the history."))
    if text and len(text) > MAX_REASON:
        raise InvalidInput(N_("The reason may have {limit:,} characters at most."), limit=MAX_REASON)
    return text


def _token(session: Session, plan: Plan) -> str:
    """Of the nodes as they are in the database, not as the plan will leave them."""
    fresh = Tree.load(session).nodes
    return fingerprint(fresh[id_] for id_ in plan.shown if id_ in fresh)


def _do(session: Session, actor: Actor, planner: Planner, reason: str | None, token: str | None, now: datetime) -> Edit:
    plan = planner(session, Tree.load(session), now)
    if token is not None and token != _token(session, plan):
        raise StaleEdit()
    plan.reason = reason
    return write_plan(session, actor, plan, now)


def write_plan(session: Session, actor: Actor, plan: Plan, now: datetime) -> Edit:
    """Write a plan in a transaction that holds the tree alone. It becomes one row of the history."""
    tree = plan.tree
    _write_made(session, plan, now)
    edit_id = taxonomy_edits.insert_edit(
        session,
        {
            "kind": plan.kind,
            "category_id": plan.category_id,
            "detail": {},
            "reason": plan.reason,
            "person_id": actor.person_id,
            "created_at": now,
        },
    )
    before = {id_: tree.nodes[id_].path for id_ in plan.repath if id_ not in tree.made}
    write_tree(session, tree, plan.repath)
    former = [[path, id_] for id_, path in before.items() if tree.nodes[id_].path != path]
    n_products, to_review = 0, list(plan.to_review)
    moved: list[dict[str, Any]] = []
    for carry in plan.carries:
        n, review, belongings = _carry(session, actor, carry, edit_id, now)
        n_products += n
        to_review += review
        moved.append(belongings)
    taxonomy_edits.insert_lineage(session, edit_id, plan.lineage)
    taxonomy_edits.insert_reviews(session, edit_id, to_review)
    detail = {
        "words": plan.words,
        "changes": [[id_, name, _plain(a), _plain(b)] for id_, name, a, b in tree.list_changes()],
        "made": tree.made,
        "needs": plan.needs,
        "former": former,
        "lineage": plan.lineage,
        "carries": [[carry.from_id, carry.to_id] for carry in plan.carries],
        "belongings": moved,
    }
    taxonomy_edits.finish_edit(session, edit_id, detail, n_products)
    after = {"edit_id": edit_id, "n_products": n_products, **plan.words}
    add_audit(
        session, now, actor.person_id, f"{plan.kind.value}_category", "category", plan.category_id, None, after,
        plan.reason,
    )  # fmt: skip
    raise_revision(session, "taxonomy", "products", "rules", "campaigns")
    return Edit(edit_id, plan.kind, plan.category_id, n_products, len(set(to_review)), plan.words)


def _write_made(session: Session, plan: Plan, now: datetime) -> None:
    """Insert the new nodes under a path of their own; `write_tree` gives them the right one."""
    tree = plan.tree
    for made_id in list(tree.made):
        node = tree.nodes[made_id]
        id_ = taxonomy_edits.insert_node(
            session,
            {
                "parent_id": node.parent_id,
                "depth": 1,
                "name": node.name,
                "name_en": node.name_en,
                "path": f"~{now.timestamp()}{made_id}",
                "is_leaf": node.is_leaf,
                "is_catch_all": False,
                "created_at": now,
            },
        )
        tree.give_id(made_id, id_)

        def real(one: int, made_id: int = made_id, id_: int = id_) -> int:
            return id_ if one == made_id else one

        plan.category_id = plan.category_id and real(plan.category_id)
        plan.repath = [real(one) for one in plan.repath]
        plan.lineage = [(real(source), real(target)) for source, target in plan.lineage]
        for carry in plan.carries:
            carry.to_id = real(carry.to_id)
            carry.rules_to = [real(one) for one in carry.rules_to]
            if carry.sort is not None:
                carry.sort = _renumbered(carry.sort, made_id, id_)


def _renumbered(
    sort: Callable[[Session, Sequence[int]], Sorting], made_id: int, id_: int
) -> Callable[[Session, Sequence[int]], Sorting]:
    def sorted_anew(session: Session, product_ids: Sequence[int]) -> Sorting:
        found = sort(session, product_ids)
        by_leaf = {id_ if leaf == made_id else leaf: ids for leaf, ids in found.by_leaf.items()}
        n_now = {id_ if leaf == made_id else leaf: n for leaf, n in found.n_now.items()}
        return Sorting(by_leaf, found.to_review, n_now)

    return sorted_anew


def write_tree(session: Session, tree: Tree, roots: Sequence[int]) -> None:
    """Write what changed of the nodes, then the paths of these and all below."""
    by_node: dict[int, dict[str, Any]] = {}
    for id_, name, _, after in tree.list_changes():
        by_node.setdefault(id_, {})[name] = after
    for id_, values in by_node.items():
        taxonomy_edits.update_node(session, id_, values)
    paths = tree.work_out_paths(roots)
    if paths:
        taxonomy_edits.hold_nodes(session, [id_ for id_, *_ in paths])
        taxonomy_edits.update_paths(session, paths)


def _carry(
    session: Session, actor: Actor, carry: Carry, edit_id: int, now: datetime
) -> tuple[int, list[int], dict[str, Any]]:
    """(products whose label of now moved, products to look at again, what moved with them)."""
    if carry.sort is None:
        standing_labels.carry(session, carry.from_id, carry.to_id, edit_id, now)
        n_products = taxonomy_edits.relabel_all(session, carry.from_id, carry.to_id)
        belongings = move_belongings(session, actor, carry.from_id, carry.to_id, edit_id, now, carry.rules_to)
        return n_products, [], belongings
    ids = standing_labels.list_products_saying(session, carry.from_id)
    sorting = carry.sort(session, ids)
    n_products = 0
    for leaf, of_leaf in sorting.by_leaf.items():
        for start in range(0, len(of_leaf), standing_labels.IN_CHUNK):
            part = of_leaf[start : start + standing_labels.IN_CHUNK]
            standing_labels.carry(session, carry.from_id, leaf, edit_id, now, part)
            n_products += taxonomy_edits.relabel(session, carry.from_id, leaf, part)
    standing_labels.carry(session, carry.from_id, carry.to_id, edit_id, now)  # all that is left
    n_products += taxonomy_edits.relabel_all(session, carry.from_id, carry.to_id)
    belongings = move_belongings(session, actor, carry.from_id, carry.to_id, edit_id, now, carry.rules_to)
    return n_products, sorting.to_review, belongings


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
