"""Puts products of one source into the catalogue: new ones in, changed ones updated, human decisions untouched."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from core.catalogue.rows import Draft
from core.catalogue.taxonomy import Names, ensure_categories
from db import imports
from db import product_upserts as upserts
from db.enums import LabelSource
from db.people import get_revisions
from db.standing_labels import hold_tree, latest_imported

if TYPE_CHECKING:
    import numpy as np

# product column -> the field of the file that feeds it
FIELD_OF = {
    "title": "title",
    "brand": "brand",
    "mall_id": "mall",
    "mall_category_id": "mall_category",
    "price": "price",
    "image": "image",
    "registered_at": "registered_at",
}


@dataclass
class Written:
    """What became of a block of drafts. `twice` are those whose product stands further up with other values."""

    n_inserted: int = 0
    n_updated: int = 0
    n_unchanged: int = 0
    twice: list[Draft] = field(default_factory=list)


class ProductWriter:
    """Writes block after block. Call `confirm` once the block's transaction is committed.

    `fields` are the mapped ones: an update leaves all others alone.
    """

    def __init__(self, source: str, fields: Iterable[str]) -> None:
        self._source = source
        mapped = set(fields)
        self._columns = [column for column, name in FIELD_OF.items() if name in mapped]
        if "mall_category" in mapped and "mall" not in mapped:
            self._columns.append("mall_id")
        self._malls: dict[str, int] = {}
        self._mall_categories: dict[tuple[int, str], int] = {}
        self._categories: dict[Names, int] = {}
        self._tree_revision = 0
        self._seen = _SeenKeys()

    def write(self, session: Session, drafts: Sequence[Draft], now: datetime) -> Written:
        """Insert or update these products. Nothing is remembered before `confirm`."""
        written = Written()
        self._hold_tree(session)
        first_of = self._first_of_each(drafts, written)
        self._make_maps(session, first_of.values(), now)
        known = upserts.find_known(session, self._source, list(first_of))
        known_again = self._seen.among([key for key in first_of if key in known])
        new: list[Draft] = []
        changed: list[tuple[int, Draft]] = []
        for key, draft in first_of.items():
            before = known.get(key)
            if before is None:
                new.append(draft)
            elif before.content_hash == draft.content_hash:
                written.n_unchanged += 1
            elif key in known_again:
                written.twice.append(draft)
            else:
                changed.append((before.id, draft))
        self._insert(session, new, now)
        self._update(session, changed, now)
        written.n_inserted, written.n_updated = len(new), len(changed)
        return written

    def confirm(self, drafts: Sequence[Draft]) -> None:
        """The transaction with these drafts is committed (now, or before this process began)."""
        self._seen.add([draft.key for draft in drafts])

    def forget(self) -> None:
        """The transaction was rolled back: what it made is not there."""
        self._malls, self._mall_categories, self._categories = {}, {}, {}

    def _hold_tree(self, session: Session) -> None:
        """Nobody edits the tree during this block; what was known of it before an edit is forgotten."""
        hold_tree(session)
        (revision,) = get_revisions(session, "taxonomy")
        if revision != self._tree_revision:
            self._categories, self._tree_revision = {}, revision

    def _first_of_each(self, drafts: Sequence[Draft], written: Written) -> dict[str, Draft]:
        first_of: dict[str, Draft] = {}
        for draft in drafts:
            first = first_of.setdefault(draft.key, draft)
            if first is not draft:
                if first.content_hash == draft.content_hash:
                    written.n_unchanged += 1
                else:
                    written.twice.append(draft)
        return first_of

    def _make_maps(self, session: Session, drafts: Iterable[Draft], now: datetime) -> None:
        """Make malls, mall categories and categories that are missing, and know the ids of all."""
        drafts = list(drafts)
        malls = {draft.mall for draft in drafts if draft.mall is not None} - self._malls.keys()
        self._malls.update(upserts.ensure_malls(session, malls))
        pairs = {
            (self._malls[draft.mall], draft.mall_category)
            for draft in drafts
            if draft.mall is not None and draft.mall_category is not None
        }
        self._mall_categories.update(upserts.ensure_mall_categories(session, pairs - self._mall_categories.keys()))
        paths = {draft.category for draft in drafts if draft.category is not None} - self._categories.keys()
        if paths:
            self._categories.update(ensure_categories(session, sorted(paths), now))

    def _mall_ids(self, draft: Draft) -> tuple[int | None, int | None]:
        """(mall, mall category)."""
        if draft.mall is None:
            return None, None
        mall_id = self._malls[draft.mall]
        return mall_id, None if draft.mall_category is None else self._mall_categories[mall_id, draft.mall_category]

    def _values(self, draft: Draft) -> dict[str, Any]:
        """The columns that a file can feed."""
        mall_id, mall_category_id = self._mall_ids(draft)
        return {
            "title": draft.title,
            "brand": draft.brand,
            "mall_id": mall_id,
            "mall_category_id": mall_category_id,
            "price": draft.price,
            "image": draft.image,
            "registered_at": draft.registered_at,
        }

    def _insert(self, session: Session, drafts: list[Draft], now: datetime) -> None:
        ids = upserts.next_product_ids(session, len(drafts)) if drafts else []
        upserts.insert_products(session, [self._row(id_, draft, now) for id_, draft in zip(ids, drafts, strict=True)])
        upserts.label_inserted(session, ids, now)

    def _row(self, product_id: int, draft: Draft, now: datetime) -> tuple[Any, ...]:
        """In the order of `upserts.INSERTED`."""
        mall_id, mall_category_id = self._mall_ids(draft)
        category_id = self._categories[draft.category] if draft.category is not None else None
        return (
            product_id,
            self._source,
            draft.key,
            draft.title,
            draft.brand,
            mall_id,
            mall_category_id,
            draft.price,
            draft.image,
            draft.registered_at,
            draft.content_hash,
            category_id,
            None if category_id is None else LabelSource.IMPORT,
            None if category_id is None else now,
            now,
            now,
        )

    def _update(self, session: Session, changed: list[tuple[int, Draft]], now: datetime) -> None:
        rows = []
        for product_id, draft in changed:
            values = self._values(draft)
            row = {column: values[column] for column in self._columns}
            rows.append(row | {"id": product_id, "content_hash": draft.content_hash, "updated_at": now})
        upserts.update_products(session, rows)
        given = {
            product_id: self._categories[draft.category] for product_id, draft in changed if draft.category is not None
        }
        checked = [product_id for product_id, draft in changed if draft.is_checked and product_id in given]
        for product_id, category_id in upserts.current_categories(session, checked).items():
            if given[product_id] == category_id:  # the file only repeats what a person decided here
                del given[product_id]
        before = latest_imported(session, list(given))
        labels = [
            (product_id, category) for product_id, category in given.items() if before.get(product_id) != category
        ]
        upserts.insert_labels(session, labels, now)
        upserts.follow_imported_labels(session, labels, now)


class WriterOfSources:
    """A `ProductWriter` for each source that a file names; `source` is that of products that name none."""

    def __init__(self, source: str, fields: Iterable[str]) -> None:
        self._source, self._fields = source, list(fields)
        self._writers: dict[str, ProductWriter] = {}

    def write(self, session: Session, drafts: Sequence[Draft], now: datetime) -> Written:
        """As `ProductWriter.write`; holds the sources until the end of the transaction."""
        total = Written()
        hold_tree(session)
        for source, part in self._by_source(drafts).items():
            if source != self._source:
                imports.ensure_source(session, source, now)
            imports.lock_source(session, source)
            written = self._writers[source].write(session, part, now)
            total.n_inserted += written.n_inserted
            total.n_updated += written.n_updated
            total.n_unchanged += written.n_unchanged
            total.twice += written.twice
        return total

    def confirm(self, drafts: Sequence[Draft]) -> None:
        """The transaction with these drafts is committed."""
        for source, part in self._by_source(drafts).items():
            self._writers[source].confirm(part)

    def forget(self) -> None:
        """The transaction was rolled back."""
        for writer in self._writers.values():
            writer.forget()

    def _by_source(self, drafts: Sequence[Draft]) -> dict[str, list[Draft]]:
        """Sorted, so that two imports never wait for each other."""
        found: dict[str, list[Draft]] = {}
        for draft in drafts:
            found.setdefault(draft.source or self._source, []).append(draft)
        for source in found:
            self._writers.setdefault(source, ProductWriter(source, self._fields))
        return dict(sorted(found.items()))


class _SeenKeys:
    """Which keys came in this file: 8 bytes a row, in sorted runs that are merged as they grow."""

    def __init__(self) -> None:
        self._runs: list[np.ndarray[Any, Any]] = []

    def add(self, keys: Sequence[str]) -> None:
        import numpy as np

        if not keys:
            return
        run = np.sort(np.fromiter(map(hash, keys), dtype=np.int64, count=len(keys)))
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]), kind="stable")
        self._runs.append(run)

    def among(self, keys: Sequence[str]) -> set[str]:
        """Those of `keys` that were added (or, once in 10^12 files, share a hash with one that was)."""
        import numpy as np

        if not keys:
            return set()
        hashes = np.fromiter(map(hash, keys), dtype=np.int64, count=len(keys))
        found = np.zeros(len(keys), dtype=bool)
        for run in self._runs:
            places = np.searchsorted(run, hashes)
            found |= (places < len(run)) & (run[np.minimum(places, len(run) - 1)] == hashes)
        return {key for key, is_found in zip(keys, found, strict=True) if is_found}
