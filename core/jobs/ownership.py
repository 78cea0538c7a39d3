"""Is the job still ours? Asked inside the transaction that writes: a worker thought dead writes nothing more."""

from sqlalchemy.orm import Session

from core.jobs.context import JobContext, JobLost
from core.types import utc_now
from db import jobs


def keep_hold(session: Session, context: JobContext) -> None:
    """Raises JobLost when another worker has the job; else nobody takes it before this transaction ends.

    Best asked last: until then the job's row is free for heartbeats and a cancel.
    """
    if jobs.beat(session, context.job.id, context.worker, utc_now()) is None:
        raise JobLost()
