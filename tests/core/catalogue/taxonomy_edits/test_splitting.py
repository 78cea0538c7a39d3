"""Splitting a leaf: products sorted by words, what is unsure to be looked at again, and back."""

import pytest

from core.catalogue.taxonomy import ensure_categories, load_categories
from core.catalogue.taxonomy_edits.acts import (
    NewLeaf,
    merge_categories,
    parse_leaves,
    preview_split,
    split_category,
    undo_edit,
)
from core.catalogue.taxonomy_edits.meaning import resolve
from core.catalogue.taxonomy_view import list_parts
from core.errors import Conflict, InvalidInput
from core.labeling.campaigns.creating import create_campaign
from core.labeling.campaigns.kinds import Inputs
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import CampaignKind
from tests.core.catalogue.taxonomy_edits.trees import check_nothing_lost, decide, fill_shop, labels_now, leaf_of, titles

PARTS = [
    NewLeaf("청바지", ("jeans", "청바지"), "Jeans"),
    NewLeaf("장화류", ("boots",)),
    NewLeaf("바지", is_default=True),
]


@pytest.mark.parametrize("below", [False, True])
def test_products_are_sorted_by_words_and_come_back(runtime: Runtime, actor: Actor, below: bool) -> None:
    shop = fill_shop(runtime, 40)
    trousers = shop.leaves[0]
    mine = [id_ for id_, (leaf, _) in labels_now(runtime).items() if leaf == trousers]
    decide(runtime, actor, mine[0], trousers)
    decide(runtime, actor, mine.pop(), shop.leaves[1])  # an overruled label goes along, and counts as nothing
    before, seen = labels_now(runtime), {}
    shown = preview_split(runtime, trousers, PARTS, below)
    edit = split_category(runtime, actor, trousers, PARTS, below, reason="too broad", token=shown.token)
    check_nothing_lost(runtime, seen)
    above = ("옷", "바지") if below else ("옷",)
    jeans, rest = leaf_of(runtime, *above, "청바지"), leaf_of(runtime, *above, "바지")
    now = labels_now(runtime)
    sorted_there = [id_ for id_ in mine if now[id_][0] == jeans]
    assert sorted_there
    assert all("jeans" in title or "청바지" in title for title in titles(runtime, sorted_there))
    assert dict(shown.parts)["청바지"] == len(sorted_there)
    assert sum(dict(shown.parts).values()) == shown.impact.n_products == edit.n_products == len(mine)
    unsure = {id_ for id_ in mine if now[id_][0] == rest} | {mine[0]}
    assert edit.n_to_review == shown.n_to_review == len(unsure)
    campaign = create_campaign(runtime, actor, "again", CampaignKind.TAXONOMY_CHANGE, inputs=Inputs(edit_id=edit.id))
    assert campaign.n_tasks == len(unsure)
    tree = load_categories(runtime)
    assert resolve(tree, trousers) == rest
    assert (tree[trousers].retired_at is None) == below
    assert tree[trousers].is_split
    assert {part.name for part in list_parts(runtime, trousers)} == {part.name for part in PARTS}
    with runtime.sessions.write() as session:
        path = ("옷", "바지")
        assert ensure_categories(session, [path], utc_now()) == {path: rest}
    assert undo_edit(runtime, actor, edit.id).n_products == edit.n_products
    assert not list_parts(runtime, trousers)
    check_nothing_lost(runtime, seen)
    assert labels_now(runtime) == before
    assert load_categories(runtime)[trousers].path == "옷 > 바지"


def test_what_people_decided_since_is_kept_when_a_split_is_undone(runtime: Runtime, actor: Actor) -> None:
    shop = fill_shop(runtime)
    trousers, shirts = shop.leaves[:2]
    edit = split_category(runtime, actor, trousers, PARTS, reason="x")
    jeans = leaf_of(runtime, "옷", "청바지")
    moved, stayed = shop.products[1], shop.products[0]
    decide(runtime, actor, moved, jeans)
    decide(runtime, actor, stayed, shirts)
    undo_edit(runtime, actor, edit.id)
    check_nothing_lost(runtime, {})
    assert labels_now(runtime)[moved] == (trousers, "human")
    assert labels_now(runtime)[stayed] == (shirts, "human")


def test_a_later_edit_that_builds_on_it_must_be_undone_first(runtime: Runtime, actor: Actor) -> None:
    shop = fill_shop(runtime)
    split = split_category(runtime, actor, shop.leaves[0], PARTS, reason="x")
    merge = merge_categories(runtime, actor, leaf_of(runtime, "옷", "청바지"), shop.leaves[1], reason="x")
    with pytest.raises(Conflict, match=f"Edit {merge.id} of '옷 > 청바지' builds on this one"):
        undo_edit(runtime, actor, split.id)
    undo_edit(runtime, actor, merge.id)
    undo_edit(runtime, actor, split.id)
    with pytest.raises(Conflict, match="undone already"):
        undo_edit(runtime, actor, split.id)


def test_lines_are_read_as_people_write_them() -> None:
    assert parse_leaves("청바지 | Jeans: jeans, 청바지,\n\n기타/바지 \n") == [
        NewLeaf("청바지", ("jeans", "청바지"), "Jeans"),
        NewLeaf("기타/바지", (), None, is_default=True),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("one: a", "2 to"),
        ("one: a\ntwo: b", "takes what no word decides"),
        ("one\ntwo", "takes what no word decides"),
        ("one: a\none", "same name"),
        ("one: !\ntwo", "cannot be looked for"),
    ],
)
def test_a_split_that_cannot_be_is_refused(sqlite_runtime: Runtime, text: str, reason: str) -> None:
    shop = fill_shop(sqlite_runtime)
    with pytest.raises(InvalidInput, match=reason):
        preview_split(sqlite_runtime, shop.leaves[0], parse_leaves(text))
