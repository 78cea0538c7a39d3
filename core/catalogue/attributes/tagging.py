"""The job that reads the attributes of every product."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from core.catalogue.attributes.ocr import read_image, require_ocr
from core.catalogue.attributes.plausibility import Plausibility, paths_of
from core.catalogue.attributes.reading import Attribute, read_attributes
from core.catalogue.images import find_local_image
from core.catalogue.taxonomy import load_categories
from core.disk import room_on_disk
from core.errors import N_
from core.jobs.context import JobContext
from core.jobs.ownership import keep_hold
from core.jobs.queue import enqueue
from core.json_file import read_json, write_json
from core.patience import patiently
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor
from db import attributes
from db.attributes import ReadProduct
from db.people import raise_revision

KIND = "read_attributes"
CHUNK = 1_000  # products in one transaction
IMAGE_CHUNK = 20  # an image takes about a second
MAX_VALUE = 80  # characters, as the table holds


def attributes_payload(actor: Actor, images: bool = False) -> dict[str, Any]:
    """What the job carries. Raises Forbidden; NotReady when images are asked for and Tesseract is missing."""
    authorize(actor, Action.TRAIN)
    if images:
        require_ocr()
    return {"images": images}


def enqueue_attributes(runtime: Runtime, actor: Actor, images: bool = False) -> int:
    """Ask for reading the attributes of all products; returns the job's id. While one waits, that one's id."""
    return enqueue(runtime, actor, KIND, attributes_payload(actor, images), dedupe_key=KIND)


def run_attributes_job(context: JobContext) -> dict[str, Any]:
    """The handler of 'read_attributes' jobs: {'images': bool}. Killed, it goes on behind the last written chunk."""
    with room_on_disk(context.runtime.data_dir):
        return _Reading(context).run()


class _Reading:
    """One attempt."""

    def __init__(self, context: JobContext) -> None:
        self.context, self.runtime = context, context.runtime
        self.languages = require_ocr() if context.payload.get("images") else None
        categories = load_categories(self.runtime)
        self.paths = paths_of({node.id: node.parent_id for node in categories.values()})
        with self.runtime.sessions.read() as session:
            self.n_products = attributes.count_products(session)

    def run(self) -> dict[str, Any]:
        plausibility = self._learn()
        state_file = self.context.folder / "done.json"
        state = read_json(state_file) or {"after_id": 0, "products": 0, "tags": 0}
        chunk = IMAGE_CHUNK if self.languages else CHUNK
        while products := self._next(state["after_id"], chunk):
            rows = [row for product in products for row in self._tags(product, plausibility)]
            patiently(partial(self._write, products[0].id, products[-1].id, rows))
            state = {
                "after_id": products[-1].id,
                "products": state["products"] + len(products),
                "tags": state["tags"] + len(rows),
            }
            write_json(state_file, state)
            done = state["products"] / max(1, self.n_products)
            self._report(0.3 + 0.7 * done, N_("reading attributes"), state["products"])
        with self.runtime.sessions.write() as session:
            raise_revision(session, "products")
        return {"products": state["products"], "tags": state["tags"]}

    def _learn(self) -> Plausibility:
        """Which categories have which attributes, from all titles."""
        plausibility, after_id, n = Plausibility(), 0, 0
        while products := self._next(after_id, CHUNK):
            for product in products:
                plausibility.learn(self._path(product), read_attributes(product.title))
            after_id, n = products[-1].id, n + len(products)
            self._report(0.3 * n / max(1, self.n_products), N_("learning which categories have which attributes"), n)
        return plausibility

    def _tags(self, product: ReadProduct, plausibility: Plausibility) -> list[dict[str, Any]]:
        path = self._path(product)
        said = plausibility.believed(path, read_attributes(product.title))
        tags = {(tag.name, tag.value): ("title", tag, 1.0) for tag in said}
        for tag, sureness in self._seen(product, path, plausibility):
            tags.setdefault((tag.name, tag.value), ("image", tag, sureness))
        return [
            {
                "product_id": product.id,
                "name": tag.name,
                "value": tag.value[:MAX_VALUE],
                "source": source,
                "evidence": tag.evidence[:MAX_VALUE],
                "confidence": round(tag.confidence * sureness, 3),
            }
            for source, tag, sureness in tags.values()
        ]

    def _seen(
        self, product: ReadProduct, path: Sequence[int], plausibility: Plausibility
    ) -> list[tuple[Attribute, float]]:
        """What stands in the image, and how sure the reading is."""
        place = find_local_image(self.runtime.settings, product.image) if self.languages and product.image else None
        if place is None or self.languages is None:
            return []
        text, sureness = read_image(place, self.languages)
        return [(tag, sureness) for tag in plausibility.believed(path, read_attributes(text))]

    def _path(self, product: ReadProduct) -> tuple[int, ...]:
        return self.paths.get(product.category_id, ()) if product.category_id else ()

    def _next(self, after_id: int, limit: int) -> list[ReadProduct]:
        with self.runtime.sessions.read() as session:
            return attributes.list_read_products(session, after_id, limit)

    def _write(self, first_id: int, last_id: int, rows: list[dict[str, Any]]) -> None:
        with self.runtime.sessions.write() as session:
            attributes.replace_attributes(session, first_id, last_id, rows)
            keep_hold(session, self.context)

    def _report(self, fraction: float, stage: str, n: int) -> None:
        self.context.report(min(fraction, 1.0), stage, rows=n, n_rows=self.n_products)
