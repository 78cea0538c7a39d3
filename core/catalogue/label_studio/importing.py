"""The import of Label Studio's tasks, block by block as other imports: products, and what people said of them.

Annotations become decisions of a closed campaign of this import, so that agreement, undo and history work on them.
What is ground truth there is gold here. Nothing is lost in silence: what cannot be taken is a rejected row.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from core.catalogue import own_exports
from core.catalogue.blocks import Block, cell_text
from core.catalogue.columns import check_columns, propose_columns
from core.catalogue.import_options import ImportOptions, options_from
from core.catalogue.label_studio.keeping import product_ids, reject_values
from core.catalogue.label_studio.leaves import Leaves
from core.catalogue.label_studio.people import People
from core.catalogue.label_studio.reading import Items, Said, read_annotation
from core.catalogue.label_studio.verdicts import Usable, Verdicts
from core.catalogue.product_writer import WriterOfSources
from core.catalogue.rejects import Reason, Reject, for_storage
from core.catalogue.rows import Draft, RowMapper
from core.catalogue.taxonomy import SEPARATOR
from core.catalogue.values import Bad
from core.errors import N_
from core.jobs.context import JobContext, JobLost
from core.jobs.ownership import keep_hold
from core.patience import patiently
from core.permissions import Action, may
from core.types import utc_now
from db import decisions, gold, imports
from db import label_studio as queries
from db.enums import CampaignKind, CampaignOrder, CampaignStatus, DecisionKind, LabelSource
from db.people import raise_revision
from db.standing_labels import hold_tree
from db.tables import ImportRunRow

BLOCK_ITEMS = 500
READING = N_("reading tasks")
NO_TASK = N_("This is no task of Label Studio: it has no 'data' with named values.")
OLDER = N_("The same person annotated this product again later: that annotation counts.")


@dataclass
class _Task:
    """A task's product as text, and what is said of it."""

    number: int  # in the file, from 1
    data: dict[str, str]
    said: list[tuple[str, Said]] = field(default_factory=list)  # with its place, such as annotations[0]


def run_tasks(context: JobContext, run: ImportRunRow) -> None:
    """Take the file of this run from where it is. Raises UnreadableFile, InvalidInput, JobLost, JobCancelled."""
    importer = _Importer(context, run)
    items = Items(Path(run.options["path"]))
    numbered = enumerate(items, 1)
    while block := list(islice(numbered, BLOCK_ITEMS)):
        if block[-1][0] > importer.position:
            patiently(partial(importer.take, block))
        importer.report(items.fraction)


