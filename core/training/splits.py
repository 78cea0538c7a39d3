"""Folds for good: near-duplicates share one, a product keeps its own, version after version.

A labeled product gets its fold before the first training that sees it. A new product joins the fold of its
near-duplicates; one that is close to products on both sides (say, to one in the test fold and to one in a
training fold) is left out of learning, because in either fold it would let the model peek. Where an edited title makes
known products of two sides near-duplicates, the smaller side is left out. Who is left out comes back, to its own
fold only, once nothing on another side is like it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from core.runtime import Runtime
from core.training.near_duplicates import fold_title, group_titles
from db import splits
from db.enums import Fold
from db.splits import SplitTitle

TEST, VALIDATION, LEFT_OUT = Fold.TEST, Fold.VALIDATION, Fold.NONE
WRITE_CHUNK = 5_000
BIG_GROUP = 0.01  # a group of more than this share of all products would dominate a test fold: it trains


@dataclass(frozen=True)
class SplitSummary:
    """What `assign_folds` found."""

    n_products: int
    n_new: int
    n_groups: int
    n_left_out: int  # between two sides


def assign_folds(runtime: Runtime, on_progress: Callable[[float], None] = lambda fraction: None) -> SplitSummary:
    """Give every labeled product without a fold one. Safe to run twice; about 70 µs a product."""
    with runtime.sessions.read() as session:
        products = list(splits.iter_labeled_titles(session))
    if not products:
        return SplitSummary(0, 0, 0, 0)
    plan = plan_folds(products, on_progress)
    for start in range(0, len(plan.new), WRITE_CHUNK):
        with runtime.sessions.write() as session:
            splits.insert_splits(session, plan.new[start : start + WRITE_CHUNK])
    for fold, product_ids in plan.moved.items():
        with runtime.sessions.write() as session:
            splits.set_fold(session, product_ids, fold)
    return SplitSummary(len(products), len(plan.new), plan.n_groups, plan.n_left_out)


@dataclass
class FoldPlan:
    """What `plan_folds` found: rows to insert, known products by the fold to write (left out, or back in theirs)."""

    n_groups: int
    new: list[dict[str, object]] = field(default_factory=list)
    moved: dict[int, list[int]] = field(default_factory=dict)
    n_left_out: int = 0  # in all

    def move(self, product: SplitTitle, fold: int) -> None:
        """Note a fold to write; a negative one leaves the product out."""
        self.moved.setdefault(fold, []).append(product.product_id)
        self.n_left_out += fold < 0


def plan_folds(
    products: Sequence[SplitTitle], on_progress: Callable[[float], None] = lambda fraction: None
) -> FoldPlan:
    """Folds for new products, and for known ones whose title was changed so that they crossed over, or back."""
    groups = _groups(products, on_progress)
    big = max(50, int(BIG_GROUP * len(products)))
    plan = FoldPlan(len(groups))
    for members in groups:
        waiting = [member for member in members if member.fold is not None and member.fold < 0]
        anchors = [member for member in members if member.fold is None or member.fold >= 0]
        parts = _groups(anchors) if waiting and anchors else [anchors]  # who is left out ties nobody to anybody
        folds = [fold for part in parts if part for fold in _place(plan, part, big)]
        _take_back(plan, waiting, folds, big)
    return plan


def _groups(
    products: Sequence[SplitTitle], on_progress: Callable[[float], None] = lambda fraction: None
) -> list[list[SplitTitle]]:
    groups: dict[int, list[SplitTitle]] = {}
    firsts = group_titles([product.title for product in products], on_progress).tolist()
    for product, first in zip(products, firsts, strict=True):
        groups.setdefault(first, []).append(product)
    return list(groups.values())


def _place(plan: FoldPlan, members: Sequence[SplitTitle], big: int) -> list[int]:
    """Plan a group of which nobody is left out yet; returns one fold of each side it has now."""
    known = [member for member in members if member.fold is not None]
    leaving = _smaller_sides(known) if len({_side(member.fold) for member in known}) > 1 else set()
    for member in known:
        if member.product_id in leaving and member.fold is not None:
            plan.move(member, Fold.left_out(member.fold))
    folds = {_side(m.fold): m.fold for m in known if m.product_id not in leaving and m.fold is not None}
    if known:
        key = known[0].group_key
        fold = next(iter(folds.values())) if len(folds) == 1 else Fold.NONE
    else:
        key = _group_key(members[0].title)
        fold = _fold_of(key, is_big=len(members) > big)
        folds = {_side(fold): fold}
    new = [member.product_id for member in members if member.fold is None]
    plan.new += [{"product_id": product_id, "group_key": key, "fold": fold} for product_id in new]
    plan.n_left_out += len(new) if fold < 0 else 0
    return list(folds.values())


def _smaller_sides(known: Sequence[SplitTitle]) -> set[int]:
    """Of products on several sides, those to leave out so that no near-duplicates are on two; the held-out stay if
    there are as many."""
    leaving: set[int] = set()
    for members in _groups(known):
        sides = [_side(member.fold) for member in members]
        kept = max(sorted(set(sides)), key=sides.count)
        leaving |= {member.product_id for member in members if _side(member.fold) != kept}
    return leaving


def _take_back(plan: FoldPlan, waiting: Sequence[SplitTitle], folds: Sequence[int], big: int) -> None:
    """Of a group's left-out products, those go back that are like products of their own side only."""
    homes = {member.product_id: Fold.left_out(member.fold or 0) for member in waiting if member.fold != Fold.NONE}
    sides = {_side(fold) for fold in folds or homes.values()}
    for member in waiting:
        home = homes.get(member.product_id)
        if len(sides) > 1 or (home is not None and _side(home) not in sides):
            plan.n_left_out += 1
        elif home is not None:
            plan.move(member, home)
        else:  # it never had a fold
            free = [*folds, *homes.values()] or [_fold_of(_group_key(waiting[0].title), len(waiting) > big)]
            plan.move(member, free[0])


def _side(fold: int | None) -> int:
    return fold if fold in (Fold.TEST, Fold.VALIDATION) else Fold.COUNT


def _group_key(title: str) -> str:
    words = " ".join(sorted(fold_title(title)))
    return blake2b(words.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _fold_of(key: str, is_big: bool) -> int:
    number = int(key[:12], 16)
    return 2 + number % (Fold.COUNT - 2) if is_big else number % Fold.COUNT
