"""Commands: experiment, tune."""

from typing import Annotated, Any

import typer

from commands.terminal import JsonFlag, emit, opened, print_table, rate_cell, run_job
from core.training.encoder_settings import write_own_settings
from core.training.experiment_advice import advise
from core.training.experiments import DEPTHS, Experiment, ExperimentSettings, Run
from core.training.tuning import Tuning, TuningSettings

USUAL = ExperimentSettings()
Rows = Annotated[int, typer.Option("--rows", help="At most so many training rows, drawn at random; 0: all.")]


def register(app: typer.Typer) -> None:
    """Add this room's commands to the command line."""
    for command in (experiment, tune):
        app.command()(command)


def experiment(
    encoder: Annotated[
        list[str] | None, typer.Option(help="An encoder to compare; give it several times. Default: four.")
    ] = None,
    cap: Annotated[list[str] | None, typer.Option(help="none, log or uniform; several times. Default: all.")] = None,
    cap_constant: Annotated[int | None, typer.Option(help="Constant of the caps. Default: the usual ones.")] = None,
    epochs: Annotated[int, typer.Option(help="Passes over the training rows.")] = USUAL.epochs,
    seed: Annotated[int, typer.Option(help="The same seed and snapshot give the same result.")] = USUAL.seed,
    rows: Rows = USUAL.max_rows,
    min_rows: Annotated[int, typer.Option(help="A category with fewer labeled products is not learned.")] = 3,
    as_json: JsonFlag = False,
) -> None:
    """Compare encoders x caps on your own products, with a recommendation in words.

    Judged on a tenth of the training products that no model of the experiment learns from; the test products stay
    untouched for the versions.

    Example: `cli.py experiment --encoder joint --encoder gru --cap none --cap uniform`
    """
    from core.training.experiments import KIND, experiment_payload, get_experiment

    chosen = tuple(encoder or USUAL.encoders), tuple(cap or USUAL.caps)
    settings = ExperimentSettings(*chosen, cap_constant, epochs, seed, rows, min_rows)
    with opened() as (runtime, actor):
        job = run_job(runtime, actor, KIND, experiment_payload(actor, settings))
        found = get_experiment(runtime, job.result["experiment_id"])
    if as_json:
        emit(True, _experiment_facts(found), "")
        return
    heading = ["encoder", "cap", *(f"P@{k}" for k in DEPTHS), "difference (95 %)", "macro-F1"]
    print_table([*heading, *(f"quartiles P@{k}" for k in DEPTHS), "rows", "s"], [_cells(run) for run in found.runs])
    advice = advise(found.runs)
    emit(False, {}, "\n".join(map(str, advice.sentences)) if advice else "No run has a result.")


def tune(
    encoder: Annotated[str, typer.Option(help="The encoder whose settings are tried.")] = TuningSettings.encoder,
    trials: Annotated[int, typer.Option(help="So many tries; those that fall behind are cut short.")] = 20,
    epochs: Annotated[int, typer.Option(help="Passes over the training rows, where they are not tuned.")] = 8,
    seed: Annotated[int, typer.Option(help="The same seed tries the same values.")] = 7,
    rows: Rows = TuningSettings.max_rows,
    images: Annotated[bool, typer.Option("--images", help="Tune the image classifier too.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Try settings of an encoder with Optuna and print the best as options of `cli.py train`.

    Example: `cli.py tune --encoder joint --trials 30`
    """
    from core.training.tuning import KIND, get_tuning, tuning_payload

    settings = TuningSettings(encoder, trials, epochs, seed, rows, use_images=images)
    with opened() as (runtime, actor):
        job = run_job(runtime, actor, KIND, tuning_payload(actor, settings, runtime.settings))
        found = get_tuning(runtime, job.result["tuning_id"])
    if as_json:
        emit(True, _tuning_facts(found), "")
        return
    names = sorted(found.trials[0].params)
    table = [
        [str(t.number + 1), t.state, rate_cell(t.p_at_1) if t.n else "", *(_short(t.params[name]) for name in names)]
        for t in found.trials
    ]
    print_table(["trial", "state", "P@1", *names], table)
    emit(False, {}, _best_in_words(found))


def _best_in_words(found: Tuning) -> str:
    if found.best is None:
        return "No trial has a result."
    chosen = found.training(found.best.number)
    options = [f"--encoder {chosen.encoder} --epochs {chosen.epochs}", *(["--images"] if chosen.use_images else [])]
    options += [f"--model {line}" for line in write_own_settings(chosen.model)]
    mattered = ", ".join(f"{name} {share:.0%}" for name, share in list(found.importances.items())[:3])
    lines = [f"Best: trial {found.best.number + 1}. Train with it: cli.py train {' '.join(options)}"]
    return "\n".join([*lines, f"What mattered most: {mattered}"] if mattered else lines)


def _experiment_facts(found: Experiment) -> dict[str, Any]:
    advice = advise(found.runs)
    return {
        "experiment": found.id,
        "runs": [
            run.to_dict() | {"shares": None, "quartiles": {k: run.quartiles(k) for k in DEPTHS}} for run in found.runs
        ],
        "recommended": {"encoder": advice.chosen.encoder, "cap": advice.chosen.cap} if advice else None,
        "why": [str(sentence) for sentence in advice.sentences] if advice else [],
    }


def _tuning_facts(found: Tuning) -> dict[str, Any]:
    return {
        "tuning": found.id,
        "trials": [vars(trial) for trial in found.trials],
        "best": found.best and found.best.number,
        "importances": found.importances,
    }


def _cells(run: Run) -> list[str]:
    if run.error is not None:
        return [run.encoder, run.cap, run.error, *[""] * (len(DEPTHS) * 2 + 3)]
    difference = "best"
    if run.difference is not None and run.low is not None and run.high is not None:
        difference = f"{run.difference:+.3f} ({run.low:+.3f} to {run.high:+.3f})"
    boxes = (run.quartiles(k) for k in DEPTHS)
    return [
        run.encoder,
        run.cap,
        *(rate_cell(run.precision(k)) for k in DEPTHS),
        difference,
        "" if run.macro_f1 is None else f"{run.macro_f1:.3f}",
        *("" if box is None else " ".join(f"{value:.2f}" for value in box) for box in boxes),
        f"{run.n_train:,}",
        f"{run.fit_seconds:.0f}",
    ]


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
