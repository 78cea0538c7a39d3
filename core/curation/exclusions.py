"""Exclusion rules: words that mislead in a category, kept out of its training rows.

NAVER's list of pairs (keyword, category): 'women' in children's wear, 'infant' in jeans. A rule is never changed: it
ends, and another begins, so what a version learned from can be told. Held-out rows are left as they are.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from core.catalogue.taxonomy import Category, load_categories
from core.curation.applying import apply_rules
from core.curation.keywords import normal_form
from core.errors import N_, Conflict, InvalidInput, NotFound, UnknownCategory
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import exclusion_rules
from db.enums import KeywordMatch, RuleAction
from db.exclusion_rules import iter_training_titles
from db.people import add_audit, raise_revision

MAX_KEYWORD = 100  # characters
SAMPLES = 5  # titles that a preview shows


@dataclass(frozen=True)
class ExclusionRule:
    """A word and the category, with all below it, whose training rows it misleads."""

    id: int
    category_id: int
    category: str  # path
    keyword: str  # in normal form
    action: RuleAction
    match: KeywordMatch
    author: str
    created_at: datetime
    ended_by: str | None = None
    ended_at: datetime | None = None  # none: in force

    def to_dict(self) -> dict[str, Any]:
        """As a version keeps it and `apply_rules` takes it."""
        return {
            "id": self.id,
            "category_id": self.category_id,
            "category": self.category,
            "keyword": self.keyword,
            "action": self.action.value,
            "match": self.match.value,
        }


@dataclass(frozen=True)
class RulePreview:
    """What a rule would do to today's training rows, beside no other rule."""

    n_rows: int  # training rows in its category and below
    n_touched: int  # of those
    samples: list[tuple[str, str | None]]  # (title, what is left of it; none: the row is dropped)
    emptied: list[str]  # paths of categories that would have no training row left


def list_rules(runtime: Runtime, in_force_only: bool = True) -> list[ExclusionRule]:
    """By category path, then keyword."""
    categories = load_categories(runtime)
    with runtime.sessions.read() as session:
        rows = exclusion_rules.list_rules(session, in_force_only)
    found = [
        ExclusionRule(
            row.id,
            row.category_id,
            categories[row.category_id].path,
            row.keyword,
            row.action,
            row.match,
            author,
            row.created_at,
            ender,
            row.ended_at,
        )
        for row, author, ender in rows
    ]
    return sorted(found, key=lambda rule: (rule.category, rule.keyword, rule.id))


def add_rule(
    runtime: Runtime, actor: Actor, category_id: int, keyword: str, action: RuleAction, match: KeywordMatch
) -> ExclusionRule:
    """A new rule, in force for the next training.

    Raises UnknownCategory (also for a retired one), InvalidInput for a keyword without a letter or digit or too long,
    Conflict when a rule in force says the same, Forbidden.
    """
    authorize(actor, Action.EDIT_RULES)
    category, keyword = _usable(runtime, category_id), clean_keyword(keyword)
    now = utc_now()
    with runtime.sessions.write() as session:
        exclusion_rules.lock_rules(session)
        if exclusion_rules.find_same(session, category_id, keyword, action, match):
            raise Conflict(
                N_("'{keyword}' is excluded from {category} already."), keyword=keyword, category=category.path
            )
        rule_id = exclusion_rules.insert_rule(session, category_id, keyword, action, match, actor.person_id, now)
        rule = ExclusionRule(rule_id, category_id, category.path, keyword, action, match, actor.name, now)
        add_audit(session, now, actor.person_id, "add", "exclusion_rule", rule_id, after=rule.to_dict())
        raise_revision(session, "rules")
    return rule


def end_rule(runtime: Runtime, actor: Actor, rule_id: int) -> None:
    """The rule ends; what learned with it keeps it. Ending twice changes nothing. Raises NotFound, Forbidden."""
    authorize(actor, Action.EDIT_RULES)
    now = utc_now()
    with runtime.sessions.write() as session:
        if exclusion_rules.find_rule(session, rule_id) is None:
            raise NotFound(N_("There is no exclusion rule {rule_id}."), rule_id=rule_id)
        if exclusion_rules.end_rule(session, rule_id, actor.person_id, now):
            add_audit(session, now, actor.person_id, "end", "exclusion_rule", rule_id)
            raise_revision(session, "rules")


def preview_rule(
    runtime: Runtime, category_id: int, keyword: str, action: RuleAction, match: KeywordMatch
) -> RulePreview:
    """What `add_rule` of the same would do: counted on the labels of now, held-out products left out.

    Raises as `add_rule` does, but for Conflict.
    """
    _usable(runtime, category_id)
    rule = {"id": 0, "category_id": category_id, "keyword": clean_keyword(keyword), "action": action, "match": match}
    leaves = _leaves_below(runtime, category_id)
    n_rows = n_touched = 0
    samples: list[tuple[str, str | None]] = []
    before: Counter[int] = Counter()
    after: Counter[int] = Counter()
    with runtime.sessions.read() as session:
        for chunk in iter_training_titles(session, leaves):
            titles, labels = [title for title, _ in chunk], [label for _, label in chunk]
            applied = apply_rules([rule], titles, [(category_id,)], np.zeros(len(titles), np.int64))
            before.update(labels)
            after.update(labels[row] for row in applied.kept.tolist())
            n_rows += len(titles)
            n_touched += applied.n_dropped + applied.n_changed
            samples += _samples(titles, applied.kept.tolist(), applied.titles, SAMPLES - len(samples))
    categories = load_categories(runtime)
    emptied = sorted(categories[label].path for label in before if not after[label])
    return RulePreview(n_rows, n_touched, samples, emptied)


def _samples(titles: list[str], kept: list[int], left: list[str], most: int) -> list[tuple[str, str | None]]:
    rest: dict[int, str] = dict(zip(kept, left, strict=True))
    found = [(title, rest.get(row)) for row, title in enumerate(titles) if rest.get(row) != title]
    return found[:most]


def clean_keyword(keyword: str) -> str:
    """The keyword in normal form. Raises InvalidInput when there is no letter or digit in it, or it is too long."""
    text = normal_form(keyword)
    if not any(letter.isalnum() for letter in text):
        raise InvalidInput(N_("A keyword needs a letter or a digit."))
    if len(text) > MAX_KEYWORD:
        raise InvalidInput(N_("A keyword has at most {n} characters."), n=MAX_KEYWORD)
    return text


def _usable(runtime: Runtime, category_id: int) -> Category:
    category = load_categories(runtime).get(category_id)
    if category is None:
        raise UnknownCategory(N_("There is no category {category_id}."), category_id=category_id)
    if category.retired_at is not None:
        raise UnknownCategory(N_("The category {category} is retired."), category=category.path)
    return category


def _leaves_below(runtime: Runtime, category_id: int) -> Sequence[int]:
    """The leaves in use at or below the category."""
    categories = load_categories(runtime)
    found = []
    for node in categories.values():
        step: Category | None = node
        while step and step.id != category_id:
            step = categories[step.parent_id] if step.parent_id is not None else None
        if step and node.is_leaf and node.retired_at is None:
            found.append(node.id)
    return found
