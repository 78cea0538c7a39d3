"""Splitting a leaf: new leaves in its place or below it, its products sorted among them by words of their titles."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from core.catalogue.taxonomy_edits.edit import Carry, Edit, Plan, Preview, Sorting, perform, preview
from core.catalogue.taxonomy_edits.merging import redirect, retire_node
from core.catalogue.taxonomy_edits.tree import Tree
from core.curation.keywords import keyword_pattern, normal_form
from core.errors import N_, InvalidInput
from core.runtime import Runtime
from core.types import Actor
from db import taxonomy_edits
from db.enums import KeywordMatch, TaxonomyEditKind

MAX_LEAVES = 50
MAX_KEYWORDS = 200  # of one leaf
MAX_KEYWORD = 100  # characters


@dataclass(frozen=True)
class NewLeaf:
    """A part of a leaf that is split. Products whose title has one of its words, and none of another part's, go there.

    Exactly one part is the default: what no word decides goes there.
    """

    name: str
    keywords: tuple[str, ...] = ()
    name_en: str | None = None
    is_default: bool = False


def parse_leaves(text: str) -> list[NewLeaf]:
    """New leaves as people write them, one a line: `name | English name: word, word`. A line without words is the
    default part. Empty lines fall out."""
    leaves = []
    for line in filter(str.strip, text.splitlines()):
        names, _, words = line.partition(":")
        name, _, name_en = names.partition("|")
        keywords = tuple(word.strip() for word in words.split(",") if word.strip())
        leaves.append(NewLeaf(name.strip(), keywords, name_en.strip() or None, is_default=not keywords))
    return leaves


def preview_split(
    runtime: Runtime, category_id: int, leaves: Sequence[NewLeaf], keep_as_parent: bool = False
) -> Preview:
    """What `split_category` would do, with the products of each part. Raises as it does."""
    return preview(runtime, lambda session, tree, now: _plan(tree, category_id, leaves, keep_as_parent, now))


def split_category(
    runtime: Runtime,
    actor: Actor,
    category_id: int,
    leaves: Sequence[NewLeaf],
    keep_as_parent: bool = False,
    *,
    reason: str | None,
    token: str | None = None,
) -> Edit:
    """New leaves beside the leaf, which is retired, or (`keep_as_parent`) below it; its labels go there.

    To be looked at again (`Edit.n_to_review`): products that no word or several decided, and those that a person had
    labeled. What still says the old leaf means the default part. One of the parts may have the old leaf's name.
    Raises InvalidInput (not a leaf, fewer than two parts, not one default, a word without letters, no reason),
    Conflict (a name is taken), UnknownCategory, StaleEdit, Forbidden.
    """
    planner = lambda session, tree, now: _plan(tree, category_id, leaves, keep_as_parent, now)  # noqa: E731
    return perform(runtime, actor, planner, reason, token)


def _plan(tree: Tree, category_id: int, leaves: Sequence[NewLeaf], keep_as_parent: bool, now: datetime) -> Plan:
    _check(leaves)
    node = tree.get_leaf(category_id)
    words = {"path": node.path, "name": node.name, "leaves": [leaf.name for leaf in leaves], "below": keep_as_parent}
    parent = node if keep_as_parent else tree.nodes.get(node.parent_id or 0)
    made = [tree.add(parent, leaf.name, leaf.name_en) for leaf in leaves]
    default = next(one.id for one, leaf in zip(made, leaves, strict=True) if leaf.is_default)
    ids = [one.id for one in made]
    if keep_as_parent:
        tree.set_values(node, merged_into_id=default)
        redirect(tree, node.id, default)
    else:
        retire_node(tree, node, now, default)
    sort = sorter(node.id, {one.id: leaf.keywords for one, leaf in zip(made, leaves, strict=True)}, default)
    return Plan(
        TaxonomyEditKind.SPLIT,
        node.id,
        tree,
        shown=[node.id],
        needs=[node.parent_id] if node.parent_id is not None else [],
        repath=[*ids, node.id],
        carries=[Carry(node.id, default, rules_to=[] if keep_as_parent else ids, sort=sort)],
        lineage=[(node.id, id_) for id_ in ids],
        words=words,
    )


def _check(leaves: Sequence[NewLeaf]) -> None:
    if not 2 <= len(leaves) <= MAX_LEAVES:
        raise InvalidInput(N_("A split makes 2 to {limit} leaves."), limit=MAX_LEAVES)
    if sum(leaf.is_default for leaf in leaves) != 1:
        raise InvalidInput(N_("Say of one of the new leaves that it takes what no word decides."))
    names = [leaf.name.strip() for leaf in leaves]
    if len(set(names)) < len(names):
        raise InvalidInput(N_("Two of the new leaves have the same name."))
    for keyword in (keyword for leaf in leaves for keyword in leaf.keywords):
        if not any(letter.isalnum() for letter in keyword) or len(keyword) > MAX_KEYWORD:
            raise InvalidInput(N_("'{keyword}' cannot be looked for in titles."), keyword=keyword[:MAX_KEYWORD])
    if any(len(leaf.keywords) > MAX_KEYWORDS for leaf in leaves):
        raise InvalidInput(N_("A leaf may have {limit} words at most."), limit=MAX_KEYWORDS)


def sorter(
    category_id: int, keywords: dict[int, tuple[str, ...]], default_id: int
) -> Callable[[Session, Sequence[int]], Sorting]:
    """What sorts products by the words of each leaf.

    A word of Latin letters or digits is found as a whole word, one of Korean anywhere: '청바지' in '여성청바지세트'.
    """
    patterns = [(leaf, [_pattern(word) for word in words if word.strip()]) for leaf, words in keywords.items()]

    def sort(session: Session, product_ids: Sequence[int]) -> Sorting:
        by_leaf: dict[int, list[int]] = {leaf: [] for leaf in keywords if leaf != default_id}
        to_review = []
        n_now = dict.fromkeys(keywords, 0)
        for product_id, title, label, is_checked in taxonomy_edits.iter_titles(session, product_ids):
            text = normal_form(title)
            hits = [leaf for leaf, found in patterns if any(pattern.search(text) for pattern in found)]
            leaf = hits[0] if len(hits) == 1 else default_id
            if leaf != default_id:
                by_leaf[leaf].append(product_id)
            if label == category_id:  # else another label overrules it
                n_now[leaf] += 1
                if len(hits) != 1 or is_checked:
                    to_review.append(product_id)
        return Sorting(by_leaf, to_review, n_now)

    return sort


def _pattern(word: str):  # type: ignore[no-untyped-def]
    keyword = normal_form(word)
    return keyword_pattern(keyword, KeywordMatch.WHOLE_WORD if keyword.isascii() else KeywordMatch.SUBSTRING)
