"""The tuning job: Optuna tries settings of one encoder; tries that fall behind are cut short.

Optuna keeps its study in a journal in the job's folder, so a killed attempt's finished tries are kept. The sampler is
seeded: the same snapshot, settings and machine try the same values.
"""

import json
import time
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from core.disk import room_on_disk
from core.errors import AppError, JobCancelled
from core.jobs.context import JobContext
from core.jobs.ownership import keep_hold
from core.patience import patiently
from core.training.search_space import Dimension, OneOf, space_of
from core.training.trial import Trial, frozen_trial_rows, run_trial
from core.training.tuning import KIND, TuningSettings, TuningTrial
from core.types import utc_now
from db import experiments
from models.types import FitProgress

if TYPE_CHECKING:
    import optuna

STARTUP_TRIALS = 5  # before these nothing is cut short


class _Behind(Exception):
    """This try is behind the others at the same epoch."""


def run_tuning_job(context: JobContext) -> dict[str, Any]:
    """The handler of 'tuning' jobs; the payload is `TuningSettings.to_dict`."""
    with room_on_disk(context.runtime.data_dir):
        return _Tuning(context).run()


class _Tuning:
    """One attempt."""

    def __init__(self, context: JobContext) -> None:
        self.context, self.runtime = context, context.runtime
        self.settings = TuningSettings.from_dict(context.payload)
        self.space = space_of(self.settings.encoder, self.settings.use_images)

    def run(self) -> dict[str, Any]:
        with self.runtime.sessions.write() as session:
            settings = self.settings.to_dict()
            self.id = experiments.ensure_experiment(session, KIND, self.context.job.id, settings, utc_now())
            found = experiments.find_experiment(session, self.id)
            kept = found[0].results[0]["trials"] if found and found[0].results else []
        self.trials = [TuningTrial(**values) for values in kept]
        rows = frozen_trial_rows(self.context, self.settings.min_rows, self.settings.max_rows, self.settings.seed)
        self._write(snapshot_id=rows.snapshot_id)
        study = self._study()
        while (number := len(self.trials)) < self.settings.n_trials:
            self.trials.append(self._try(study, rows, number))
            self._write(results=[self._results({})])
        self._write(results=[self._results(_importances(study))], finished_at=utc_now())
        best = max((t for t in self.trials if t.state == "complete"), key=lambda t: t.n_right, default=None)
        return {
            "tuning_id": self.id,
            "trials": len(self.trials),
            "n": rows.n_judged,
            "best": best and best.number,
            "p_at_1": best and best.n_right / best.n,
        }

    def _study(self) -> "optuna.Study":
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(self.context.folder / "study.journal"))),
            study_name="tuning",
            load_if_exists=True,
            direction="maximize",
            sampler=optuna.samplers.TPESampler(seed=self.settings.seed + len(self.trials)),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS, n_warmup_steps=1),
        )
        for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)  # the worker died in it
        return study

    def _try(self, study: "optuna.Study", rows: Trial, number: int) -> TuningTrial:
        from optuna.trial import TrialState

        trial = study.ask()
        params = {name: _suggest(trial, name, dimension) for name, dimension in self.space.items()}
        began = time.monotonic()
        # a killed trial is drawn anew: its checkpoints are of other values
        drawn = blake2b(json.dumps(params, sort_keys=True).encode(), digest_size=6).hexdigest()
        folder = self.context.folder / f"trial-{number}-{drawn}"

        def ended(state: str, n: int = 0, n_right: int = 0, error: str | None = None) -> TuningTrial:
            seconds = round(time.monotonic() - began, 2)
            return TuningTrial(number, state, params, n, n_right, seconds, error)

        try:
            judged = run_trial(self.context, rows, self.settings.training(params), folder, self._watch(trial, number))
        except _Behind:
            study.tell(trial, state=TrialState.PRUNED)
            return ended("pruned")
        except JobCancelled:
            raise
        except AppError as error:
            self.context.log(f"Trial {number}: {error}")
            study.tell(trial, state=TrialState.FAIL)
            return ended("failed", error=str(error))
        n, n_right = len(judged.labels), int(judged.right_within(1).sum())
        study.tell(trial, n_right / n)
        self.context.log(f"Trial {number}: P@1 {n_right / n:.3f} with {params}")
        return ended("complete", n, n_right)

    def _watch(self, trial: "optuna.Trial", number: int) -> Any:
        """Shows progress and ends a try that is behind at the end of an epoch."""
        told: set[int] = set()

        def watch(progress: FitProgress) -> None:
            done = (number + progress.fraction) / self.settings.n_trials
            numbers = {"epoch": progress.epoch, "n_epochs": progress.n_epochs, "trial": number + 1}
            self.context.report(
                0.05 + 0.95 * done, progress.stage, **numbers, validation_p_at_1=progress.validation_p_at_1
            )
            epoch, share = progress.epoch, progress.validation_p_at_1
            if epoch is None or share is None or epoch in told:
                return
            told.add(epoch)
            trial.report(share, epoch)
            if trial.should_prune():
                raise _Behind()

        return watch

    def _results(self, importances: dict[str, float]) -> dict[str, Any]:
        return {"trials": [vars(trial) for trial in self.trials], "importances": importances}

    def _write(self, **values: Any) -> None:
        patiently(partial(self._write_once, values))

    def _write_once(self, values: dict[str, Any]) -> None:
        with self.runtime.sessions.write() as session:
            experiments.update_experiment(session, self.id, **values)
            keep_hold(session, self.context)


def _suggest(trial: "optuna.Trial", name: str, dimension: Dimension) -> Any:
    """The next value to try; several numbers as a list, as JSON keeps them."""
    if isinstance(dimension, OneOf):
        by_text = {str(value): value for value in dimension.values}  # Optuna keeps plain values only
        value = by_text[trial.suggest_categorical(name, list(by_text))]
        return list(value) if isinstance(value, tuple) else value
    if dimension.is_whole:
        return trial.suggest_int(name, int(dimension.low), int(dimension.high), log=dimension.log)
    return trial.suggest_float(name, dimension.low, dimension.high, log=dimension.log)


def _importances(study: "optuna.Study") -> dict[str, float]:
    """Share of the difference in P@1 that each setting made (fANOVA); empty with too few whole trials to tell."""
    import optuna

    done = [trial for trial in study.get_trials(deepcopy=False) if trial.state == optuna.trial.TrialState.COMPLETE]
    if len(done) < 4 or len({trial.value for trial in done}) < 2:
        return {}
    found = optuna.importance.get_param_importances(
        study, evaluator=optuna.importance.FanovaImportanceEvaluator(seed=7)
    )
    return {name: round(float(share), 4) for name, share in found.items()}
