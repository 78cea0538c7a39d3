"""Exclusion rules applied to training rows, exactly as the version keeps them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.curation.keywords import keyword_pattern, normal_form, without
from db.enums import KeywordMatch, RuleAction


@dataclass(frozen=True)
class Applied:
    """What rules did to N rows."""

    kept: NDArray[np.int64]  # places of the rows that stay, ascending
    titles: list[str]  # of the rows that stay
    rows_of_rule: Counter[int]  # rule id -> rows that it dropped or took a word from
    n_dropped: int  # rows
    n_emptied: int  # of those: nothing but excluded words stood in the title
    n_changed: int  # rows that stay and lost a word


def apply_rules(
    rules: Sequence[Mapping[str, Any]], titles: Sequence[str], paths: Sequence[Sequence[int]], places: NDArray[np.int64]
) -> Applied:
    """Apply plain rules (`ExclusionRule.to_dict`) to rows with `titles` (N,).

    Row i's category lies at `paths[places[i]]`, category ids root .. leaf; a rule holds for its category and all below.
    The order of the rules does not matter: rows are dropped by their whole title first, then words are taken out, the
    longest first. A changed title is in normal form (`keywords.normal_form`); the others stay as they are. A row left
    without a title is dropped: a model would learn from it that nothing means this category.
    """
    work = _Work([_Rule(rule) for rule in rules])
    kept, left = [], []
    for row, (title, place) in enumerate(zip(titles, places.tolist(), strict=True)):
        rest = work.treat(title, tuple(paths[place]))
        if rest is not None:
            kept.append(row)
            left.append(rest)
    n_dropped = len(titles) - len(kept)
    return Applied(np.asarray(kept, np.int64), left, work.rows_of_rule, n_dropped, work.n_emptied, work.n_changed)


class _Rule:
    def __init__(self, rule: Mapping[str, Any]) -> None:
        self.id, self.category_id, self.keyword = int(rule["id"]), int(rule["category_id"]), str(rule["keyword"])
        self.drops_row = RuleAction(rule["action"]) == RuleAction.DROP_ROW
        self.pattern = keyword_pattern(self.keyword, KeywordMatch(rule["match"]))


class _Work:
    """The rules of each path, found once, and counts."""

    def __init__(self, rules: list[_Rule]) -> None:
        # rows are dropped before words are taken out, the longest first: then the order of the rules does not matter
        self.rules = sorted(rules, key=lambda rule: (not rule.drops_row, -len(rule.keyword), rule.keyword, rule.id))
        self.of_path: dict[tuple[int, ...], list[_Rule]] = {}
        self.rows_of_rule: Counter[int] = Counter()
        self.n_emptied = self.n_changed = 0

    def treat(self, title: str, path: tuple[int, ...]) -> str | None:
        """The title that the row trains with; none when it does not train."""
        rules = self.of_path.get(path)
        if rules is None:
            rules = self.of_path[path] = [rule for rule in self.rules if rule.category_id in path]
        if not rules:
            return title
        whole = rest = normal_form(title)
        changed = False
        for rule in rules:
            if not rule.pattern.search(rest):
                continue
            self.rows_of_rule[rule.id] += 1
            if rule.drops_row:
                return None
            rest, changed = without(rest, rule.pattern), True
        if not changed:
            return title
        if not any(letter.isalnum() for letter in rest) and any(letter.isalnum() for letter in whole):
            self.n_emptied += 1
            return None
        self.n_changed += 1
        return rest
