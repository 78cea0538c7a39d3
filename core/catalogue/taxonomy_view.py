"""What the taxonomy page shows: one level of the tree, with counts of what lies below."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from core.catalogue.per_revision import PerRevision
from core.catalogue.taxonomy import Category, Taxonomy, load_categories, load_taxonomy
from core.runtime import Runtime
from db import categories, taxonomy_edits


@dataclass(frozen=True)
class Branch:
    """A node with counts of its whole branch; `n_products` by their current label."""

    category: Category
    n_leaves: int
    n_products: int


@dataclass(frozen=True)
class Level:
    """A node (None: above the roots), the way down to it, and what lies right under it."""

    node: Category | None
    trail: list[Category]  # the root first, the node last
    children: list[Branch]
    n_categories: int  # in the whole tree, as the next two
    n_leaves: int
    n_products: int  # with a label

    @property
    def is_empty(self) -> bool:
        return self.n_categories == 0


def get_level(runtime: Runtime, category_id: int | None) -> Level:
    """One level of the tree; that of the roots when there is no such category (any more)."""
    taxonomy = load_taxonomy(runtime)
    with runtime.sessions.read() as session:
        products = categories.count_products(session)
    node = taxonomy.categories.get(category_id) if category_id is not None else None
    trail: list[Category] = []
    step = node
    while step:
        trail.insert(0, step)
        step = taxonomy.categories[step.parent_id] if step.parent_id else None
    branches = [_branch(taxonomy, child, products) for child in taxonomy.children.get(node.id if node else None, ())]
    living = [category for category in taxonomy.categories.values() if category.retired_at is None]
    return Level(
        node,
        trail,
        branches,
        len(living),
        sum(category.is_leaf for category in living),
        sum(products.values()),
    )


def _branch(taxonomy: Taxonomy, category: Category, products: dict[int, int]) -> Branch:
    n_leaves = n_products = 0
    waiting = [category]
    while waiting:
        node = waiting.pop()
        n_leaves += node.is_leaf
        n_products += products.get(node.id, 0)
        waiting.extend(taxonomy.children.get(node.id, ()))
    return Branch(category, n_leaves, n_products)


def list_parts(runtime: Runtime, category_id: int) -> list[Category]:
    """What this category was split into; empty where it was not."""
    with runtime.sessions.read() as session:
        ids = taxonomy_edits.list_parts(session, category_id)
    known = load_categories(runtime)
    return [known[id_] for id_ in ids if id_ in known]


def _load_english(runtime: Runtime, session: Session) -> dict[str, str]:
    nodes = sorted(load_categories(runtime).values(), key=lambda node: node.retired_at is None)  # in use: it counts
    return {node.path: node.path_en for node in nodes if node.path_en}


_english = PerRevision("taxonomy", _load_english)


def english_paths(runtime: Runtime) -> dict[str, str]:
    """Path -> path in English, of all categories that have one."""
    return _english.get(runtime)
