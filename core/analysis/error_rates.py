"""Human vs model error rates per category, from blind votes and stored answers, both judged by gold.

What is judged: `gold_judging`; for which products it stands: `sampling`; the statistics: `paired_errors`, `verdicts`.
On small catalogues it is worked out when asked for; on large ones a job does it and `measurements` keeps it, so that
the page answers at once and says of when it is.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.analysis.measuring import measure
from core.analysis.paired_errors import ErrorSums, PairedErrors, model_rate, people_rate, vote_correlation
from core.analysis.sampling import Part, Sampled, Sampling
from core.analysis.verdicts import ErrorRow, Node, Verdict, VerdictRules, error_rows, group_leaves
from core.catalogue.taxonomy import Category, load_categories
from core.errors import N_
from core.jobs.context import JobContext
from core.jobs.queue import enqueue
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.training.intervals import Rate
from core.types import Actor, utc_now
from db import error_rates, model_versions
from db.measurements import last_decision

LIVE_DECISIONS = 20_000
"""Up to here all decisions are looked at in well under half a second, so nothing is kept."""

JOB = "measure_error_rates"
JUDGING = N_("judging gold products")


@dataclass(frozen=True)
class Confused:
    """A category that a side takes products of another for, `n` times."""

    category_id: int
    n: int


@dataclass(frozen=True)
class ConfusedPair:
    """Two categories that are taken for each other: so many votes, so many answers of the model."""

    a_id: int
    b_id: int
    n_people: int
    n_model: int


@dataclass(frozen=True)
class VersionError:
    """A version's error on the gold products that the page is about and that it answered."""

    version_id: int
    name: str
    model: Rate


@dataclass(frozen=True)
class ErrorRates:
    """Everything of one version (none: people alone). Rates are errors 0..1, lower is better."""

    version_id: int | None
    version: str | None
    as_of: datetime
    n_newer: int  # decisions since then
    n_gold: int
    left_out: dict[str, int]  # gold products: in_bulk, no_votes, may_have_learned, not_answered, undecided
    sampling: Sampling
    rho: float  # correlation of votes on one product
    sums: dict[int, ErrorSums]  # by leaf
    confused_by: dict[str, dict[int, Counter[int]]]  # people | model -> leaf -> other category -> how often
    pairs: tuple[ConfusedPair, ...]
    trend_sums: list[tuple[int, str, int, ErrorSums]]  # version, its name, root, model sums
    categories: dict[int, Category] = field(repr=False)
    rules: VerdictRules = field(default_factory=VerdictRules)

    @property
    def n(self) -> int:
        """Gold products that both are judged on."""
        return int(sum(sums.n for sums in self.sums.values()))

    @property
    def may_judge(self) -> bool:
        """False while hardly anything was settled of a part of the voted products: no rate is fair then."""
        return not self.sampling.neglected()

    def overall(self) -> tuple[Rate, PairedErrors | None, Verdict]:
        """People's rate, both beside each other, and who is better over all products."""
        row = self._rows([(None, False, tuple(self.sums))])[0]
        return row.people, row.paired, row.verdict

    def rows(self, depth: int | None = None) -> list[ErrorRow]:
        """A row a category at `depth` (1 is a root; none: leaves), small ones pooled; the model's lead falls."""
        groups = group_leaves({leaf: sums.n for leaf, sums in self.sums.items()}, self._node, depth, self.rules.fewest)
        return sorted(self._rows(groups), key=_lead, reverse=True)

    def _rows(self, groups: list[tuple[int | None, bool, tuple[int, ...]]]) -> list[ErrorRow]:
        has_model = self.version_id is not None
        return error_rows(groups, self.sums, self.rho, has_model, self.rules, self.may_judge)

    def _node(self, category_id: int) -> Node:
        category = self.categories[category_id]
        return Node(category.id, category.parent_id, category.depth)

    def root_of(self, row: ErrorRow) -> int | None:
        """The department of a row; none where it spans several."""
        roots = {self.root_id(leaf) for leaf in row.leaf_ids}
        return roots.pop() if len(roots) == 1 else None

    def root_id(self, category_id: int) -> int:
        """The department that a category lies in."""
        while (parent := self.categories[category_id].parent_id) is not None:
            category_id = parent
        return category_id

    def confused(self, row: ErrorRow, side: str, limit: int = 5) -> list[Confused]:
        """What `side` ('people' or 'model') most often takes products of the row for."""
        counts = sum((self.confused_by[side].get(leaf, Counter()) for leaf in row.leaf_ids), Counter[int]())
        return [Confused(category, n) for category, n in counts.most_common(limit)]

    def trend(self, root_id: int | None = None) -> tuple[Rate, list[VersionError]]:
        """People's error and each version's, oldest first, of all or of one department."""
        leaves = [sums for leaf, sums in self.sums.items() if root_id in (None, self.root_id(leaf))]
        versions: dict[tuple[int, str], list[ErrorSums]] = {}
        for version_id, name, root, sums in self.trend_sums:
            if root_id in (None, root):
                versions.setdefault((version_id, name), []).append(sums)
        errors = [VersionError(*version, model_rate(ErrorSums.union(parts))) for version, parts in versions.items()]
        return people_rate(ErrorSums.union(leaves), self.rho), sorted(errors, key=lambda one: one.version_id)


