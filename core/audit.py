"""The audit trail: who changed what, when, from what to what; page by page, searched, and as a file."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from core.catalogue.rejects import neutralised
from core.errors import N_, InvalidInput
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor
from db import audit
from db.audit import AuditQuery

PAGE = 50
LOOKED_THROUGH = 2_000  # rows that one page of a search for words reads at most
EXPORTED_AT_ONCE = 1_000
MISSING = object()
COLUMNS = ("id", "at", "person", "action", "entity", "entity_id", "subject", "before", "after", "reason")


@dataclass(frozen=True)
class AuditFilter:
    """What is looked for; none or empty: anything. `text` is found in names, reasons and values, whatever its case."""

    person_id: int | None = None
    action: str | None = None
    entity: str | None = None
    entity_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None  # before this moment
    text: str = ""


@dataclass(frozen=True)
class Change:
    """A value before and after; none where it was not there."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class AuditEntry:
    """One act."""

    id: int
    at: datetime
    person: str | None  # none: the system
    action: str
    entity: str
    entity_id: int | None
    subject: str | None  # what the entity is called, where the entry or the list of people knows
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str | None

    @property
    def changes(self) -> list[Change]:
        """Only what differs, by name."""
        return changed_values(self.before, self.after)


@dataclass(frozen=True)
class AuditPage:
    """`next_before` goes on behind the last row looked at; none: that was all. A search for words may find nothing
    in `LOOKED_THROUGH` rows and yet have more to look through."""

    entries: list[AuditEntry]
    next_before: int | None


def list_audit(
    runtime: Runtime, actor: Actor, wanted: AuditFilter, before_id: int | None = None, limit: int = PAGE
) -> AuditPage:
    """Newest first, from below `before_id` on. Raises Forbidden, InvalidInput for a time without a zone."""
    authorize(actor, Action.SEE_AUDIT)
    if any(at is not None and at.tzinfo is None for at in (wanted.since, wanted.until)):
        raise InvalidInput(N_("A time needs its zone."))
    words = wanted.text.strip().casefold()
    n_read = LOOKED_THROUGH if words else limit
    query = AuditQuery(**{field.name: getattr(wanted, field.name) for field in fields(AuditQuery)})
    with runtime.sessions.read() as session:
        rows = audit.list_rows(session, query, before_id, n_read + 1)
        people = [row.entity_id for row, _ in rows if row.entity == "person" and row.entity_id is not None]
        names = audit.names_of(session, sorted(set(people)))
    entries = [_entry(row, person, names) for row, person in rows[:n_read]]
    found = [entry for entry in entries if words in _text(entry)] if words else entries
    if len(found) > limit:
        return AuditPage(found[:limit], found[limit - 1].id)
    return AuditPage(found, entries[-1].id if len(rows) > n_read else None)


def list_words(runtime: Runtime, actor: Actor) -> tuple[list[str], list[str]]:
    """(actions, entities) that the trail holds, for a filter. Raises Forbidden."""
    authorize(actor, Action.SEE_AUDIT)
    with runtime.sessions.read() as session:
        return audit.list_words(session, "action"), audit.list_words(session, "entity")


def iter_audit(runtime: Runtime, actor: Actor, wanted: AuditFilter) -> Iterator[AuditEntry]:
    """Everything that is found, newest first, a bounded number of rows in memory. Raises Forbidden."""
    before_id: int | None = None
    while True:
        page = list_audit(runtime, actor, wanted, before_id, EXPORTED_AT_ONCE)
        yield from page.entries
        before_id = page.next_before
        if before_id is None:
            return


def audit_csv(runtime: Runtime, actor: Actor, wanted: AuditFilter) -> Iterator[str]:
    """Lines of a CSV file with a heading; a value that a spreadsheet would take for a formula begins with '."""
    yield _csv_line(COLUMNS)
    for entry in iter_audit(runtime, actor, wanted):
        values = _values(entry)
        yield _csv_line([_harmless(values[name]) for name in COLUMNS])


def audit_jsonl(runtime: Runtime, actor: Actor, wanted: AuditFilter) -> Iterator[str]:
    """One JSON object a line, values as they are."""
    for entry in iter_audit(runtime, actor, wanted):
        yield json.dumps(_values(entry), ensure_ascii=False, default=str) + "\n"


def changed_values(before: dict[str, Any] | None, after: dict[str, Any] | None) -> list[Change]:
    """What differs between two states, nested names with dots."""
    old, new = dict(_flat(before or {})), dict(_flat(after or {}))
    return [
        Change(name, _plain(old.get(name, MISSING)), _plain(new.get(name, MISSING)))
        for name in dict.fromkeys([*old, *new])
        if old.get(name, MISSING) != new.get(name, MISSING)
    ]


def _flat(values: dict[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{within}{name}.")
        else:
            yield within + name, value


def _plain(value: object) -> str | None:
    if value is MISSING:
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _entry(row: Any, person: str | None, names: dict[int, str]) -> AuditEntry:
    said = (row.after or {}).get("name") or (row.before or {}).get("name")
    subject = names.get(row.entity_id) if row.entity == "person" else said
    return AuditEntry(
        id=row.id,
        at=row.at,
        person=person,
        action=row.action,
        entity=row.entity,
        entity_id=row.entity_id,
        subject=str(subject) if subject else None,
        before=row.before,
        after=row.after,
        reason=row.reason,
    )


def _values(entry: AuditEntry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in COLUMNS} | {"at": entry.at.isoformat()}


def _text(entry: AuditEntry) -> str:
    """Everything of an entry that can be searched for."""
    nameless = replace(entry, before=None, after=None)
    parts = [value for value in _values(nameless).values() if value is not None]
    parts += [json.dumps(state, ensure_ascii=False, default=str) for state in (entry.before, entry.after) if state]
    return " ".join(map(str, parts)).casefold()


def _csv_line(values: Any) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()


def _harmless(value: Any) -> str:
    text = "" if value is None else json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
    return neutralised(text)
