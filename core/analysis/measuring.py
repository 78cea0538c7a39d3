"""One pass over all gold products: everything the page of error rates needs, as JSON that is kept in `measurements`."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy.orm import Session

from core.analysis.gold_judging import GoldJudged, Leaves, judge
from core.analysis.paired_errors import ErrorSums
from core.analysis.sampling import Part, Sampled, Sampling
from core.catalogue.taxonomy import Category, load_categories
from core.runtime import Runtime
from db import error_rates
from db.error_rates import PartCount
from db.measurements import last_decision

CHUNK = 1_000  # products
N_VERSIONS = 12  # of the trend, the newest
N_CONFUSED = 5  # other categories kept a leaf and side
N_PAIRS = 50


class _Pass:
    """What is added up on the way. Sums by leaf and part: their weight is known only at the end."""

    def __init__(self, version_id: int | None, categories: dict[int, Category]) -> None:
        self.version_id = version_id
        self.root_of = {id_: _root(categories, id_) for id_ in categories}
        self.n_settled: Counter[Part] = Counter()
        self.left_out: Counter[str] = Counter()
        self.sums: dict[tuple[int, Part], ErrorSums] = defaultdict(ErrorSums)
        self.confused: dict[str, dict[int, Counter[int]]] = {
            "people": defaultdict(Counter),
            "model": defaultdict(Counter),
        }
        self.pairs: dict[str, Counter[tuple[int, int]]] = {"people": Counter(), "model": Counter()}
        self.trend: dict[tuple[int, int, Part], list[int]] = defaultdict(lambda: [0, 0])  # products, wrong

    def take(self, found: GoldJudged) -> None:
        if found.in_bulk:
            self.left_out["in_bulk"] += 1
            return
        if found.part is None:
            self.left_out["no_votes"] += 1
            return
        if self.version_id is not None and not found.is_held_out:
            self.left_out["may_have_learned"] += 1
            return
        if self.version_id is not None and self.version_id not in found.answers:
            self.left_out["not_answered"] += 1
            return
        self.n_settled[found.part] += 1
        if not found.n_decided:
            self.left_out["undecided"] += 1
            return
        self.sums[found.gold_id, found.part].add(found.judged(self.version_id, 1.0))
        for vote in found.votes:
            if vote.is_wrong and vote.category_id is not None:
                self._confuse("people", found.gold_id, vote.category_id)
        if self.version_id is not None and found.is_wrong(self.version_id):
            self._confuse("model", found.gold_id, found.answers[self.version_id])
        for version_id in found.answers:
            counts = self.trend[version_id, self.root_of[found.gold_id], found.part]
            counts[0] += 1
            counts[1] += bool(found.is_wrong(version_id))

    def _confuse(self, side: str, gold: int, other: int) -> None:
        self.confused[side][gold][other] += 1
        self.pairs[side][min(gold, other), max(gold, other)] += 1


def _root(categories: dict[int, Category], category_id: int) -> int:
    while (parent := categories[category_id].parent_id) is not None:
        category_id = parent
    return category_id


def measure(
    runtime: Runtime, version_id: int | None, report: Callable[[float], None] = lambda fraction: None
) -> tuple[dict[str, Any], int]:
    """The measurement of this version (none: of people alone), and the last decision that is in it.

    `report` hears the fraction done, 0..1, and may raise to stop.
    """
    categories = load_categories(runtime)
    with runtime.sessions.read() as session:
        last_decision_id = last_decision(session)
        leaves = Leaves(categories, error_rates.map_merged(session))
        versions = _versions(session, version_id)
        n_gold = error_rates.count_gold(session)
        passed, n_seen = _Pass(version_id, categories), 0
        for chunk in _gold(session, leaves, list(versions), version_id):
            for found in chunk:
                passed.take(found)
            n_seen += CHUNK
            report(min(n_seen / max(n_gold, 1), 1.0))
        sampling = _sampling(error_rates.count_parts(session, version_id), passed.n_settled)
    return _result(passed, sampling, versions, n_gold), last_decision_id


def _versions(session: Session, version_id: int | None) -> dict[int, str]:
    """The compared version and the newest others; none where no model is compared."""
    if version_id is None:
        return {}
    return dict(error_rates.list_scored_versions(session, N_VERSIONS)) | error_rates.map_names(session, [version_id])


def _gold(session: Session, leaves: Leaves, version_ids: list[int], compared: int | None) -> Iterator[list[GoldJudged]]:
    after_id = 0
    while products := error_rates.list_gold(session, after_id, CHUNK):
        after_id = products[-1].id
        yield judge(session, products, leaves, version_ids, compared)


def _sampling(counts: list[PartCount], n_settled: Counter[Part]) -> Sampling:
    voted: Counter[Part] = Counter()
    for count in counts:
        if count.is_disputed:
            part = Part.DISPUTED
        elif count.is_single:
            part = Part.ONE_VOTE_MODEL_DIFFERS if count.model_differs else Part.ONE_VOTE
        else:
            part = Part.AGREED_MODEL_DIFFERS if count.model_differs else Part.AGREED
        voted[part] += count.n
    return Sampling(tuple(Sampled(part, voted[part], n_settled[part]) for part in Part if voted[part]))


def _result(passed: _Pass, sampling: Sampling, versions: dict[int, str], n_gold: int) -> dict[str, Any]:
    weights = sampling.weights()
    leaves: dict[int, list[ErrorSums]] = defaultdict(list)
    for (leaf, part), sums in passed.sums.items():
        leaves[leaf].append(sums.scaled(weights[part]))
    trend: dict[tuple[int, int], ErrorSums] = defaultdict(ErrorSums)
    for (version, root, part), (n, n_wrong) in passed.trend.items():
        w, one = weights[part], trend[version, root]
        one.n, one.w, one.w_model, one.squares = (
            one.n + n,
            one.w + w * n,
            one.w_model + w * n_wrong,
            one.squares + w * w * n,
        )
    return {
        "n_gold": n_gold,
        "left_out": dict(passed.left_out),
        "sampling": [[part.part.value, part.n_voted, part.n_settled] for part in sampling.parts],
        "leaves": {str(leaf): ErrorSums.union(parts).to_list() for leaf, parts in leaves.items()},
        "confused": {
            side: {str(leaf): counts.most_common(N_CONFUSED) for leaf, counts in by_leaf.items()}
            for side, by_leaf in passed.confused.items()
        },
        "pairs": [
            [*pair, passed.pairs["people"][pair], passed.pairs["model"][pair]]
            for pair, _ in (passed.pairs["people"] + passed.pairs["model"]).most_common(N_PAIRS)
        ],
        "trend": [
            [version, versions[version], root, sums.n, sums.w, sums.w_model, sums.squares]
            for (version, root), sums in sorted(trend.items())
        ],
    }