def _lead(row: ErrorRow) -> tuple[bool, float]:
    return row.n >= 1, row.paired.difference if row.paired else row.people.value or 0.0


def get_error_rates(
    runtime: Runtime, actor: Actor, version_id: int | None = None, rules: VerdictRules | None = None
) -> ErrorRates | None:
    """Of this version, by default the one in use, else of people alone. None: large, and not worked out yet.

    On a large catalogue it is of an earlier moment (`as_of`); `refresh_error_rates` brings a new one. Raises Forbidden
    (annotators).
    """
    authorize(actor, Action.SEE_ANALYSIS)
    with runtime.sessions.read() as session:
        version_id = version_id or model_versions.find_promoted_id(session)
        last_decision_id = last_decision(session)
        names = error_rates.map_names(session, [version_id] if version_id else [])
        kept = error_rates.find_measurement(session, version_id) if last_decision_id > LIVE_DECISIONS else None
    if kept is not None:
        result, until, as_of = kept.result, kept.last_decision_id, kept.created_at
    elif last_decision_id > LIVE_DECISIONS:
        return None
    else:
        as_of = utc_now()
        result, until = measure(runtime, version_id)
    name = names.get(version_id) if version_id else None
    found = _read(result, load_categories(runtime), rules or VerdictRules())
    return ErrorRates(version_id, name, as_of, max(last_decision_id - until, 0), **found)


def _read(result: dict[str, Any], categories: dict[int, Category], rules: VerdictRules) -> dict[str, Any]:
    """The stored form back as fields; leaves that have left the tree since are dropped."""
    sums = {
        int(leaf): ErrorSums.from_list(values) for leaf, values in result["leaves"].items() if int(leaf) in categories
    }
    trend = [
        (version, name, root, ErrorSums(n=n, w=w, w_model=w_model, squares=squares))
        for version, name, root, n, w, w_model, squares in result["trend"]
    ]
    return {
        "n_gold": result["n_gold"],
        "left_out": result["left_out"],
        "sampling": Sampling(tuple(Sampled(Part(part), voted, settled) for part, voted, settled in result["sampling"])),
        "rho": vote_correlation(ErrorSums.union(sums.values())),
        "sums": sums,
        "confused_by": {
            side: {int(leaf): Counter(dict(counts)) for leaf, counts in by_leaf.items()}
            for side, by_leaf in result["confused"].items()
        },
        "pairs": tuple(ConfusedPair(*pair) for pair in result["pairs"] if {pair[0], pair[1]} <= set(categories)),
        "trend_sums": trend,
        "categories": categories,
        "rules": rules,
    }


def refresh_error_rates(runtime: Runtime, actor: Actor, version_id: int | None = None) -> int:
    """Have a job work it out anew; returns the job's id. Raises Forbidden."""
    authorize(actor, Action.SEE_ANALYSIS)
    return enqueue(runtime, actor, JOB, {"version_id": version_id}, dedupe_key=f"{JOB}:{version_id}")


def run_error_rates_job(context: JobContext) -> dict[str, Any]:
    """The job `measure_error_rates`: payload version_id (none: the one in use when it runs)."""
    runtime = context.runtime
    with runtime.sessions.read() as session:
        version_id = context.payload.get("version_id") or model_versions.find_promoted_id(session)
    result, until = measure(runtime, version_id, lambda fraction: context.report(fraction, JUDGING))
    with runtime.sessions.write() as session:
        error_rates.replace_measurement(session, version_id, until, result, utc_now())
    return {"version_id": version_id, "n_gold": result["n_gold"], "leaves": len(result["leaves"])}
