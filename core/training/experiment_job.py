"""The experiment job: every encoder with every cap, on one frozen snapshot, judged on rows none of them saw.

Safe to run twice: a killed attempt's finished runs are kept, the running one goes on from its checkpoint.
"""

import time
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from core.disk import room_on_disk
from core.errors import AppError, JobCancelled
from core.jobs.context import JobContext
from core.jobs.ownership import keep_hold
from core.patience import patiently
from core.training.experiments import DEPTHS, KIND, ExperimentSettings, Run
from core.training.intervals import paired_difference_interval
from core.training.trial import Judged, Trial, frozen_trial_rows, run_trial
from core.types import utc_now
from db import experiments
from models.types import FitProgress

MIN_JUDGED = 5  # a category with fewer judged rows has no box of its own


def run_experiment_job(context: JobContext) -> dict[str, Any]:
    """The handler of 'experiment' jobs; the payload is `ExperimentSettings.to_dict`."""
    with room_on_disk(context.runtime.data_dir):
        return _Experiment(context).run()


class _Experiment:
    """One attempt."""

    def __init__(self, context: JobContext) -> None:
        self.context, self.runtime = context, context.runtime
        self.settings = ExperimentSettings.from_dict(context.payload)
        self.pairs = list(product(self.settings.encoders, self.settings.caps))
        self.runs: list[Run] = []

    def run(self) -> dict[str, Any]:
        with self.runtime.sessions.write() as session:
            self.id = experiments.ensure_experiment(
                session, KIND, self.context.job.id, self.settings.to_dict(), utc_now()
            )
            found = experiments.find_experiment(session, self.id)
            self.runs = [Run.from_dict(values) for values in (found[0].results if found else [])]
        trial = frozen_trial_rows(self.context, self.settings.min_rows, self.settings.max_rows, self.settings.seed)
        self._write(snapshot_id=trial.snapshot_id)
        for number, (encoder, cap) in enumerate(self.pairs):
            if not any((run.encoder, run.cap) == (encoder, cap) for run in self.runs):
                self.runs.append(self._run(trial, number, encoder, cap))
                self._write(results=[run.to_dict() for run in self.runs])
        self.runs = self._with_differences()
        self._write(results=[run.to_dict() for run in self.runs], finished_at=utc_now())
        return {"experiment_id": self.id, "runs": len(self.runs), "n": trial.n_judged}

    def _run(self, trial: Trial, number: int, encoder: str, cap: str) -> Run:
        name = f"{encoder} / {cap}"

        def show(progress: FitProgress) -> None:
            fraction = (number + progress.fraction) / len(self.pairs)
            numbers = {"epoch": progress.epoch, "n_epochs": progress.n_epochs, "run": name}
            self.context.report(0.05 + 0.95 * fraction, progress.stage, **numbers)

        began = time.monotonic()
        try:
            judged = run_trial(
                self.context, trial, self.settings.training(encoder, cap), self.context.folder / f"run-{number}", show
            )
        except JobCancelled:
            raise
        except AppError as error:
            self.context.log(f"{name}: {error}")
            return Run(encoder, cap, 0, 0, {}, None, {}, time.monotonic() - began, 0.0, str(error))
        np.save(self._hits_file(encoder, cap), judged.right_within(1))
        run = _judged_run(encoder, cap, judged)
        self.context.log(f"{name}: P@1 {run.n_right[1] / run.n:.3f} on {run.n:,} rows, {run.fit_seconds:.0f} s.")
        return run

    def _with_differences(self) -> list[Run]:
        """Each run beside the best one, row by row."""
        judged = [run for run in self.runs if run.error is None]
        if not judged:
            return self.runs
        best = max(judged, key=lambda run: run.n_right[1])
        right_best = np.load(self._hits_file(best.encoder, best.cap))
        found = []
        for run in self.runs:
            if run.error is None and run is not best:
                right = np.load(self._hits_file(run.encoder, run.cap))
                both, neither = int((right & right_best).sum()), int((~right & ~right_best).sum())
                only_best, only_run = int((right_best & ~right).sum()), int((right & ~right_best).sum())
                low, high = paired_difference_interval(both, only_best, only_run, neither)
                run = replace(run, difference=(only_run - only_best) / len(right), low=low, high=high)
            found.append(run)
        return found

    def _hits_file(self, encoder: str, cap: str) -> Any:
        return self.context.folder / f"hits-{encoder}-{cap}.npy"

    def _write(self, **values: Any) -> None:
        patiently(partial(self._write_once, values))

    def _write_once(self, values: dict[str, Any]) -> None:
        with self.runtime.sessions.write() as session:
            experiments.update_experiment(session, self.id, **values)
            keep_hold(session, self.context)


def _judged_run(encoder: str, cap: str, judged: Judged) -> Run:
    return Run(
        encoder=encoder,
        cap=cap,
        n_train=judged.n_train,
        n=len(judged.labels),
        n_right={k: int(judged.right_within(k).sum()) for k in DEPTHS},
        macro_f1=judged.macro_f1,
        shares={k: _category_shares(judged, k) for k in DEPTHS},
        fit_seconds=round(judged.fit_seconds, 2),
        titles_per_second=round(judged.titles_per_second, 1),
        error=None,
    )


def _category_shares(judged: Judged, k: int) -> list[float]:
    """Precision@k of every category with enough judged rows, by category id."""
    ids, places = np.unique(judged.labels, return_inverse=True)
    n, right = np.bincount(places), np.bincount(places, weights=judged.right_within(k))
    enough = n >= MIN_JUDGED
    return [round(float(share), 4) for share in right[enough] / n[enough]] if len(ids) else []
