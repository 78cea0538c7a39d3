"""What categories came of is followed over several edits, backwards where one was undone."""

from core.catalogue.taxonomy import ensure_categories
from core.runtime import Runtime
from core.training.lineage import find_descent
from core.types import Actor, utc_now
from db.enums import TaxonomyEditKind
from db.tables import CategoryLineageRow, TaxonomyEditRow


def add_categories(runtime: Runtime, *names: str) -> list[int]:
    with runtime.sessions.write() as session:
        ids = ensure_categories(session, [(name,) for name in names], utc_now())
    return [ids[(name,)] for name in names]


def note_edit(runtime: Runtime, actor: Actor, became: dict[int, int], is_undone: bool = False) -> None:
    now = utc_now()
    with runtime.sessions.write() as session:
        edit = TaxonomyEditRow(
            kind=TaxonomyEditKind.MERGE,
            detail={},
            person_id=actor.person_id,
            created_at=now,
            undone_at=now if is_undone else None,
        )
        session.add(edit)
        session.flush()
        session.add_all(
            CategoryLineageRow(edit_id=edit.id, from_category_id=source, to_category_id=target)
            for source, target in became.items()
        )


def test_it_follows_edits_over_edits(runtime: Runtime, actor: Actor) -> None:
    a, b, c, d, e = add_categories(runtime, "a", "b", "c", "d", "e")
    assert find_descent(runtime, [a, b]) == {}
    note_edit(runtime, actor, {a: b})
    note_edit(runtime, actor, {b: c, d: c})
    note_edit(runtime, actor, {c: a})  # a circle ends
    assert find_descent(runtime, [a, b, c, e]) == {a: [b, c, d], b: [a, c, d], c: [a, b, d]}


def test_an_edit_that_was_undone_counts_both_ways(runtime: Runtime, actor: Actor) -> None:
    a, b = add_categories(runtime, "a", "b")
    note_edit(runtime, actor, {a: b}, is_undone=True)
    assert find_descent(runtime, [a, b]) == {a: [b], b: [a]}
