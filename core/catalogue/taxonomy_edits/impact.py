"""What an edit of a category touches, counted: labels, rules, what the model in use knows of it, open work."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from core.catalogue.taxonomy_edits.tree import Tree
from db import category_belongings


@dataclass(frozen=True)
class Impact:
    """Whole numbers of what names these categories, or products labeled with them."""

    n_leaves: int
    n_products: int  # with a label there now
    by_source: dict[str, int]  # import, human, gold -> products
    mall_categories: int  # the malls' own categories that these products have
    exclusion_rules: int
    predictions: int  # of the version in use
    head_classes: int  # of them known to the version in use
    thresholds: int
    version: str | None  # the version in use
    open_tasks: int
    campaigns: int  # with such tasks
    campaign_filters: tuple[str, ...]  # names of campaigns whose filter or choices name them
    label_issues: int
    alternatives: int
    examples: int


def count_impact(session: Session, tree: Tree, category_ids: Sequence[int]) -> Impact:
    """Of these categories and all below them."""
    ids = sorted({node.id for one in category_ids for node in tree.subtree(one) if node.id > 0})
    by_source = category_belongings.count_labels(session, ids)
    named = tuple(
        name
        for name, stored, choices in category_belongings.list_campaign_filters(session)
        if {*stored.get("category_ids", ()), *stored.get("predicted_category_ids", ()), *(choices or ())} & set(ids)
    )
    return Impact(
        n_leaves=sum(tree.nodes[id_].is_leaf and tree.nodes[id_].is_in_use for id_ in ids),
        n_products=sum(by_source.values()),
        by_source=by_source,
        version=category_belongings.find_promoted_name(session),
        campaign_filters=named,
        **category_belongings.count_touched(session, ids),
    )
