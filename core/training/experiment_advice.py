"""An experiment's recommendation in words: what is best overall, fairest over categories, quickest to train."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import N_
from core.training.experiments import Run
from core.training.training_settings import CAPS

FAIR_DEPTH = 2  # Bunjang's choice: Precision@2 over categories


@dataclass(frozen=True)
class Sentence:
    """A template for gettext and what goes into it; runs go in as such, for whoever shows it to name them."""

    template: str
    values: dict[str, Any]

    def filled(self, name: Callable[[Run], str]) -> dict[str, str]:
        """The values as texts: a run by its `name`, several with commas."""
        return {
            key: ", ".join(map(name, value))
            if isinstance(value, list)
            else name(value)
            if isinstance(value, Run)
            else value
            for key, value in self.values.items()
        }

    def __str__(self) -> str:
        return self.template.format(**self.filled(lambda run: run.name))


@dataclass(frozen=True)
class Advice:
    """Which run to take, and why."""

    chosen: Run
    sentences: list[Sentence]


def advise(runs: Sequence[Run]) -> Advice | None:
    """None until a run has a result.

    Overall: the highest P@1; what cannot be told apart from it (the paired interval holds 0) counts as level. Of the
    level ones those without a cap come first, for a cap throws rows away; of these the quickest to train is taken.
    Fairness: the highest median of per-category Precision@2, then the narrowest box.
    """
    judged = [run for run in runs if run.error is None and run.n]
    if not judged:
        return None
    best = max(judged, key=lambda run: run.n_right[1] / run.n)  # the first of equals
    idle = [run for run in judged if run.cap != CAPS[0] and run.n_train == _uncapped(judged, run)]
    rivals = [run for run in judged if run not in idle]
    level = [run for run in rivals if run is best or (run.high is not None and run.high >= 0)]
    chosen = min(level, key=lambda run: (run.cap != CAPS[0], run.fit_seconds)) if len(level) > 1 else best
    sentences = [
        Sentence(
            N_("{run} is right most often: {share} % of {n} products that no model of this experiment saw."),
            {"run": best, "share": f"{100 * best.n_right[1] / best.n:.1f}", "n": f"{best.n:,}"},
        )
    ]
    if len(level) > 1:
        words = N_("These cannot be told apart from it on so few products: {runs}.")
        sentences.append(Sentence(words, {"runs": [run for run in level if run is not best]}))
    if chosen is not best and chosen.cap == CAPS[0] and any(run.cap != CAPS[0] for run in level):
        words = N_("A cap that makes no visible difference is not advised; of the others {run} is the quickest to "
                   "train: {seconds} s.")  # fmt: skip
        sentences.append(Sentence(words, {"run": chosen, "seconds": f"{chosen.fit_seconds:.0f}"}))
    elif chosen is not best:
        sentences.append(
            Sentence(
                N_("Of these {run} is the quickest to train: {seconds} s against {best} s."),
                {"run": chosen, "seconds": f"{chosen.fit_seconds:.0f}", "best": f"{best.fit_seconds:.0f}"},
            )
        )
    if idle:
        words = N_("With this constant these caps left nothing out, so they made no difference: {runs}.")
        sentences.append(Sentence(words, {"runs": idle}))
    fairest = _fairest(judged)
    if fairest is not None:
        sentences.append(_about_fairness(fairest, best))
    failed = [run for run in runs if run.error is not None]
    if failed:
        sentences.append(Sentence(N_("Without a result: {runs}."), {"runs": failed}))
    return Advice(chosen, sentences)


def _uncapped(runs: Sequence[Run], capped: Run) -> int | None:
    """Training rows of the same encoder without a cap."""
    return next((run.n_train for run in runs if run.encoder == capped.encoder and run.cap == CAPS[0]), None)


def _fairest(runs: Sequence[Run]) -> Run | None:
    boxed = [(run, box) for run in runs if (box := run.quartiles(FAIR_DEPTH)) is not None]
    if not boxed:
        return None
    return max(boxed, key=lambda pair: (round(pair[1][1], 4), pair[1][0] - pair[1][2]))[0]


def _about_fairness(fairest: Run, best: Run) -> Sentence:
    box, usual = fairest.quartiles(FAIR_DEPTH), best.quartiles(FAIR_DEPTH)
    assert box is not None, "the fairest run has a box"
    if fairest is best or usual is None:
        return Sentence(
            N_("Categories with at least 5 judged products fare best with it too: half of them have {median} % or more "
               "of their products among its first two answers."),
            {"median": f"{100 * box[1]:.1f}"},
        )  # fmt: skip
    return Sentence(
        N_("Categories with at least 5 judged products fare best with {run}: the middle one has {median} % among the "
           "first two answers, a quarter have less than {low} % (with {best}: {best_median} % and {best_low} %)."),
        {
            "run": fairest,
            "median": f"{100 * box[1]:.1f}",
            "low": f"{100 * box[0]:.1f}",
            "best": best,
            "best_median": f"{100 * usual[1]:.1f}",
            "best_low": f"{100 * usual[0]:.1f}",
        },
    )  # fmt: skip
