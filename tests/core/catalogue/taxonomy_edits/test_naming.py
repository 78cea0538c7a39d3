"""Adding, renaming and moving: ids stay, paths follow in both languages, files of before still mean the same."""

import pytest
import sqlalchemy as sa

from core.catalogue.taxonomy import ensure_categories, get_category, load_categories
from core.catalogue.taxonomy_edits.acts import (
    add_category,
    merge_categories,
    move_category,
    preview_rename,
    rename_category,
    undo_edit,
)
from core.catalogue.taxonomy_edits.history import list_edits
from core.errors import Conflict, InvalidInput, NotFound, StaleEdit, UnknownCategory
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import TaxonomyEditKind
from db.tables import AuditRow, CategoryRow
from tests.core.catalogue.taxonomy_edits.trees import check_nothing_lost, fill_shop, labels_now


def test_paths_follow_a_name_in_both_languages(runtime: Runtime, actor: Actor) -> None:
    path = ("의류", "남성", "바지")
    with runtime.sessions.write() as session:
        ids = ensure_categories(session, [path], utc_now(), {path: ("Clothes", "Men", "Trousers")})
    leaf = get_category(runtime, ids[path])
    men = get_category(runtime, leaf.parent_id or 0)
    shown = preview_rename(runtime, men.id, "신사", "Gentlemen")
    assert shown.n_renamed_paths == 2
    rename_category(runtime, actor, men.id, "신사", "Gentlemen", reason="politer", token=shown.token)
    assert get_category(runtime, leaf.id).path == "의류 > 신사 > 바지"
    assert get_category(runtime, leaf.id).path_en == "Clothes > Gentlemen > Trousers"
    with runtime.sessions.write() as session:
        found = ensure_categories(session, [path, ("의류", "남성", "양말")], utc_now())
    assert found[path] == leaf.id
    assert get_category(runtime, found[("의류", "남성", "양말")]).path == "의류 > 신사 > 양말"
    with pytest.raises(StaleEdit):
        rename_category(runtime, actor, men.id, "아저씨", token=shown.token)
    edit = list_edits(runtime)[0]
    assert (edit.kind, edit.person, edit.reason) == (TaxonomyEditKind.RENAME, actor.name, "politer")
    undo_edit(runtime, actor, edit.id, "no")
    assert get_category(runtime, leaf.id).path == "의류 > 남성 > 바지"
    assert list_edits(runtime)[0].undone_by == actor.name
    with runtime.sessions.read() as session:
        assert {"rename_category", "undo_edit"} <= set(session.scalars(sa.select(AuditRow.action)))


def test_a_name_that_is_taken_is_refused_with_a_remedy(runtime: Runtime, actor: Actor) -> None:
    shop = fill_shop(runtime)
    with pytest.raises(Conflict, match="Merge the two instead"):
        rename_category(runtime, actor, shop.leaves[0], "셔츠")
    with pytest.raises(Conflict, match="Merge the two instead"):
        add_category(runtime, actor, shop.clothes, "셔츠")
    with pytest.raises(InvalidInput, match="called so already"):
        rename_category(runtime, actor, shop.leaves[0], "바지")
    with pytest.raises(InvalidInput, match="no name"):
        rename_category(runtime, actor, shop.leaves[0], " ")


def test_a_merged_category_gives_its_name_away(runtime: Runtime, actor: Actor) -> None:
    shop = fill_shop(runtime)
    trousers, shirts = shop.leaves[:2]
    merge = merge_categories(runtime, actor, trousers, shirts, reason="x")
    rename = rename_category(runtime, actor, shirts, "바지")
    assert get_category(runtime, shirts).path == "옷 > 바지"
    with pytest.raises(Conflict, match="already"):
        undo_edit(runtime, actor, merge.id)
    undo_edit(runtime, actor, rename.id)
    undo_edit(runtime, actor, merge.id)
    assert get_category(runtime, trousers).path == "옷 > 바지"
    check_nothing_lost(runtime, {})


def test_a_branch_moves_with_all_below(runtime: Runtime, actor: Actor) -> None:
    shop = fill_shop(runtime)
    before = labels_now(runtime)
    move = move_category(runtime, actor, shop.shoes, shop.clothes)
    tree = load_categories(runtime)
    assert (tree[shop.leaves[3]].path, tree[shop.leaves[3]].depth) == ("옷 > 신발 > 구두", 3)
    assert labels_now(runtime) == before
    with pytest.raises(InvalidInput, match="below itself"):
        move_category(runtime, actor, shop.clothes, shop.leaves[3])
    with pytest.raises(InvalidInput, match="there already"):
        move_category(runtime, actor, shop.shoes, shop.clothes)
    with pytest.raises(Conflict, match="Split it"):
        move_category(runtime, actor, shop.leaves[3], shop.leaves[0])
    undo_edit(runtime, actor, move.id)
    assert load_categories(runtime)[shop.leaves[3]].path == "신발 > 구두"


def test_a_new_leaf_and_what_it_may_lie_under(runtime: Runtime, actor: Actor) -> None:
    shop = fill_shop(runtime)
    edit = add_category(runtime, actor, shop.clothes, "치마", "Skirts")
    assert get_category(runtime, edit.category_id).path == "옷 > 치마"
    below = add_category(runtime, actor, edit.category_id, "미니")
    assert not get_category(runtime, edit.category_id).is_leaf
    with pytest.raises(Conflict, match="Split it"):
        add_category(runtime, actor, shop.leaves[0], "x")
    with pytest.raises(UnknownCategory):
        add_category(runtime, actor, 999, "x")
    with pytest.raises(Conflict, match=f"Edit {below.id} .* builds on this one"):
        undo_edit(runtime, actor, edit.id)
    undo_edit(runtime, actor, below.id)
    assert get_category(runtime, edit.category_id).is_leaf
    undo_edit(runtime, actor, edit.id)
    again = add_category(runtime, actor, shop.clothes, "치마")
    assert get_category(runtime, again.category_id).path == "옷 > 치마"
    with runtime.sessions.read() as session:
        assert session.get_one(CategoryRow, edit.category_id).retired_at is not None
    with pytest.raises(NotFound):
        undo_edit(runtime, actor, 999)
