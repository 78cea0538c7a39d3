"""The audit trail: filters, pages by key, what differs, files that no spreadsheet runs."""

import csv
import io
import json
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from core import audit
from core.audit import AuditFilter, Change, audit_csv, audit_jsonl, changed_values, iter_audit, list_audit, list_words
from core.errors import Forbidden, InvalidInput
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import Role
from db.people import add_audit
from db.tables import AuditRow

NOW = utc_now()


@pytest.fixture
def trail(runtime: Runtime, actor: Actor) -> list[int]:
    """Ten acts, an hour apart, oldest first: even ones by 'tester' on campaigns, odd ones by 미나 on categories."""
    mina = sign_in_local(runtime, "미나", Role.OPERATOR)
    with runtime.sessions.write() as session:
        session.execute(sa.delete(AuditRow))  # that the two came
        for i in range(10):
            who, entity = (actor, "campaign") if i % 2 == 0 else (mina, "category")
            before, after = {"name": f"old {i}"}, {"name": f"=NEW({i})", "size": i}
            reason = f"바지 reason {i}" if i % 3 == 0 else None
            at = NOW - timedelta(hours=10 - i)
            add_audit(session, at, who.person_id, f"act_{i % 4}", entity, i, before, after, reason)
    return list(range(10))


def found(runtime: Runtime, actor: Actor, **wanted: object) -> list[int | None]:
    return [entry.entity_id for entry in iter_audit(runtime, actor, AuditFilter(**wanted))]  # type: ignore[arg-type]


def test_filters_find_what_they_say(runtime: Runtime, actor: Actor, trail: list[int]) -> None:
    assert found(runtime, actor) == trail[::-1], "newest first"
    assert found(runtime, actor, person_id=actor.person_id) == [8, 6, 4, 2, 0]
    assert found(runtime, actor, action="act_3") == [7, 3]
    assert found(runtime, actor, entity="category", entity_id=5) == [5]
    assert found(runtime, actor, since=NOW - timedelta(hours=3)) == [9, 8, 7]
    assert found(runtime, actor, until=NOW - timedelta(hours=8)) == [1, 0]
    assert found(runtime, actor, text="REASON 3") == [3]
    assert found(runtime, actor, text="바지") == [9, 6, 3, 0]
    assert found(runtime, actor, text="미나", action="act_1") == [9, 5, 1]
    assert found(runtime, actor, text="=new(4)") == [4]


@pytest.mark.parametrize("words", ["", "old"])
def test_pages_hold_every_act_once(runtime: Runtime, actor: Actor, trail: list[int], words: str) -> None:
    seen, before = [], None
    while True:
        page = list_audit(runtime, actor, AuditFilter(text=words), before, limit=3)
        seen += [entry.entity_id for entry in page.entries]
        assert len(page.entries) <= 3
        if (before := page.next_before) is None:
            break
    assert seen == trail[::-1]


def test_a_search_for_words_reads_so_many_rows_and_can_go_on(
    runtime: Runtime, actor: Actor, trail: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "LOOKED_THROUGH", 4)
    page = list_audit(runtime, actor, AuditFilter(text="old 1"))
    assert (page.entries, page.next_before is not None) == ([], True)
    assert found(runtime, actor, text="old 1") == [1]


def test_only_who_may_sees_it(runtime: Runtime, trail: list[int]) -> None:
    for role in (Role.ANNOTATOR, Role.REVIEWER, Role.ANALYST):
        reader = sign_in_local(runtime, f"a {role}", role)
        for read in (list_audit, audit_csv, audit_jsonl):
            with pytest.raises(Forbidden):
                list(read(runtime, reader, AuditFilter()))  # type: ignore[call-overload]
        with pytest.raises(Forbidden):
            list_words(runtime, reader)


def test_a_time_needs_its_zone(runtime: Runtime, actor: Actor) -> None:
    with pytest.raises(InvalidInput, match="zone"):
        list_audit(runtime, actor, AuditFilter(since=datetime(2026, 1, 1)))


def test_the_words_of_the_trail(runtime: Runtime, actor: Actor, trail: list[int]) -> None:
    assert list_words(runtime, actor) == (["act_0", "act_1", "act_2", "act_3"], ["campaign", "category"])


def test_files_hold_what_is_found_and_nothing_runs(runtime: Runtime, actor: Actor, trail: list[int]) -> None:
    wanted = AuditFilter(entity="campaign")
    rows = list(csv.DictReader(io.StringIO("".join(audit_csv(runtime, actor, wanted)))))
    assert [row["entity_id"] for row in rows] == ["8", "6", "4", "2", "0"]
    assert rows[0]["subject"] == "'=NEW(8)"
    assert json.loads(rows[0]["after"]) == {"name": "=NEW(8)", "size": 8}
    lines = [json.loads(line) for line in audit_jsonl(runtime, actor, wanted)]
    assert [line["subject"] for line in lines][:2] == ["=NEW(8)", "=NEW(6)"]
    assert lines[0]["person"] == actor.name
    assert datetime.fromisoformat(lines[0]["at"]).tzinfo is not None


def test_what_differs_is_told_and_nothing_else() -> None:
    before = {"name": "a", "same": 1, "deep": {"x": 1, "y": 2}, "gone": None}
    after = {"name": "b", "same": 1, "deep": {"x": 1, "y": 3}, "new": [1, "바지"]}
    assert changed_values(before, after) == [
        Change("name", "a", "b"),
        Change("deep.y", "2", "3"),
        Change("gone", "null", None),
        Change("new", None, '[1, "바지"]'),
    ]
    assert changed_values(None, {"a": ""}) == [Change("a", None, "")]
    assert changed_values(None, None) == []
