"""The tree: grown once whoever asks, read from a cache that notices changes, guidelines edited with care."""

import threading
import time
import unicodedata

import pytest
import sqlalchemy as sa

from core.catalogue.taxonomy import (
    clean_path,
    ensure_categories,
    get_category,
    grow_taxonomy,
    load_categories,
    load_taxonomy,
    set_guidelines,
)
from core.errors import Forbidden, InvalidInput, NotFound, StaleEdit
from core.people import sign_in_local
from core.revisions import revision
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import Role
from db.tables import AuditRow, CategoryRow


def ensure(runtime: Runtime, *paths: tuple[str, ...], **more: object) -> list[int]:
    with runtime.sessions.write() as session:
        found = ensure_categories(session, paths, utc_now(), **more)  # type: ignore[arg-type]
    return [found[path] for path in paths]


def test_missing_nodes_are_made_with_their_ancestors_once(runtime: Runtime) -> None:
    first = ensure(runtime, ("의류", "남성", "바지"), ("의류", "여성"))
    assert ensure(runtime, ("의류", "여성"), ("의류", "남성", "바지")) == first[::-1]
    by_path = {category.path: category for category in load_categories(runtime).values()}
    assert set(by_path) == {"의류", "의류 > 남성", "의류 > 여성", "의류 > 남성 > 바지"}
    trousers = by_path["의류 > 남성 > 바지"]
    assert (trousers.depth, trousers.name, trousers.is_leaf) == (3, "바지", True)
    assert trousers.parent_id == by_path["의류 > 남성"].id
    assert not by_path["의류"].is_leaf
    assert by_path["의류"].parent_id is None


def test_a_leaf_that_gets_a_child_is_no_leaf_any_more(runtime: Runtime) -> None:
    (trousers,) = ensure(runtime, ("의류", "바지"))
    assert get_category(runtime, trousers).is_leaf
    ensure(runtime, ("의류", "바지", "청바지"))
    assert not get_category(runtime, trousers).is_leaf


def test_the_revision_rises_only_when_something_was_made(runtime: Runtime) -> None:
    ensure(runtime, ("a", "b"))
    before = revision(runtime, "taxonomy")
    ensure(runtime, ("a", "b"), ("a",))
    assert revision(runtime, "taxonomy") == before
    ensure(runtime, ("a", "c"))
    assert revision(runtime, "taxonomy") > before


def test_english_names_and_codes_are_filled_in_and_never_replaced(runtime: Runtime) -> None:
    path = ("의류", "바지")
    (trousers,) = ensure(runtime, path)
    ensure(runtime, path, names_en={path: ("Clothing", "Trousers")})
    assert get_category(runtime, trousers).path_en == "Clothing > Trousers"
    with runtime.sessions.write() as session:
        growth = grow_taxonomy(session, [path], utc_now(), {path: ("Clothes", "Pants")}, {path: "C7"})
    assert (growth.n_created, growth.n_updated) == (0, 1)
    category = get_category(runtime, trousers)
    assert (category.name_en, category.code) == ("Trousers", "C7")


def test_names_are_made_safe() -> None:
    decomposed = unicodedata.normalize("NFD", "바지")
    assert clean_path((" 의류 ", "", f"{decomposed}\x00\n A>B")) == ("의류", "바지 A›B")
    with pytest.raises(InvalidInput, match="no name"):
        clean_path(("", " \t"))
    with pytest.raises(InvalidInput, match="deep"):
        clean_path("abcdefghijklm")
    with pytest.raises(InvalidInput, match="too long"):
        clean_path(("가" * 900,))


def test_the_longest_path_fits_both_databases(runtime: Runtime) -> None:
    import random

    names = tuple("".join(random.Random(i).choices("가나다라마바사아자차카타파하", k=261)) for i in range(3))
    (deep,) = ensure(runtime, names)
    assert len(get_category(runtime, deep).path.encode()) > 2_300


def test_children_stand_in_the_order_of_the_file_without_retired_ones(runtime: Runtime) -> None:
    root, *_, last = ensure(runtime, ("r",), ("r", "z"), ("r", "a"), ("r", "m"))
    assert [child.name for child in load_taxonomy(runtime).children[root]] == ["z", "a", "m"]
    with runtime.sessions.write() as session:
        session.execute(sa.update(CategoryRow).where(CategoryRow.id == last).values(retired_at=utc_now()))
    ensure(runtime, ("another",))
    assert [child.name for child in load_taxonomy(runtime).children[root]] == ["z", "a"]
    assert [child.name for child in load_taxonomy(runtime).children[None]] == ["r", "another"]
    assert last in load_categories(runtime)


def test_ten_thousand_nodes_take_seconds_and_a_cached_read_next_to_nothing(runtime: Runtime) -> None:
    paths = [(f"r{i % 10}", f"s{i % 500}", f"leaf {i}") for i in range(10_000)]
    started = time.perf_counter()
    ensure(runtime, *paths)
    assert time.perf_counter() - started < 10
    load_categories(runtime)
    started = time.perf_counter()
    for _ in range(20):
        load_categories(runtime)
    assert (time.perf_counter() - started) / 20 < 0.02


def test_makers_at_once_agree(runtime: Runtime) -> None:
    paths = [("r", f"s{i % 7}", f"leaf {i}") for i in range(300)]
    results: list[dict[tuple[str, ...], int]] = []

    def make(order: int) -> None:
        with runtime.sessions.write() as session:
            results.append(ensure_categories(session, paths[::order], utc_now()))

    threads = [threading.Thread(target=make, args=(order,)) for order in (1, -1, 1, -1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(result == results[0] for result in results)
    assert len(load_categories(runtime)) == 308


def test_an_unknown_category(runtime: Runtime) -> None:
    with pytest.raises(NotFound, match="category 77"):
        get_category(runtime, 77)


def test_guidelines_are_written_with_an_audit_row_and_never_over_somebody_elses(runtime: Runtime, actor: Actor) -> None:
    (trousers,) = ensure(runtime, ("의류", "바지"))
    before = revision(runtime, "taxonomy")
    written = set_guidelines(runtime, actor, trousers, "  긴바지만.\r\n레깅스는 제외 ", None)
    assert written.guidelines == "긴바지만.\n레깅스는 제외"
    assert revision(runtime, "taxonomy") > before
    with pytest.raises(StaleEdit):
        set_guidelines(runtime, actor, trousers, "다른 생각", None)
    assert set_guidelines(runtime, actor, trousers, "", written.guidelines).guidelines is None
    with runtime.sessions.read() as session:
        rows = list(session.scalars(sa.select(AuditRow).where(AuditRow.action == "set_guidelines")))
    assert [(row.entity_id, row.person_id) for row in rows] == [(trousers, actor.person_id)] * 2
    with pytest.raises(InvalidInput):
        set_guidelines(runtime, actor, trousers, "x" * 20_001, None)


def test_an_annotator_may_not_edit_guidelines(runtime: Runtime) -> None:
    (trousers,) = ensure(runtime, ("의류", "바지"))
    with pytest.raises(Forbidden):
        set_guidelines(runtime, sign_in_local(runtime, "ann", Role.ANNOTATOR), trousers, "x", None)
