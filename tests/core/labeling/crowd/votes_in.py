"""Votes of a campaign written in bulk, as the labeling card would have left them."""

from core.runtime import Runtime
from core.types import utc_now
from db.enums import DecisionKind, Role, TaskStatus
from db.people import ensure_person
from db.tables import DecisionRow, TaskRow


def give_votes(runtime: Runtime, campaign: int, said: dict[int, list[tuple[str, int | None]]], **more: object) -> None:
    """Product -> (person, category; none: cannot tell). The campaign must have no tasks yet. `more` is of each row."""
    now = utc_now()
    with runtime.sessions.write() as session:
        names = {name for votes in said.values() for name, _ in votes}
        people = {name: ensure_person(session, name, Role.ANNOTATOR, now).id for name in sorted(names)}
        votes = [(product, slot, *vote) for product, given in said.items() for slot, vote in enumerate(given)]
        tasks = [
            TaskRow(
                campaign_id=campaign,
                product_id=product,
                slot=slot,
                position=0,
                status=TaskStatus.DONE,
                annotator_id=people[name],
            )
            for product, slot, name, _ in votes
        ]
        session.add_all(tasks)
        session.flush()
        session.add_all(
            DecisionRow(
                **{
                    "idempotency_key": f"vote-{task.id}",
                    "kind": DecisionKind.LABEL if category else DecisionKind.CANNOT_TELL,
                    "task_id": task.id,
                    "campaign_id": campaign,
                    "product_id": product,
                    "person_id": people[name],
                    "category_id": category,
                    "created_at": now,
                    **more,
                }
            )
            for task, (product, _, name, category) in zip(tasks, votes, strict=True)
        )
