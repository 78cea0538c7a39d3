"""The train job: freeze what is known, fit, judge on held-out rows, keep the version, let it answer.

Safe to run twice: a second attempt learns from the snapshot of the first, goes on from its checkpoint, and fills the
same version row. A version is listed only once it is whole; a cancelled or failed job leaves none.
"""

from dataclasses import asdict
from functools import partial
from typing import Any

from core.curation.exclusions import list_rules
from core.disk import room_on_disk
from core.errors import N_, Conflict, NotReady
from core.jobs.context import JobContext, JobLost
from core.jobs.ownership import keep_hold
from core.jobs.queue import enqueue
from core.json_file import read_json, write_json
from core.permissions import Action, authorize, may
from core.runtime import Runtime
from core.serving.loading import load_version_model
from core.serving.scoring import score_products
from core.settings import Settings
from core.training import splits
from core.training.abstention import choose_rules, too_few_rows
from core.training.earlier_version import choose_earlier_version, earlier_artifact
from core.training.encoder_settings import check_settings
from core.training.fit_rows import (
    checkpoint_folder,
    describe_training_device,
    fit_rows,
    resolve_training_device,
)
from core.training.judging import judge
from core.training.keeping import discard_unfinished, keep_version
from core.training.learning_rows import LearningRows, read_snapshot
from core.training.lineage import find_descent
from core.training.prepare import Preparation, PreparedRows, prepare_rows
from core.training.registry import find_promoted_version, find_version, promote
from core.training.selfie_training import write_kept_verdicts
from core.training.snapshot import Snapshot, get_snapshot, take_snapshot
from core.training.suspected_labels import list_suspects
from core.training.training_settings import TrainingSettings
from core.training.usable_rows import check_rows, tell_oddities
from core.training.versions import ModelVersion
from core.types import Actor, utc_now
from db import model_versions
from db.enums import ModelStatus
from db.predictions import Scope
from models.types import CategoryModel

# where each stage ends on the way from 0 to 1; without scoring afterwards the rest is stretched
GROUPING, FREEZING, PREPARING, FITTING, EVALUATING, SCORING = 0.04, 0.07, 0.15, 0.85, 0.88, 1.0


def training_payload(actor: Actor, settings: TrainingSettings, machine: Settings | None = None) -> dict[str, Any]:
    """What a train job of these settings carries. Who may not promote only trains.

    Raises Forbidden, NotReady or InvalidInput when these settings cannot be trained with here.
    """
    authorize(actor, Action.TRAIN)
    check_settings(settings, machine)
    promotes = settings.promote_if_first and may(actor, Action.PROMOTE)
    return settings.to_dict() | {"promote_if_first": promotes}


def enqueue_training(runtime: Runtime, actor: Actor, settings: TrainingSettings | None = None) -> int:
    """Ask for a training; returns the job's id. While one waits, that one's id: asking twice changes nothing."""
    payload = training_payload(actor, settings or TrainingSettings(), runtime.settings)
    return enqueue(runtime, actor, "train", payload, dedupe_key="train")


def run_train_job(context: JobContext) -> dict[str, Any]:
    """The handler of 'train' jobs; the payload is `TrainingSettings.to_dict`."""
    training = _Training(context)
    with room_on_disk(context.runtime.data_dir):
        try:
            return training.run()
        except JobLost:  # another worker has the job and what was begun
            raise
        except BaseException:
            discard_unfinished(context)
            raise


