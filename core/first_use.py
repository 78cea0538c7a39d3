"""What `make run` does before the app opens: an empty database gets the demo, its model, its queue and its crowd."""

from collections.abc import Callable
from typing import Any

from core.catalogue.demo import is_demo, load_demo
from core.errors import AppError, Conflict, NotReady
from core.jobs.worker import work_until_ended
from core.labeling.first_campaign import offer_first_campaign
from core.labeling.simulated_crowd import is_anything_decided, simulate_crowd
from core.runtime import Runtime
from core.training.registry import find_promoted_version
from core.training.train import enqueue_training
from core.types import Actor
from db import products
from db.enums import JobStatus
from db.product_conditions import Conditions

Say = Callable[[float, str, dict[str, Any]], None]


def prepare(runtime: Runtime, actor: Actor, on_report: Say, n_demo_products: int) -> None:
    """Bring an empty or half-prepared demo to where a person can label. Own data are left alone.

    With `n_demo_products` 0 an empty database stays empty. Each step looks at what is there, so a run that
    was killed goes on where it stopped.
    """
    if n_demo_products and not _has_products(runtime):
        load_demo(runtime, actor, n_demo_products, on_progress=lambda fraction, stage: on_report(fraction, stage, {}))
    if not is_demo(runtime):
        return
    if find_promoted_version(runtime) is None:
        _finish(runtime, enqueue_training(runtime, actor), on_report)  # scores everything and is put to use
    _invite_crowd(runtime, actor, on_report)
    offer_first_campaign(runtime, actor)


def _has_products(runtime: Runtime) -> bool:
    with runtime.sessions.read() as session:
        return products.count_products(session, Conditions(), at_most=1) > 0


def _invite_crowd(runtime: Runtime, actor: Actor, on_report: Say) -> None:
    """Demo people vote, a demo reviewer settles some of it: Review, People and the error rates have something to show.

    Only before anybody decided anything, and not where the demo is mixed with other products.
    """
    if is_anything_decided(runtime):
        return
    on_report(1.0, "inviting demo annotators", {})
    try:
        simulate_crowd(runtime, actor)
    except (Conflict, NotReady):
        return


def _finish(runtime: Runtime, job_id: int, on_report: Say) -> None:
    job = work_until_ended(runtime, job_id, on_report)
    if job.status != JobStatus.SUCCEEDED:
        raise AppError(job.error or f"The job '{job.kind}' ended as {job.status.value}.")