class _Importer:
    """Takes blocks of tasks into the catalogue; each block is one transaction."""

    def __init__(self, context: JobContext, run: ImportRunRow) -> None:
        self.context, self.run = context, run
        self.position = run.position
        self._begun_at = run.position
        self._started = time.monotonic()
        told = run.options["label_studio"]
        self._field: str = told["field"]
        self._columns = options_from({"columns": told["columns"]}).columns
        self._actor = context.actor
        self._people = People(self._actor, told["people"])
        self._campaign_id: int | None = told.get("campaign_id")
        self._writer: WriterOfSources | None = None
        self._mapper: RowMapper | None = None

    def report(self, fraction: float) -> None:
        seconds = max(time.monotonic() - self._started, 0.001)
        rate = round((self.position - self._begun_at) / seconds)
        self.context.report(fraction, READING, rows=self.position, rows_per_second=rate)

    def take(self, block: list[tuple[int, Any]]) -> None:
        """Products, decisions, labels and rejects of a block, and how far we are; or nothing."""
        bad: list[Reject] = []
        tasks = [task for number, item in block if (task := self._task(number, item, bad))]
        drafts, mapped = self._mapped(tasks)
        try:
            with self.context.runtime.sessions.write() as session:
                now = utc_now()
                hold_tree(session)  # the leaves that answers name stay leaves until their labels are written
                imports.ensure_source(session, self.run.source, now)
                written = self._write_products(session, drafts, now)
                ids = product_ids(session, drafts, self.run.source)
                said = [
                    (ids[task.number], place, one) for task in tasks if task.number in ids for place, one in task.said
                ]
                numbers = {ids[task.number]: task.number for task in tasks if task.number in ids}
                bad += mapped + self._write_said(session, said, numbers)
                imports.insert_rejects(session, [reject_values(self.run.id, one) for one in bad])
                steps = imports.Steps(written.n_inserted, written.n_updated, written.n_unchanged, len(bad))
                if not imports.add_to_run(
                    session, self.run.id, self.context.job.id, self.position, block[-1][0], steps
                ):
                    raise JobLost()
                raise_revision(session, "labels", "products", "campaigns")
                keep_hold(session, self.context)
        except BaseException:
            if self._writer:
                self._writer.forget()
            self._people.forget()
            self._campaign_id = self.run.options["label_studio"].get("campaign_id")
            raise
        if self._campaign_id is not None:
            self.run.options["label_studio"]["campaign_id"] = self._campaign_id
        if self._writer:
            self._writer.confirm(drafts)
        self.position = block[-1][0]

    def _task(self, number: int, item: Any, bad: list[Reject]) -> _Task | None:
        data = item.get("data") if isinstance(item, dict) else None
        if not isinstance(data, dict) or not data:
            bad.append(Reject(number, Reason(NO_TASK), {}, "data", for_storage(cell_text(item))[:200]))
            return None
        task = _Task(number, {str(name): cell_text(value) for name, value in data.items()})
        task.data.setdefault("label_studio_id", cell_text(item.get("id")))
        for at, annotation in enumerate(item.get("annotations") or []):
            place = f"annotations[{at}]"
            said = read_annotation(annotation if isinstance(annotation, dict) else {}, self._field)
            if isinstance(said, Bad):
                bad.append(
                    Reject(number, said.reason, task.data, f"{place}.result", for_storage(cell_text(annotation)))
                )
            else:
                task.said.append((place, said))
        return task

    def _mapped(self, tasks: list[_Task]) -> tuple[list[Draft], list[Reject]]:
        if not tasks:
            return [], []
        if self._mapper is None:
            self._mapper = self._make_mapper(tasks)
            self._writer = WriterOfSources(self.run.source, self._mapper.fields)
        rows: list[Sequence[str]] = [
            [task.data.get(heading, "") for heading in self._mapper.headings] for task in tasks
        ]
        return self._mapper.convert(Block([task.number for task in tasks], rows))

    def _make_mapper(self, tasks: list[_Task]) -> RowMapper:
        """The names of the first tasks' values are the headings. Raises InvalidInput without a title."""
        headings = list(dict.fromkeys(name for task in tasks for name in task.data))
        if own_exports.is_ours(headings):
            every = [name for names in own_exports.COLUMNS.values() for name in names]
            headings = list(dict.fromkeys([*headings, *own_exports.EXTRA, *every]))
            return RowMapper(headings, ImportOptions(**own_exports.options()), self.run.source)
        columns = propose_columns([name for name in headings if name != "label_studio_id"]) | self._columns
        if "text" in headings:
            columns.setdefault("title", ("text",))
        columns.setdefault("external_id", ("label_studio_id",))
        check_columns(columns, headings)
        return RowMapper(headings, ImportOptions(columns=columns, separator=SEPARATOR), self.run.source)

    def _write_products(self, session: Session, drafts: list[Draft], now: datetime) -> Any:
        from core.catalogue.product_writer import Written

        return self._writer.write(session, drafts, now) if self._writer else Written()

    def _write_said(
        self, session: Session, said: list[tuple[int, str, Said]], numbers: Mapping[int, int]
    ) -> list[Reject]:
        """Decisions and labels; rejects for what nobody or no category here is meant by."""
        bad: list[Reject] = []
        usable: list[Usable] = []
        leaves = Leaves(self.context.runtime, session)

        def refuse(product_id: int, place: str, one: Said, reason: Reason) -> None:
            who, value = " ".join(one.who), SEPARATOR.join(one.category or ())
            bad.append(Reject(numbers[product_id], reason, {"annotator": who, "category": value}, place, value or who))

        latest: dict[tuple[int, tuple[str, ...]], tuple[int, str, Said]] = {}
        for product_id, place, one in sorted(said, key=lambda entry: entry[2].at):
            before = latest.pop((product_id, one.who), None)
            if before is not None:
                refuse(*before, Reason(OLDER))
            latest[product_id, one.who] = (product_id, place, one)  # the dict stays in the order of time
        for product_id, place, one in latest.values():
            person = self._people.find(session, one.who)
            category = leaves.find(one.category) if one.category else None
            if isinstance(person, Bad):
                refuse(product_id, f"{place}.completed_by", one, person.reason)
            elif isinstance(category, Bad):
                refuse(product_id, f"{place}.result", one, category.reason)
            else:
                usable.append(Usable(product_id, place, one, person[0], category, person[1]))
        for entry, reason in self._decide(session, usable, leaves):
            refuse(entry.product_id, f"{entry.place}.created_at", entry.said, reason)
        return bad

    def _decide(self, session: Session, usable: list[Usable], leaves: Leaves) -> list[tuple[Usable, Reason]]:
        """Write what was said, the oldest first; what something newer stands against, with the reason."""
        ids = sorted({entry.product_id for entry in usable})
        before = decisions.lock_products(session, ids)
        verdicts = Verdicts(session, ids, leaves)
        slots = queries.list_slots(session, self._campaign_id, ids) if self._campaign_id else {}
        n_tasks, overlap = 0, 1
        too_late: list[tuple[Usable, Reason]] = []
        for entry in usable:
            product_id, one, person_id, category_id = entry.product_id, entry.said, entry.person_id, entry.category_id
            values: dict[str, Any] = {
                "product_id": product_id,
                "category_id": category_id,
                "previous_category_id": before[product_id],
                "note": one.note,
                "created_at": one.at,
            }
            settles = one.is_truth and (entry.may_settle or may(self._actor, Action.REVIEW))
            settler = person_id if entry.may_settle else self._actor.person_id
            if (
                settles
                and category_id is not None
                and not verdicts.is_there(product_id, settler, DecisionKind.SETTLE, category_id, one.at)
            ):
                if reason := verdicts.newer(product_id, LabelSource.GOLD, one.at):
                    too_late.append((entry, reason))
                    continue
                made = self._insert(session, values | {"kind": DecisionKind.SETTLE, "person_id": settler})
                if made is not None:
                    gold.add_gold_label(session, product_id, category_id, settler, made, one.at)
            taken = slots.setdefault(product_id, set())
            is_there = verdicts.is_there(product_id, person_id, one.kind, category_id, one.at)
            if (settles and entry.may_settle) or is_there or person_id in taken:
                continue
            reason = None if category_id is None else verdicts.newer(product_id, LabelSource.HUMAN, one.at)
            if reason:
                too_late.append((entry, reason))
                continue
            campaign_id = self._campaign(session)
            task_id = queries.insert_done_task(session, campaign_id, product_id, len(taken), person_id, one.at)
            taken.add(person_id)
            n_tasks, overlap = n_tasks + 1, max(overlap, len(taken))
            values |= {"kind": one.kind, "person_id": person_id, "task_id": task_id, "campaign_id": campaign_id}
            made = self._insert(session, values | {"seconds_spent": one.seconds})
            if made is not None and category_id is not None:
                decisions.add_human_label(session, product_id, category_id, person_id, made, one.at)
            decisions.count_towards_day(session, campaign_id, person_id, one.at.date(), 1)
        if n_tasks and self._campaign_id is not None:
            queries.count_tasks_in(session, self._campaign_id, n_tasks, overlap)
        return too_late

    def _insert(self, session: Session, values: dict[str, Any]) -> int | None:
        parts = [str(values[name]) for name in ("product_id", "person_id", "kind", "category_id", "created_at")]
        key = "ls:" + blake2b("\x1f".join(parts).encode(), digest_size=24).hexdigest()
        return decisions.insert_decision(session, values | {"idempotency_key": key})

    def _campaign(self, session: Session) -> int:
        """The closed campaign that this import's decisions belong to, made with the first of them."""
        if self._campaign_id is None:
            self._campaign_id = queries.insert_campaign(
                session,
                {
                    "name": f"Label Studio: {self.run.file_name[:140]} #{self.run.id}",
                    "kind": CampaignKind.RANDOM,
                    "status": CampaignStatus.CLOSED,
                    "closed_reason": "person",
                    "filter": {"source": self.run.source},
                    "order": CampaignOrder.OLDEST,
                    "created_by": self._actor.person_id,
                    "created_at": utc_now(),
                },
            )
            imports.remember_campaign(session, self.run.id, self._campaign_id)
        return self._campaign_id
