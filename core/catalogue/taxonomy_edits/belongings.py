"""What follows a category through an edit beside its labels: exclusion rules, examples, alternatives, label issues."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core.types import Actor
from db import category_belongings, exclusion_rules


def move_belongings(
    session: Session,
    actor: Actor,
    from_id: int,
    to_id: int,
    edit_id: int,
    now: datetime,
    rules_to: Sequence[int],
) -> dict[str, Any]:
    """Give them to the category that takes the place; returns what taking them back needs.

    A rule ends and begins anew in each of `rules_to` (none: it stays). The rows of the old category stay where they
    are: nothing shows them while it is retired.
    """
    moved: dict[str, Any] = {
        "from": from_id,
        "to": to_id,
        "examples": category_belongings.copy_examples(session, from_id, to_id),
        "alternatives": category_belongings.copy_alternatives(session, from_id, to_id),
        "rules": [],
    }
    category_belongings.carry_issues(session, edit_id, from_id)
    for rule in category_belongings.list_rules_of(session, from_id) if rules_to else ():
        exclusion_rules.end_rule(session, rule.id, actor.person_id, now)
        begun = [
            exclusion_rules.insert_rule(session, target, rule.keyword, rule.action, rule.match, actor.person_id, now)
            for target in rules_to
            if not exclusion_rules.find_same(session, target, rule.keyword, rule.action, rule.match)
        ]
        moved["rules"].append({"ended": rule.id, "begun": begun})
    return moved


def take_back(session: Session, actor: Actor, moved: dict[str, Any], edit_id: int, now: datetime) -> None:
    """Undo `move_belongings`: what others changed of it since stays as they left it."""
    category_belongings.remove_copies(session, "examples", moved["to"], moved["examples"])
    category_belongings.remove_copies(session, "alternatives", moved["to"], moved["alternatives"])
    category_belongings.carry_issues(session, edit_id, moved["from"], is_back=True)
    for rule in moved["rules"]:
        copies = [exclusion_rules.end_rule(session, id_, actor.person_id, now) for id_ in rule["begun"]]
        before = exclusion_rules.find_rule(session, rule["ended"])
        if before is None or (copies and not any(copies)):
            continue  # somebody ended it since
        if not exclusion_rules.find_same(session, moved["from"], before.keyword, before.action, before.match):
            exclusion_rules.insert_rule(
                session, moved["from"], before.keyword, before.action, before.match, actor.person_id, now
            )
