"""From sums per leaf to rows with verdicts: at any level of the tree, small categories pooled under their parent.

A verdict that names a better side needs both: 0 lies outside the paired 95 % interval, and the p-value adjusted over
all judged rows (Benjamini & Hochberg) is at most `false_share`. So of the verdicts that name a side, on average at most
that share is there by chance, however many categories there are.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.analysis.paired_errors import ErrorSums, PairedErrors, adjusted, compare, people_rate
from core.training.intervals import TOO_FEW, Rate


class Verdict(StrEnum):
    """Who is better in a category."""

    MODEL = "model"
    PEOPLE = "people"
    UNCLEAR = "unclear"  # no clear difference
    BOTH_FAIL = "both_fail"  # both err often: the category itself is ambiguous
    TOO_FEW = "too_few"


@dataclass(frozen=True)
class VerdictRules:
    """`both_fail_above`: both fail where both intervals lie above this error (0..1). `false_share`: see the file."""

    both_fail_above: float = 0.25
    false_share: float = 0.05
    fewest: int = TOO_FEW  # products


@dataclass(frozen=True)
class Node:
    """What this room needs to know of a category; `depth` 1 is a root."""

    id: int
    parent_id: int | None
    depth: int


@dataclass(frozen=True)
class ErrorRow:
    """One category (or what is left of it once its large ones stand alone: `is_pooled`) with both error rates.

    `category_id` none is what is left of the whole tree. `paired` is none where no model is compared or nothing is
    judged; `people` is none with nothing judged. `leaf_ids` are the leaves whose products it holds.
    """

    category_id: int | None
    is_pooled: bool
    leaf_ids: tuple[int, ...]
    sums: ErrorSums
    people: Rate
    paired: PairedErrors | None
    p_adjusted: float
    verdict: Verdict

    @property
    def n(self) -> int:
        return int(self.sums.n)

    @property
    def model(self) -> Rate | None:
        return self.paired.model if self.paired else None


Group = tuple[int | None, bool, tuple[int, ...]]


def group_leaves(
    n_of_leaf: Mapping[int, float], node: Callable[[int], Node], depth: int | None, fewest: int = TOO_FEW
) -> list[Group]:
    """(category, is pooled, leaves): the categories at `depth` (none: leaves) that have enough products, and what is
    left, pooled under the nearest category above that then has enough. Each leaf is in exactly one group.
    """
    waiting: dict[int | None, list[int]] = {}
    for leaf in n_of_leaf:
        unit = node(leaf)
        while depth is not None and unit.depth > depth and unit.parent_id is not None:
            unit = node(unit.parent_id)
        waiting.setdefault(unit.id, []).append(leaf)
    asked_for: set[int | None] = set(waiting)
    groups: list[Group] = []
    deepest = max((node(category).depth for category in asked_for if category is not None), default=0)
    for level in range(deepest, 0, -1):  # children before their parents
        for category in [one for one in waiting if one is not None and node(one).depth == level]:
            leaves = waiting.pop(category)
            if sum(n_of_leaf[leaf] for leaf in leaves) >= fewest:
                groups.append((category, category not in asked_for, tuple(leaves)))
            else:
                parent = node(category).parent_id
                asked_for.discard(parent)
                waiting.setdefault(parent, []).extend(leaves)
    if rest := waiting.get(None):
        groups.append((None, True, tuple(rest)))
    return groups


def error_rows(
    groups: Sequence[Group],
    sums_of_leaf: Mapping[int, ErrorSums],
    rho: float,
    has_model: bool,
    rules: VerdictRules,
    may_judge: bool = True,
) -> list[ErrorRow]:
    """A row for each group, in their order. With `may_judge` off every verdict is TOO_FEW."""
    drafts = []
    for category, is_pooled, leaves in groups:
        sums = ErrorSums.union(sums_of_leaf[leaf] for leaf in leaves)
        drafts.append((category, is_pooled, leaves, sums, compare(sums, rho) if has_model and sums.n else None))
    judged = [paired for _, _, _, sums, paired in drafts if paired and sums.n >= rules.fewest]
    p_of = dict(zip(map(id, judged), adjusted([paired.p for paired in judged]), strict=True))
    rows = []
    for category, is_pooled, leaves, sums, paired in drafts:
        p = p_of.get(id(paired), 1.0)
        verdict = verdict_of(paired, p, rules) if may_judge and id(paired) in p_of else Verdict.TOO_FEW
        rows.append(ErrorRow(category, is_pooled, tuple(leaves), sums, people_rate(sums, rho), paired, p, verdict))
    return rows


def verdict_of(paired: PairedErrors | None, p_adjusted: float, rules: VerdictRules) -> Verdict:
    """The verdict on rates that stand on enough products. 'Both fail' goes first: who fails less is no winner."""
    if paired is None:
        return Verdict.TOO_FEW
    if min(paired.people.low, paired.model.low) > rules.both_fail_above:
        return Verdict.BOTH_FAIL
    if p_adjusted > rules.false_share or paired.low <= 0 <= paired.high:
        return Verdict.UNCLEAR
    return Verdict.MODEL if paired.difference > 0 else Verdict.PEOPLE
