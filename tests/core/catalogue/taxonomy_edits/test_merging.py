"""Merging and retiring: labels, rules and examples follow; what still says the old category means the new one."""

import pytest

from core.catalogue.category_codes import _codes_of_tree
from core.catalogue.taxonomy import ensure_categories, load_categories
from core.catalogue.taxonomy_edits.acts import (
    merge_categories,
    preview_merge,
    rename_category,
    retire_category,
    undo_edit,
)
from core.catalogue.taxonomy_edits.examples import add_example, list_examples
from core.catalogue.taxonomy_edits.meaning import resolve, resolve_ranking
from core.curation.exclusions import add_rule, list_rules
from core.errors import Conflict, Forbidden, InvalidInput, StaleEdit, UnknownCategory
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import KeywordMatch, Role, RuleAction
from tests.core.catalogue.taxonomy_edits.trees import check_nothing_lost, decide, fill_shop, labels_now


def test_labels_rules_and_examples_follow_and_come_back(runtime: Runtime, actor: Actor) -> None:
    shop = fill_shop(runtime)
    trousers, shirts = shop.leaves[:2]
    add_rule(runtime, actor, trousers, "shoe", RuleAction.DROP_WORD, KeywordMatch.WHOLE_WORD)
    add_example(runtime, actor, trousers, str(shop.products[0]), note="so")
    seen: dict[int, tuple[int, int, str]] = {}
    before = labels_now(runtime)
    check_nothing_lost(runtime, seen)
    shown = preview_merge(runtime, trousers, shirts)
    assert (shown.impact.n_products, shown.impact.by_source) == (2, {"import": 2})
    assert (shown.impact.exclusion_rules, shown.impact.examples) == (1, 1)
    assert labels_now(runtime) == before
    edit = merge_categories(runtime, actor, trousers, shirts, reason="one thing", token=shown.token)
    check_nothing_lost(runtime, seen)
    assert edit.n_products == 2
    assert {labels_now(runtime)[id_] for id_ in (shop.products[0], shop.products[5])} == {(shirts, "import")}
    assert [rule.category_id for rule in list_rules(runtime)] == [shirts]
    assert [one.product_id for one in list_examples(runtime, shirts)] == [shop.products[0]]
    undo_edit(runtime, actor, edit.id)
    check_nothing_lost(runtime, seen)
    assert labels_now(runtime) == before
    assert [rule.category_id for rule in list_rules(runtime)] == [trousers]
    assert not list_examples(runtime, shirts)
    assert load_categories(runtime)[trousers].retired_at is None


def test_an_edit_and_its_undo_count_the_same_products(runtime: Runtime, actor: Actor) -> None:
    shop = fill_shop(runtime)
    trousers, shirts, hats = shop.leaves[:3]
    decide(runtime, actor, shop.products[5], hats)  # its import says trousers still, and goes along
    before = labels_now(runtime)
    for act in (merge_categories, retire_category):
        edit = act(runtime, actor, trousers, shirts, reason="x")
        moved = [id_ for id_, label in labels_now(runtime).items() if label != before[id_]]
        assert edit.n_products == undo_edit(runtime, actor, edit.id).n_products == len(moved) == 1
        assert labels_now(runtime) == before


def test_what_says_the_old_category_means_the_new_one(runtime: Runtime, actor: Actor) -> None:
    shop = fill_shop(runtime)
    trousers, shirts, hats = shop.leaves[:3]
    merge_categories(runtime, actor, trousers, shirts, reason="x")
    merge_categories(runtime, actor, shirts, hats, reason="x")
    tree = load_categories(runtime)
    assert [resolve(tree, id_) for id_ in (trousers, shirts, hats, 999)] == [hats, hats, hats, None]
    assert resolve_ranking(tree, [(trousers, 0.4), (shop.leaves[3], 0.35), (hats, 0.2)])[0] == (
        hats,
        pytest.approx(0.6),
    )
    with runtime.sessions.write() as session:
        found = ensure_categories(session, [("옷", "바지"), ("옷", "모자")], utc_now())
    assert set(found.values()) == {hats}
    with pytest.raises(UnknownCategory, match="merged into '옷 > 모자'"):
        decide(runtime, actor, shop.products[0], trousers)


def test_codes_of_merged_leaves_mean_what_they_became(sqlite_runtime: Runtime, actor: Actor) -> None:
    from core.catalogue.taxonomy import grow_taxonomy

    with sqlite_runtime.sessions.write() as session:
        paths = [("a", "x"), ("a", "y")]
        ids = grow_taxonomy(session, paths, utc_now(), codes={("a", "x"): "1", ("a", "y"): "2"}).ids
    merge_categories(sqlite_runtime, actor, ids[("a", "x")], ids[("a", "y")], reason="x")
    assert _codes_of_tree(sqlite_runtime) == {"1": ("a", "y"), "2": ("a", "y")}


