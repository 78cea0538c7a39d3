"""The blocks of one file on their way into products: mapped, written each in one transaction, counted, reported."""

import shutil
import time
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.catalogue.blocks import Block, Reader, record_of
from core.catalogue.product_writer import WriterOfSources, Written
from core.catalogue.rejects import TWICE, Reason, Reject
from core.catalogue.rows import Draft, RowMapper
from core.disk import is_disk_full
from core.errors import N_, NotReady
from core.jobs.context import JobContext, JobLost
from core.jobs.ownership import keep_hold
from core.patience import patiently
from core.runtime import Runtime
from core.types import utc_now
from db import imports
from db.people import raise_revision
from db.tables import ImportRunRow

IMPORTING, FINDING = N_("importing"), N_("finding the place where it stopped")
DISK_FULL = N_(
    "The disk takes no more data: it is probably full. What was imported so far stays; free some space and let the "
    "import go on."
)
ROOM_BYTES = 16 * 2**20  # a block's journal, and then some for what the app itself wants to write


@dataclass
class _Position:
    """Rows of the file that are done: before this process began, read by now, and committed by now."""

    before: int
    now: int
    committed: int


class BlockImporter:
    """Takes the blocks of one file through mapping and writing."""

    def __init__(self, context: JobContext, run: ImportRunRow, mapper: RowMapper) -> None:
        self.context, self.run_id = context, run.id
        self.position = _Position(run.position, 0, run.position)
        self.n_rejected = run.n_rejected
        self.mapper = mapper
        self.writer = WriterOfSources(run.source, mapper.fields)
        self._base = (0.0, 0, 0.0)  # when, at which row and which share of the file importing itself began

    def run(self, reader: Reader, started: float) -> None:
        self._base = (started, 0, 0.0)
        for block in reader.blocks():
            self._take(block)
            self._report(reader.fraction)

    def _take(self, block: Block) -> None:
        drafts, rejects = self.mapper.convert(block)
        self.position.now += block.n_read
        if self.position.now > self.position.before:
            try:
                patiently(lambda: self._write(block, drafts, rejects))
            except sa.exc.OperationalError as error:
                if not is_disk_full(error):
                    raise
                raise NotReady(DISK_FULL) from error
        self.writer.confirm(drafts)

    def _write(self, block: Block, drafts: list[Draft], rejects: list[Reject]) -> None:
        """One block, one transaction: products, labels, rejects, and how far we are; or, raising JobLost, nothing."""
        _check_room(self.context.runtime)
        try:
            with self.context.runtime.sessions.write() as session:
                now = utc_now()
                written = self.writer.write(session, drafts, now)
                rejects = [*rejects, *self._twice(block, written.twice)]
                imports.insert_rejects(session, [_reject_values(self.run_id, reject) for reject in rejects])
                self._move_on(session, written, len(rejects))
                if written.n_inserted or written.n_updated:
                    raise_revision(session, "labels", "products")
                keep_hold(session, self.context)
        except BaseException:
            self.writer.forget()
            raise
        self.position.committed = self.position.now
        self.n_rejected += len(rejects)

    def _move_on(self, session: Session, written: Written, n_rejected: int) -> None:
        steps = imports.Steps(written.n_inserted, written.n_updated, written.n_unchanged, n_rejected)
        before, now = self.position.committed, self.position.now
        if not imports.add_to_run(session, self.run_id, self.context.job.id, before, now, steps):
            raise JobLost()

    def _twice(self, block: Block, drafts: list[Draft]) -> list[Reject]:
        if not drafts:
            return []
        row_of = dict(zip(block.lines, block.rows, strict=True))
        return [
            Reject(draft.line, Reason(TWICE), record_of(self.mapper.headings, row_of[draft.line]), value=draft.key)
            for draft in drafts
        ]

    def _report(self, fraction: float) -> None:
        """Rows that were there before are only skimmed: they say nothing about the speed or the time left."""
        finding = self.position.now <= self.position.before
        if finding:
            self._base = (time.monotonic(), self.position.now, fraction)
        since, rows, share = self._base
        seconds = max(time.monotonic() - since, 0.001)
        self.context.report(
            fraction,
            FINDING if finding else IMPORTING,
            rows=self.position.now,
            rows_per_second=round((self.position.now - rows) / seconds),
            seconds_left=round(seconds / (fraction - share) * (1 - fraction)) if fraction > share else None,
            rejected=self.n_rejected,
        )


def _check_room(runtime: Runtime) -> None:
    """Stop before the disk is full: then the app beside us can still write. Raises NotReady."""
    if runtime.sessions.engine.dialect.name == "sqlite" and shutil.disk_usage(runtime.data_dir).free < ROOM_BYTES:
        raise NotReady(DISK_FULL)


def _reject_values(run_id: int, reject: Reject) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "line": reject.line,
        "column": reject.column,
        "value": reject.value,
        "reason": reject.reason.template,
        "reason_values": reject.reason.values,
        "record": reject.record,
    }
