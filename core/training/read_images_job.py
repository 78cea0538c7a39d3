"""The read_images job: every product's image read once, so that training and scoring find its features."""

from collections import Counter
from typing import Any

from core.disk import room_on_disk
from core.errors import N_
from core.jobs.context import JobContext
from core.jobs.queue import enqueue
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.serving.loading import load_version_model
from core.training.product_images import CHUNK, ImageReader, find_reader, open_reader, uses_images
from core.training.reading_pace import ReadingPace
from core.training.registry import find_promoted_version
from core.types import Actor
from db import product_images
from models.image.decode import READABLE, ImageStatus


def read_images_payload(actor: Actor) -> dict[str, Any]:
    """What a read_images job carries. Raises Forbidden."""
    authorize(actor, Action.TRAIN)
    return {}


def enqueue_read_images(runtime: Runtime, actor: Actor) -> int:
    """Read all products' images in a worker; returns the job's id. While one waits, that one's id."""
    return enqueue(runtime, actor, "read_images", read_images_payload(actor), dedupe_key="read_images")


def run_read_images_job(context: JobContext) -> dict[str, Any]:
    """The handler of 'read_images' jobs. Safe to run twice: what was read is found again."""
    runtime = context.runtime
    context.report(0.0, N_("loading the image network"))
    reader = _choose_reader(runtime)
    with runtime.sessions.read() as session:
        n_products = product_images.count_products(session)
    statuses: Counter[ImageStatus] = Counter()
    pace = ReadingPace(n_products)
    done, after_id = 0, 0
    with room_on_disk(runtime.data_dir):
        while True:
            with runtime.sessions.read() as session:
                named = product_images.list_images_after(session, after_id, CHUNK)
            if not named:
                break

            def tell(fraction: float, done: int = done, n: int = len(named)) -> None:
                share = min(1.0, (done + fraction * n) / max(1, n_products))
                context.report(share, N_("reading images"), **pace(share))

            tell(0.0)
            statuses.update(reader.read_named(named, tell).statuses)
            after_id, done = named[-1].product_id, done + len(named)
    readable = sum(n for status, n in statuses.items() if status in READABLE)
    counts = {status.value: n for status, n in statuses.most_common()}
    words = ", ".join(f"{n:,} {name}" for name, n in counts.items())
    context.log(f"{readable:,} of {done:,} products have a readable image: {words}.")
    return {"n_products": done, "readable": readable, "statuses": counts} | reader.about


def _choose_reader(runtime: Runtime) -> ImageReader:
    """With the network of the version in use where that reads images, else with the one training begins from."""
    version = find_promoted_version(runtime)
    if version is not None and uses_images(version.config.get("model", {})):
        reader = find_reader(runtime, load_version_model(runtime, version))
        if reader is not None:
            return reader
    return open_reader(runtime, runtime.settings.device)