def test_whole_branches_merge_by_name(runtime: Runtime, actor: Actor) -> None:
    shop = fill_shop(runtime)
    with runtime.sessions.write() as session:
        twin = ensure_categories(session, [("신발", "모자")], utc_now())[("신발", "모자")]
    before, seen = labels_now(runtime), {}
    edit = merge_categories(runtime, actor, shop.shoes, shop.clothes, reason="x")
    check_nothing_lost(runtime, seen)
    tree = load_categories(runtime)
    assert {node.path for node in tree.values() if node.retired_at is None} == {
        "옷", "옷 > 바지", "옷 > 셔츠", "옷 > 모자", "옷 > 구두", "옷 > 장화",
    }  # fmt: skip
    assert resolve(tree, twin) == shop.leaves[2]
    with runtime.sessions.write() as session:
        assert ensure_categories(session, [("신발", "장화")], utc_now()) == {("신발", "장화"): shop.leaves[4]}
    undo_edit(runtime, actor, edit.id)
    check_nothing_lost(runtime, seen)
    assert labels_now(runtime) == before
    assert load_categories(runtime)[shop.leaves[4]].path == "신발 > 장화"


def test_merging_refuses_what_makes_no_sense(runtime: Runtime, actor: Actor) -> None:
    shop = fill_shop(runtime)
    with pytest.raises(InvalidInput, match="one is a leaf"):
        merge_categories(runtime, actor, shop.leaves[0], shop.shoes, reason="x")
    with pytest.raises(InvalidInput, match="into itself"):
        merge_categories(runtime, actor, shop.clothes, shop.leaves[0], reason="x")
    with pytest.raises(InvalidInput, match="Say why"):
        merge_categories(runtime, actor, shop.leaves[0], shop.leaves[1], reason=" ")
    ann = sign_in_local(runtime, "ann", Role.ANNOTATOR)
    with pytest.raises(Forbidden):
        merge_categories(runtime, ann, shop.leaves[0], shop.leaves[1], reason="x")
    token = preview_merge(runtime, shop.leaves[0], shop.leaves[1]).token
    rename_category(runtime, actor, shop.leaves[1], "남방")
    with pytest.raises(StaleEdit):
        merge_categories(runtime, actor, shop.leaves[0], shop.leaves[1], reason="x", token=token)


def test_a_category_with_labels_retires_only_into_another(runtime: Runtime, actor: Actor) -> None:
    shop = fill_shop(runtime)
    with pytest.raises(Conflict, match="takes them over"):
        retire_category(runtime, actor, shop.leaves[0], reason="x")
    edit = retire_category(runtime, actor, shop.leaves[0], shop.leaves[1], reason="x")
    assert edit.n_products == 2
    with runtime.sessions.write() as session:
        empty = ensure_categories(session, [("빈", "곳")], utc_now())[("빈", "곳")]
    top = load_categories(runtime)[empty].parent_id
    assert top is not None
    gone = retire_category(runtime, actor, top, reason="nobody sells this")
    assert {load_categories(runtime)[id_].retired_at is None for id_ in (top, empty)} == {False}
    undo_edit(runtime, actor, gone.id)
    assert {load_categories(runtime)[id_].retired_at is None for id_ in (top, empty)} == {True}


def test_a_retired_category_that_a_file_brings_is_in_use_again(runtime: Runtime, actor: Actor) -> None:
    with runtime.sessions.write() as session:
        empty = ensure_categories(session, [("빈", "곳")], utc_now())[("빈", "곳")]
    retire_category(runtime, actor, empty, reason="x")
    with runtime.sessions.write() as session:
        assert ensure_categories(session, [("빈", "곳")], utc_now()) == {("빈", "곳"): empty}
    assert load_categories(runtime)[empty].retired_at is None


def test_an_overruled_label_comes_back_where_it_belongs(runtime: Runtime, actor: Actor) -> None:
    """A label under another one is carried too: it counts again when the other is taken back."""
    from core.labeling.decisions import undo_decision

    shop = fill_shop(runtime)
    trousers, shirts, hats = shop.leaves[:3]
    seen: dict[int, tuple[int, int, str]] = {}
    decision = decide(runtime, actor, shop.products[0], hats)
    merge_categories(runtime, actor, trousers, shirts, reason="x")
    check_nothing_lost(runtime, seen)
    assert labels_now(runtime)[shop.products[0]] == (hats, "human")
    undo_decision(runtime, actor, decision, "undo")
    check_nothing_lost(runtime, seen)
    assert labels_now(runtime)[shop.products[0]] == (shirts, "import")