class _Training:
    """One attempt. `state` survives a kill: which snapshot, and the curve so far."""

    def __init__(self, context: JobContext) -> None:
        self.context, self.runtime = context, context.runtime
        self.settings = TrainingSettings.from_dict(context.payload)
        self.state_file = context.folder / "attempt.json"
        self.state: dict[str, Any] = read_json(self.state_file) or {"snapshot_id": None, "history": []}

    def run(self) -> dict[str, Any]:
        snapshot = self._snapshot()
        rows = read_snapshot(self.runtime, snapshot)
        version = self._finished_version()
        if version is None:
            check_rows(rows)
            self._choose_device()
            prepared = self._prepare(rows)
            check_rows(prepared.rows)
            tell_oddities(prepared.rows.train, self.context.log)
            model = self._fit(prepared.rows)
            version = self._evaluate_and_keep(model, prepared, snapshot)
        else:
            model = load_version_model(self.runtime, version, self.settings.device)
        write_kept_verdicts(self.context, checkpoint_folder(self.context), version.id)
        self._let_current_answer(version)
        facts = self._facts(version, snapshot, rows)
        if self.settings.score_after:
            facts |= self._score(version, model)
        if self.settings.promote_if_first and find_promoted_version(self.runtime) is None:
            self._promote(version)
        promoted = find_promoted_version(self.runtime)
        is_promoted = promoted is not None and promoted.id == version.id
        return facts | {"promoted": is_promoted, "seconds": self._seconds()}

    def _report(self, fraction: float, stage: str, **detail: Any) -> None:
        whole = SCORING if self.settings.score_after else EVALUATING
        self.context.report(min(1.0, fraction / whole), stage, **detail)

    def _report_fit(self, fraction: float, stage: str, **detail: Any) -> None:
        self._report(PREPARING + (FITTING - PREPARING) * fraction, stage, **detail)

    def _snapshot(self) -> Snapshot:
        known = get_snapshot(self.runtime, self.state["snapshot_id"]) if self.state["snapshot_id"] else None
        if known:
            self.context.log(f"Going on with snapshot {known.content_hash[:12]}.")
            return known
        summary = splits.assign_folds(
            self.runtime, lambda fraction: self._report(GROUPING * fraction, N_("grouping near-duplicates"))
        )
        self.context.log(
            f"{summary.n_products:,} labeled products in {summary.n_groups:,} groups of near-duplicates, "
            f"{summary.n_new:,} new, {summary.n_left_out:,} between two folds."
        )
        snapshot = take_snapshot(
            self.runtime,
            self.settings.min_rows,
            self.settings.human_weight,
            lambda f: self._report(GROUPING + (FREEZING - GROUPING) * f, N_("freezing a snapshot")),
        )
        self._remember(snapshot_id=snapshot.id)
        self.context.log(f"Snapshot {snapshot.content_hash[:12]}: {snapshot.n_rows:,} rows {snapshot.summary}.")
        return snapshot

    def _seconds(self) -> float:
        """Since the first attempt began, pauses after a kill included."""
        return round((utc_now() - (self.context.job.started_at or self.context.job.created_at)).total_seconds(), 2)

    def _remember(self, **values: Any) -> None:
        self.state |= values
        write_json(self.state_file, self.state)

    def _finished_version(self) -> ModelVersion | None:
        """The version that an earlier attempt of this job finished."""
        with self.runtime.sessions.read() as session:
            row = model_versions.find_version_of_job(session, self.context.job.id)
        return find_version(self.runtime, row.id) if row and row.status == ModelStatus.READY else None

    def _prepare(self, rows: LearningRows) -> PreparedRows:
        """The rows to learn from, by the rules and suspicions of when the first attempt came here."""
        if "rules" not in self.state:
            self._remember(rules=[rule.to_dict() for rule in list_rules(self.runtime)])
        if "suspects" not in self.state:
            self._remember(suspects=list_suspects(self.runtime, rows))
        work = Preparation(
            self.runtime,
            self.settings,
            self.state["rules"],
            self.context.folder / "preparation",
            self.device,
            report=lambda f, stage, **detail: self._report(FREEZING + (PREPARING - FREEZING) * f, stage, **detail),
            log=self.context.log,
            snapshot_id=self.state["snapshot_id"],
            suspects=self.state["suspects"],
        )
        return prepare_rows(work, rows)

    def _choose_device(self) -> None:
        self.device = resolve_training_device(self.settings.device or self.runtime.settings.device)
        self.context.log(f"Trains on {describe_training_device(self.device)}.")

    def _fit(self, rows: LearningRows) -> CategoryModel:
        if "earlier_version" not in self.state:
            chosen = choose_earlier_version(self.runtime, self.settings, self.context.log)
            descent = find_descent(self.runtime, rows.class_ids) if chosen is not None else {}
            self._remember(earlier_version=chosen, descent=descent)
        return fit_rows(
            self.context,
            self.settings,
            rows,
            self.device,
            history=self.state["history"],
            remember=self._remember,
            report=self._report_fit,
            warm_start=earlier_artifact(self.runtime, self.state["earlier_version"]),
            descent={int(class_id): sources for class_id, sources in self.state.get("descent", {}).items()},
        )

    def _evaluate_and_keep(self, model: CategoryModel, prepared: PreparedRows, snapshot: Snapshot) -> ModelVersion:
        rows = prepared.rows
        config = {
            "model": model.config,
            "training": self.settings.to_dict(),
            "prepared": prepared.facts,
            "too_few_rows": too_few_rows(rows, self.settings),
        }
        rules = choose_rules(self.runtime, model, rows, self.settings, config)
        held_out = judge(
            self.runtime,
            model,
            rows,
            rules,
            lambda f: self._report(FITTING + (EVALUATING - FITTING) * f, N_("judging on held-out rows")),
        )
        test = held_out.test
        seconds = self._seconds()
        metrics = {
            **held_out.to_metrics(),
            "n_train": len(rows.train.labeled),
            "n_validation": len(rows.validation.labeled),
            "n_test": len(rows.test.labeled),
            "n_classes": len(rows.class_ids),
            "history": self.state["history"],
            "calibration": asdict(model.calibration),
            "seconds": seconds,
        }
        self._report(EVALUATING, N_("keeping the version"))
        version = keep_version(
            self.context,
            model,
            snapshot,
            config=config,
            seed=self.settings.seed,
            device=self.device,
            metrics=metrics,
            category_metrics=held_out.category_rows,
            test_answers=(rows.test.product_ids, held_out.served),
            thresholds=rules.thresholds,
        )
        self.context.log(f"{version.name}: P@1 {test.p_at_1.value:.3f} on {test.n:,} held-out rows, {seconds:.0f} s.")
        return version

    def _score(self, version: ModelVersion, model: CategoryModel) -> dict[str, Any]:
        result = score_products(
            self.runtime,
            Scope(version.id),
            model,
            self.context.folder / "scored.json",
            on_scored=lambda f, detail: self._report(EVALUATING + (SCORING - EVALUATING) * f, N_("scoring"), **detail),
            before_commit=partial(keep_hold, context=self.context),
        )
        return {"rows_scored": result.rows_scored, "titles_per_second": round(result.titles_per_second, 1)}

    def _promote(self, version: ModelVersion) -> None:
        try:
            promote(self.runtime, self.context.actor, version.id, "first version")
            self.context.log(f"{version.name} is in use: there was none before.")
            from core.labeling.first_campaign import offer_first_campaign

            if self.settings.score_after and offer_first_campaign(self.runtime, self.context.actor):
                self.context.log("A campaign with what it is unsure of is ready on the Label page.")
        except Conflict:
            self.context.log(f"{version.name} is not put to use: somebody promoted another version meanwhile.")

    def _let_current_answer(self, version: ModelVersion) -> None:
        """Let the version in use answer the held-out products that are new to it, so that both are judged on all."""
        current = find_promoted_version(self.runtime)
        if current is None or current.id == version.id:
            return
        try:
            model = load_version_model(self.runtime, current, self.settings.device)
        except NotReady as error:
            self.context.log(f"{error} The comparison covers only what {current.name} answered before.")
            return
        scope = Scope(current.id, only_missing=True, only_held_out=True)
        score_products(
            self.runtime,
            scope,
            model,
            self.context.folder / "held_out.json",
            lambda fraction, detail: self._report(EVALUATING, N_("judging the version in use likewise"), **detail),
            partial(keep_hold, context=self.context),
        )

    def _facts(self, version: ModelVersion, snapshot: Snapshot, rows: LearningRows) -> dict[str, Any]:
        test = version.test
        assert test is not None, "a kept version has been judged"
        return {
            "version": version.name,
            "version_id": version.id,
            "p_at_1": test.p_at_1.value,
            "p_at_2": test.p_at_2.value,
            "p_at_4": test.p_at_4.value,
            "macro_f1": test.macro_f1,
            "ece": test.ece,
            "n_test": test.n,
            "rows_train": version.metrics["n_train"],
            "rows_validation": len(rows.validation.labeled),
            "snapshot_hash": snapshot.content_hash,
            "device": version.device,
            "seed": version.seed,
            "seconds_training": version.metrics["seconds"],
        }
