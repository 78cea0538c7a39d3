"""Commands: train, score, versions, compare, promote, rollback."""

import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer

from commands.terminal import JsonFlag, emit, opened, print_table, rate_cell, run_job
from core.curation.caps import USUAL_CONSTANT
from core.training.compare import Change, Comparison
from core.training.training_settings import CAPS, ENCODERS, HEADS, NOISE_MODES, TrainingSettings, describe_changes
from core.training.versions import ModelVersion

VersionArgument = Annotated[str, typer.Argument(help="A version, such as v3. `cli.py versions` lists them.")]
Reason = Annotated[str, typer.Option("--reason", "-m", help="Why. Kept in the audit.")]
SHOWN_CATEGORIES = 10
USUAL = TrainingSettings()
USUAL_CAPS = ", ".join(f"{constant} ({cap})" for cap, constant in USUAL_CONSTANT.items())


def register(app: typer.Typer) -> None:
    """Add this room's commands to the command line."""
    for command in (train, score, versions, compare, promote, rollback):
        app.command()(command)


def train(
    epochs: Annotated[int, typer.Option(help="Passes over the training rows.")] = TrainingSettings.epochs,
    seed: Annotated[int, typer.Option(help="The same seed and snapshot give the same model.")] = 7,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda. Default: SHELFWRIGHT_DEVICE.")] = None,
    encoder: Annotated[str, typer.Option(metavar="|".join(ENCODERS), help="How a title is read.")] = USUAL.encoder,
    head: Annotated[str, typer.Option(metavar="|".join(HEADS), help="How outputs become categories.")] = USUAL.head,
    images: Annotated[bool, typer.Option(help="Fuse the title's answer with what the image shows.")] = USUAL.use_images,
    warm_start: Annotated[bool, typer.Option(help="Begin from the version in use, if of this encoder.")] = False,
    deterministic: Annotated[bool, typer.Option(help="The same numbers again on a GPU too, slower.")] = False,
    model: Annotated[
        list[str] | None, typer.Option("--model", metavar="NAME=VALUE", help="A setting of the encoder's own.")
    ] = None,
    min_rows: Annotated[int, typer.Option(help="A category with fewer labeled products is not learned.")] = 3,
    human_weight: Annotated[float, typer.Option(help="A human label counts so many times an imported one.")] = 2.0,
    cap: Annotated[str, typer.Option(metavar="|".join(CAPS), help="Most training rows of a category.")] = USUAL.cap,
    cap_constant: Annotated[int | None, typer.Option(help=f"Of the cap. Default: {USUAL_CAPS}.")] = None,
    even_months: Annotated[bool, typer.Option(help="Every month of the year counts about the same.")] = False,
    noise: Annotated[str, typer.Option(metavar="|".join(NOISE_MODES), help="Labels that look wrong.")] = USUAL.noise,
    logit_adjustment: Annotated[float, typer.Option(help="How far frequent categories are held back, 0 to 5.")] = 0.0,
    target_precision: Annotated[
        float, typer.Option(help="Less sure answers say 'hard to predict'; 0: always answer.")
    ] = USUAL.target_precision,
    catch_alls: Annotated[bool, typer.Option(help="Suggest categories such as 'other'.")] = USUAL.recommend_catch_alls,
    min_recommended_rows: Annotated[int, typer.Option(help="Smaller categories are not suggested.")] = 0,
    score: Annotated[bool, typer.Option(help="Let the new version answer for all products.")] = True,
    promote_if_first: Annotated[bool, typer.Option(help="Put it to use if nothing is in use yet.")] = True,
    as_json: JsonFlag = False,
) -> None:
    """Freeze what is labeled, train a model on it, judge it on held-out products, score everything.

    Examples:

        cli.py train --epochs 6 --seed 1

        cli.py train --encoder dan --head hierarchical --model layer_sizes=256,128 --model dropout=0.2

        cli.py train --cap uniform --cap-constant 2000 --even-months --noise filter

    Ctrl-C stops it; the next worker goes on from the last checkpoint.
    """
    from core.training.encoder_settings import read_own_settings
    from core.training.train import training_payload

    settings = TrainingSettings(
        epochs=epochs,
        seed=seed,
        device=device,
        min_rows=min_rows,
        human_weight=human_weight,
        score_after=score,
        promote_if_first=promote_if_first,
        encoder=encoder,
        head=head,
        use_images=images,
        model=read_own_settings(encoder, model or []),
        warm_start=warm_start,
        deterministic=deterministic,
        cap=cap,
        cap_constant=cap_constant,
        even_months=even_months,
        noise=noise,
        logit_adjustment=logit_adjustment,
        target_precision=target_precision,
        recommend_catch_alls=catch_alls,
        min_recommended_rows=min_recommended_rows,
    )
    with opened() as (runtime, actor):
        job = run_job(runtime, actor, "train", training_payload(actor, settings, runtime.settings))
    facts = {**job.result, "job": job.id}
    emit(
        as_json,
        facts,
        f"{facts['version']}: P@1 {facts['p_at_1']:.3f}, P@2 {facts['p_at_2']:.3f}, P@4 {facts['p_at_4']:.3f}, "
        f"macro-F1 {facts['macro_f1']:.3f}, ECE {facts['ece']:.3f} on {facts['n_test']:,} held-out products; "
        f"learned from {facts['rows_train']:,} in {facts['seconds']:.0f} s."
        + (
            " It is in use." if facts["promoted"] else f" Put it to use: cli.py promote {facts['version']} --reason ..."
        ),
    )


