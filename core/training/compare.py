"""Two versions side by side on the same held-out products: overall, per category, product by product.

Both are judged on the products' current labels and what people accepted beside them, in the test fold, which no
version learns from; only products that both answered count, and n says how many those are. Differences are paired,
since both answer the same rows.
"""

from dataclasses import dataclass
from enum import StrEnum

from core.errors import N_, NotFound
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.training.intervals import TOO_FEW, Rate, paired_difference_interval, rate
from core.types import Actor
from db import comparisons, model_versions
from db.comparisons import CategoryCounts


class Change(StrEnum):
    """What happened to a category from one version to the other. Gained and lost: 0 lies outside the interval."""

    GAINED = "gained"
    LOST = "lost"
    UNCLEAR = "unclear"
    TOO_FEW = "too_few"  # under 30 rows: no verdict


@dataclass(frozen=True)
class CategoryChange:
    """P@1 within one category under both versions. `difference` is B minus A, -1..1, with its 95 % interval."""

    category_id: int
    path: str
    n: int
    n_right_a: int
    n_right_b: int
    low: float
    high: float

    @property
    def share_a(self) -> float:
        return self.n_right_a / self.n

    @property
    def share_b(self) -> float:
        return self.n_right_b / self.n

    @property
    def difference(self) -> float:
        return (self.n_right_b - self.n_right_a) / self.n

    @property
    def change(self) -> Change:
        if self.n < TOO_FEW:
            return Change.TOO_FEW
        if self.low > 0:
            return Change.GAINED
        return Change.LOST if self.high < 0 else Change.UNCLEAR


@dataclass(frozen=True)
class Side:
    """One version's quality on the shared held-out rows."""

    version_id: int
    name: str
    p_at_1: Rate
    p_at_2: Rate
    p_at_4: Rate
    macro_f1: float | None


@dataclass(frozen=True)
class Comparison:
    """Version A beside version B. `low`..`high` is the 95 % interval of `difference` = P@1 of B minus that of A."""

    a: Side
    b: Side
    n: int  # held-out products that both answered
    difference: float | None
    low: float
    high: float
    categories: list[CategoryChange]  # the biggest fall first
    n_both: int  # products that both answered, held out or not
    n_changed: int  # of those, with different answers


@dataclass(frozen=True)
class ChangedProduct:
    """A product whose answer changed. `is_right_...` is none without a label."""

    product_id: int
    title: str
    label: str | None
    is_held_out: bool
    answer_a: str
    confidence_a: float
    is_right_a: bool | None
    answer_b: str
    confidence_b: float
    is_right_b: bool | None


def list_category_changes(runtime: Runtime, a_id: int, b_id: int) -> list[CategoryChange]:
    """Each category with shared held-out rows; the biggest fall first."""
    with runtime.sessions.read() as session:
        return _changes(comparisons.count_by_category(session, a_id, b_id))


def compare_versions(runtime: Runtime, actor: Actor, a_id: int, b_id: int) -> Comparison:
    """Raises Forbidden (annotators), NotFound when one of them does not exist."""
    authorize(actor, Action.SEE_ANALYSIS)
    with runtime.sessions.read() as session:
        names = []
        for version_id in (a_id, b_id):
            record = model_versions.find_version(session, version_id)
            if record is None:
                raise NotFound(N_("There is no model version {version}."), version=version_id)
            names.append(record.version.name)
        counts = comparisons.count_by_category(session, a_id, b_id)
        answers_a = comparisons.count_answers(session, a_id, b_id, of_a=True)
        answers_b = comparisons.count_answers(session, a_id, b_id, of_a=False)
        n_both, n_changed = comparisons.count_changed(session, a_id, b_id)
    n = sum(row.n for row in counts)
    both, only_a, only_b = _pairs(counts)
    low, high = paired_difference_interval(both, only_a, only_b, n - both - only_a - only_b)
    rows_a = {row.category_id: (row.n, row.a_at_1) for row in counts}
    rows_b = {row.category_id: (row.n, row.b_at_1) for row in counts}
    return Comparison(
        a=_side(a_id, names[0], n, [row[4:7] for row in counts], macro_f1(rows_a, answers_a)),
        b=_side(b_id, names[1], n, [row[7:10] for row in counts], macro_f1(rows_b, answers_b)),
        n=n,
        difference=(only_b - only_a) / n if n else None,
        low=low,
        high=high,
        categories=_changes(counts),
        n_both=n_both,
        n_changed=n_changed,
    )


def _side(version_id: int, name: str, n: int, hits: list[tuple[int, ...]], f1: float | None) -> Side:
    """`hits`: for each category how many rows were right within the first 1, 2 and 4 answers."""
    at_1, at_2, at_4 = (rate(sum(column), n) for column in zip(*hits, strict=True)) if hits else (rate(0, 0),) * 3
    return Side(version_id, name, at_1, at_2, at_4, f1)


def list_changed_products(
    runtime: Runtime,
    actor: Actor,
    a_id: int,
    b_id: int,
    after_id: int = 0,
    limit: int = 50,
    held_out_only: bool = False,
    category_id: int | None = None,
) -> list[ChangedProduct]:
    """Products with different answers by id; `after_id` continues a list. `category_id`: only of that label.

    Raises Forbidden (annotators).
    """
    authorize(actor, Action.SEE_ANALYSIS)
    with runtime.sessions.read() as session:
        rows = comparisons.list_changed(session, a_id, b_id, after_id, limit, held_out_only, category_id)
    return [
        ChangedProduct(
            product_id=row.product_id,
            title=row.title,
            label=row.label_path,
            is_held_out=bool(row.is_held_out),
            answer_a=row.a_path,
            confidence_a=row.a_confidence,
            is_right_a=None if row.label_id is None else bool(row.a_is_right),
            answer_b=row.b_path,
            confidence_b=row.b_confidence,
            is_right_b=None if row.label_id is None else bool(row.b_is_right),
        )
        for row in rows
    ]


def macro_f1(rows: dict[int, tuple[int, int]], n_predicted: dict[int, int]) -> float | None:
    """The mean F1 (0..1) of the categories that have rows: `rows` is category -> (n, of which right)."""
    if not rows:
        return None
    # F1 = 2 right / (rows + predicted): the harmonic mean of precision and recall without their 0/0; at most 1, also
    # where an accepted alternative was answered and counts as right
    shares = (2 * right / max(n + n_predicted.get(category, 0), 2 * right, 1) for category, (n, right) in rows.items())
    return sum(shares) / len(rows)


def _pairs(counts: list[CategoryCounts]) -> tuple[int, int, int]:
    both = sum(row.n_both for row in counts)
    return both, sum(row.a_at_1 for row in counts) - both, sum(row.b_at_1 for row in counts) - both


def _changes(counts: list[CategoryCounts]) -> list[CategoryChange]:
    changes = []
    for row in counts:
        both, only_a, only_b = _pairs([row])
        low, high = paired_difference_interval(both, only_a, only_b, row.n - both - only_a - only_b)
        changes.append(CategoryChange(row.category_id, row.path, row.n, row.a_at_1, row.b_at_1, low, high))
    return sorted(changes, key=lambda change: (change.difference, change.path))
