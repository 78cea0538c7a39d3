"""Exclusion rules as a CSV file: out to a spreadsheet, back in."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field

from core.catalogue.taxonomy import SEPARATOR, load_categories
from core.curation.exclusions import ExclusionRule, add_rule
from core.errors import N_, AppError, Conflict, InvalidInput, UnknownCategory
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor
from db.enums import KeywordMatch, RuleAction

COLUMNS = ("category", "keyword", "action", "match")


@dataclass
class ImportedRules:
    """What came of a file of rules."""

    n_added: int = 0
    n_known: int = 0  # in force already
    problems: list[tuple[int, AppError]] = field(default_factory=list)  # (line, why this rule was left out)


def write_rules(rules: Iterable[ExclusionRule]) -> str:
    """CSV with a heading; `read_rules` reads it back."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((rule.category, rule.keyword, rule.action.value, rule.match.value) for rule in rules)
    return file.getvalue()


def import_rules(runtime: Runtime, actor: Actor, text: str) -> ImportedRules:
    """Add the rules of a CSV file: columns category (its path) and keyword, and maybe action and match.

    A line that cannot be used is told and left out, the rest is added. Raises InvalidInput without the two columns,
    Forbidden.
    """
    authorize(actor, Action.EDIT_RULES)
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    missing = [name for name in COLUMNS[:2] if name not in (reader.fieldnames or ())]
    if missing:
        raise InvalidInput(N_("The file needs the columns {columns}."), columns=", ".join(COLUMNS[:2]))
    paths = {node.path: node.id for node in load_categories(runtime).values()}
    done = ImportedRules()
    for row in reader:
        try:
            _add(runtime, actor, paths, row)
            done.n_added += 1
        except Conflict:
            done.n_known += 1
        except AppError as error:
            done.problems.append((reader.line_num, error))
    return done


def _add(runtime: Runtime, actor: Actor, paths: dict[str, int], row: dict[str, str | None]) -> None:
    words = {name: (row.get(name) or "").strip() for name in COLUMNS}
    path = SEPARATOR.join(part.strip() for part in words["category"].split(SEPARATOR.strip()))
    if path not in paths:
        raise UnknownCategory(N_("There is no category '{path}'."), path=path)
    try:
        action = RuleAction(words["action"] or RuleAction.DROP_WORD)
        match = KeywordMatch(words["match"] or KeywordMatch.WHOLE_WORD)
    except ValueError:
        raise InvalidInput(
            N_("An action is one of {actions}, a match one of {matches}."),
            actions=", ".join(RuleAction),
            matches=", ".join(KeywordMatch),
        ) from None
    add_rule(runtime, actor, paths[path], words["keyword"], action, match)