def score(
    version: Annotated[str | None, typer.Option(help="Which version answers. Default: the one in use.")] = None,
    only_missing: Annotated[bool, typer.Option(help="Only products that it has not answered yet.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Let a model version answer for all products: its first five categories with confidence and margin.

    Example: `cli.py score --version v2 --only-missing`
    """
    from core.serving.scoring import scoring_payload
    from core.training.registry import get_version_named

    with opened() as (runtime, actor):
        version_id = get_version_named(runtime, version).id if version else None
        job = run_job(runtime, actor, "score", scoring_payload(runtime, actor, version_id, only_missing))
    facts = job.result
    emit(
        as_json,
        facts,
        f"{facts['rows_scored']:,} products scored with {facts['version']} in {facts['seconds']:.1f} s "
        f"({facts['titles_per_second']:,.0f}/s); {facts['n_hard_to_predict']:,} are hard to predict.",
    )


def versions(as_json: JsonFlag = False) -> None:
    """List the model versions, newest first; the one in use is marked.

    Example: `cli.py versions`
    """
    from core.training.registry import list_versions

    with opened() as (runtime, actor):
        found = list_versions(runtime, actor)
    if as_json:
        emit(True, {"versions": [_facts(version) for version in found]}, "")
        return
    print_table(
        [
            "version",
            "in use",
            "trained",
            "P@1",
            "95 %",
            "n",
            "macro-F1",
            "ECE",
            "scored",
            "snapshot",
            "device",
            "seed",
            "not as usual",
        ],
        [_cells(version) for version in found],
    )


def compare(a: VersionArgument, b: VersionArgument, as_json: JsonFlag = False) -> None:
    """Set version B beside version A on the same held-out products: overall, and what gained and lost.

    Example: `cli.py compare v1 v2`
    """
    from core.training.compare import compare_versions
    from core.training.registry import get_version_named

    with opened() as (runtime, actor):
        ids = [get_version_named(runtime, name).id for name in (a, b)]
        found = compare_versions(runtime, actor, *ids)
    if as_json:
        emit(True, _comparison_facts(found), "")
    else:
        _print_comparison(found)


def promote(
    version: VersionArgument,
    reason: Reason,
    override: Annotated[
        bool, typer.Option(help="Promote it although categories fall by more than the margin.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Let this version answer from now on. Refused when a category with 30 held-out products falls too far.

    Example: `cli.py promote v2 --reason "shoes are right now"`
    """
    from core.training import registry

    with opened() as (runtime, actor):
        promoted = registry.promote(runtime, actor, registry.get_version_named(runtime, version).id, reason, override)
    emit(as_json, _facts(promoted), f"{promoted.name} is in use.")


def rollback(reason: Reason, as_json: JsonFlag = False) -> None:
    """Return to the version that was in use before.

    Example: `cli.py rollback --reason "complaints about shoes"`
    """
    from core.training import registry

    with opened() as (runtime, actor):
        promoted = registry.roll_back(runtime, actor, reason)
    emit(as_json, _facts(promoted), f"{promoted.name} is in use again.")


def _facts(version: ModelVersion) -> dict[str, Any]:
    test, abstention = version.test, version.abstention
    return {
        "version": version.name,
        "is_promoted": version.is_promoted,
        "created_at": version.created_at,
        "p_at_1": test.p_at_1.value if test else None,
        "p_at_1_low": test.p_at_1.low if test else None,
        "p_at_1_high": test.p_at_1.high if test else None,
        "p_at_2": test.p_at_2.value if test else None,
        "p_at_4": test.p_at_4.value if test else None,
        "macro_f1": test.macro_f1 if test else None,
        "ece": test.ece if test else None,
        "ece_cleaned": version.metrics.get("ece_cleaned"),
        "sure": abstention.coverage.value if abstention else None,
        "sure_precision": abstention.precision.value if abstention else None,
        "n_test": test.n if test else 0,
        "n_scored": version.n_scored,
        "snapshot_hash": version.snapshot_hash,
        "device": version.device,
        "seed": version.seed,
        "config": version.config,
    }


def _cells(version: ModelVersion) -> list[str]:
    facts = _facts(version)
    interval = f"{facts['p_at_1_low']:.3f}-{facts['p_at_1_high']:.3f}" if facts["n_test"] else ""
    numbers = [f"{facts[name]:.3f}" if facts[name] is not None else "" for name in ("p_at_1", "macro_f1", "ece")]
    return [
        version.name,
        "yes" if version.is_promoted else "",
        f"{version.created_at:%Y-%m-%d %H:%M}",
        numbers[0],
        interval,
        f"{facts['n_test']:,}",
        *numbers[1:],
        f"{version.n_scored:,}",
        (version.snapshot_hash or "")[:12],
        version.device or "",
        str(version.seed),
        describe_changes(version.config.get("training", {})),
    ]


def _comparison_facts(found: Comparison) -> dict[str, Any]:
    def side(name: str) -> dict[str, Any]:
        chosen = getattr(found, name)
        rates = {key: getattr(chosen, key).value for key in ("p_at_1", "p_at_2", "p_at_4")}
        return {"version": chosen.name, **rates, "macro_f1": chosen.macro_f1}

    def of(change: Change) -> list[dict[str, Any]]:
        return [
            {**asdict(category), "difference": category.difference}
            for category in found.categories
            if category.change == change
        ]

    return {
        "a": side("a"),
        "b": side("b"),
        "n_test": found.n,
        "difference": found.difference,
        "difference_low": found.low,
        "difference_high": found.high,
        "gained": of(Change.GAINED),
        "lost": of(Change.LOST),
        "n_changed": found.n_changed,
        "n_both": found.n_both,
    }


def _print_comparison(found: Comparison) -> None:
    if found.difference is None:
        sys.stdout.write("There are no held-out products that both versions answered.\n")
        return
    rows = [
        [name, *(rate_cell(getattr(side, name)) for side in (found.a, found.b))]
        for name in ("p_at_1", "p_at_2", "p_at_4")
    ]
    f1 = [f"{side.macro_f1:.3f}" if side.macro_f1 is not None else "" for side in (found.a, found.b)]
    print_table([f"n = {found.n:,}", found.a.name, found.b.name], [*rows, ["macro_f1", *f1]])
    sys.stdout.write(
        f"P@1 {found.difference:+.3f} (95 %: {found.low:+.3f} to {found.high:+.3f}). "
        f"{found.n_changed:,} of {found.n_both:,} products have another answer.\n"
    )
    for change in (Change.LOST, Change.GAINED):
        categories = [category for category in found.categories if category.change == change]
        sys.stdout.write(f"{change.value}: {len(categories)} categories\n")
        worst = categories if change == Change.LOST else categories[::-1]
        print_table(
            ["category", "n", found.a.name, found.b.name, "difference", "95 %"],
            [
                [
                    c.path,
                    str(c.n),
                    f"{c.share_a:.3f}",
                    f"{c.share_b:.3f}",
                    f"{c.difference:+.3f}",
                    f"{c.low:+.3f} to {c.high:+.3f}",
                ]
                for c in worst[:SHOWN_CATEGORIES]
            ],
        )
