"""All settings of a training as a form: what each does in one sentence, what has no effect switched off."""

from typing import Any

import streamlit as st

from core.curation.caps import USUAL_CONSTANT
from core.errors import AppError
from core.training.encoder_settings import (
    can_start_warm,
    find_obstacle,
    has_effect,
    image_settings,
    own_settings,
    read_own_settings,
    write_own_settings,
)
from core.training.training_preview import TrainingPreview
from core.training.training_settings import CAPS, ENCODERS, HEADS, NOISE_MODES, TrainingSettings, list_changes
from core.training.versions import ModelVersion
from pages.components.context import runtime
from pages.components.numbers import count_text
from pages.components.words import N_, _, error_text, escape

DEFAULTS = TrainingSettings()
OWN = "training.own"  # the encoder's own settings, one 'name=value' a line
TAKEN = "training.chosen"  # values by name, left by another page
DEVICES = ("default", "auto", "cpu", "cuda")
NAMES = {
    "encoder": N_("Encoder"),
    "head": N_("Head"),
    "use_images": N_("Images"),
    "warm_start": N_("Warm start"),
    "epochs": N_("Epochs"),
    "model": N_("The encoder's own settings"),
    "min_rows": N_("Least labeled products in a category"),
    "human_weight": N_("A person's label counts as so many imported ones"),
    "cap": N_("Cap per category"),
    "cap_constant": N_("Constant of the cap"),
    "even_months": N_("Every month of the year counts the same"),
    "noise": N_("Labels that look wrong"),
    "logit_adjustment": N_("Logit adjustment"),
    "target_precision": N_("Target precision, %"),
    "recommend_catch_alls": N_("Suggest catch-all categories"),
    "min_recommended_rows": N_("Suggest only categories with at least so many training rows"),
    "seed": N_("Seed"),
    "device": N_("Device"),
    "deterministic": N_("Exactly repeatable on a GPU"),
    "score_after": N_("Then let the new version answer for every product"),
    "promote_if_first": N_("Put it to use if nothing is in use yet"),
}
ENCODER_WORDS = {
    "joint": N_("joint: n-grams and subwords learned together"),
    "ngrams": N_("ngrams: words and letter groups, linear"),
    "fasttext": N_("fasttext: mean of embeddings, linear"),
    "dan": N_("dan: mean of embeddings, then layers"),
    "gru": N_("gru: reads the words in their order"),
    "ensemble": N_("ensemble: n-grams and a neural encoder averaged"),
    "label_tree": N_("label_tree: a tree of categories, for thousands of them"),
    "sentence": N_("sentence: a pretrained sentence encoder, for few labels"),
}
HEAD_WORDS = {
    "flat": N_("flat: one answer out of all categories"),
    "hierarchical": N_("hierarchical: level by level, combined"),
    "several_labels": N_("several_labels: a product may fit several"),
}
CAP_WORDS = {
    "none": N_("none: every row counts"),
    "log": N_("log: constant × log of the count"),
    "uniform": N_("uniform: at most the constant"),
}
NOISE_WORDS = {
    "keep": N_("keep: learn from them as they are"),
    "filter": N_("filter: leave them out"),
    "refurbish": N_("refurbish: learn the category that is meant"),
    "selfie": N_("selfie: decide while learning (SELFIE)"),
}


def training_form(preview: TrainingPreview, in_use: ModelVersion | None) -> None:
    """The settings in four groups; their widgets are named training.<setting>.

    Settings chosen elsewhere (the Experiment page leaves them in TAKEN) fill the form and open it.
    """
    taken = st.session_state.pop(TAKEN, None)
    if taken:
        _fill(taken)
        st.info(_("The settings below were taken from the experiment."), icon=":material/science:")
    with st.expander(_("Settings"), icon=":material/tune:", expanded=bool(taken)):
        model, rows, answers, run = st.tabs([_("Model"), _("What it learns from"), _("How it answers"), _("This run")])
        with model:
            _model(in_use)
        with rows:
            _rows(preview)
        with answers:
            _answers()
        with run:
            _run()
    _changes()


def _fill(values: dict[str, Any]) -> None:
    """Put a training's values into the widgets; the others go back to their defaults."""
    for name in NAMES:
        st.session_state.pop(f"training.{name}", None)
    for name, value in values.items():
        if name == "model":
            st.session_state[OWN] = "\n".join(write_own_settings(value))
        else:
            st.session_state[f"training.{name}"] = value


def chosen_settings() -> TrainingSettings:
    """What the form says; what has no effect for the encoder keeps its default. Raises InvalidInput."""
    state = st.session_state
    values = {name: state.get(f"training.{name}", default) for name, default in DEFAULTS.to_dict().items()}
    encoder = str(values["encoder"])
    values["model"] = read_own_settings(encoder, str(state.get(OWN, "")).splitlines())
    values["device"] = None if values["device"] in (None, DEVICES[0]) else values["device"]
    values["target_precision"] = _fraction("target_precision", DEFAULTS.target_precision)
    if not has_effect(encoder, "head"):
        values["head"] = DEFAULTS.head
    if not can_start_warm(encoder):
        values["warm_start"] = False
    if values["cap"] == "none":
        values["cap_constant"] = None
    return TrainingSettings.from_dict(values)


def settings_obstacle() -> AppError | None:
    """Why the form's settings cannot be trained with."""
    try:
        return find_obstacle(chosen_settings(), runtime().settings)
    except AppError as error:
        return error


def _model(in_use: ModelVersion | None) -> None:
    left, right = st.columns(2)
    with left:
        _choice("encoder", ENCODERS, ENCODER_WORDS, _("How a title is read. The default was the best when measured."))
        encoder = str(st.session_state.get("training.encoder", DEFAULTS.encoder))
        _choice(
            "head",
            HEADS,
            HEAD_WORDS,
            _("How the encoder's output becomes categories."),
            None if has_effect(encoder, "head") else _("This encoder has one head only."),
        )
        _number(
            "epochs",
            1,
            200,
            _("Passes over the training rows."),
            None if has_effect(encoder, "epochs") else _("This encoder does not train in epochs."),
        )
    with right:
        _check("use_images", _("The title's answer is fused with what the image shows, where there is one."))
        kind = _kind_in_use(in_use)
        idle = None
        if not can_start_warm(encoder):
            idle = _("This encoder always trains afresh.")
        elif kind != encoder:
            idle = _("The version in use is not of this encoder.") if kind else _("No version is in use.")
        _check("warm_start", _("Begin from the version in use: quicker where little changed."), idle)
        st.text_area(
            _named("model"),
            key=OWN,
            height=100,
            placeholder=next(iter(write_own_settings(own_settings(encoder))), ""),
            help=_("One name=value a line. What is not named keeps its default."),
        )
        _known_settings(encoder)


def _known_settings(encoder: str) -> None:
    """What can be written into the field of the encoder's own settings, with the defaults."""
    known = {name: value for name, value in own_settings(encoder).items() if not isinstance(value, dict)}
    if st.session_state.get("training.use_images"):
        known |= image_settings()
    if known:
        with st.popover(_("Which there are")):
            st.code("\n".join(write_own_settings(known)), language=None)


def _rows(preview: TrainingPreview) -> None:
    left, right = st.columns(2)
    with left:
        _number("min_rows", 1, 10_000, _("A category with fewer is not learned."))
        _number("human_weight", 0.1, 100.0, _("People are right more often than imported labels."), step=0.5)
        _choice("noise", NOISE_MODES, NOISE_WORDS, _("Found by models that did not learn from the row they judge."))
    with right:
        _choice("cap", CAPS, CAP_WORDS, _("No cap is best over all products; a cap is fairer to small categories."))
        cap = str(st.session_state.get("training.cap", DEFAULTS.cap))
        st.number_input(
            _named("cap_constant"),
            1,
            10**9,
            None,
            key="training.cap_constant",
            placeholder=count_text(USUAL_CONSTANT[cap]) if cap in USUAL_CONSTANT else "–",
            help=_("Empty: the usual one."),
            disabled=cap == "none",
        )
        if cap != "none" and preview.n_rows:
            kept = preview.rows_kept(cap, st.session_state.get("training.cap_constant"))
            st.caption(
                _("The cap leaves about {share} % of the rows.").format(share=round(100 * kept / preview.n_rows))
            )
        _check("even_months", _("Rows of rare months weigh up to twice: goods out of season are not forgotten."))


def _answers() -> None:
    left, right = st.columns(2)
    with left:
        _number("logit_adjustment", 0.0, 5.0, _("How far frequent categories are held back; 0: not at all."), step=0.1)
        st.number_input(
            _named("target_precision"),
            0.0,
            99.9,
            100 * DEFAULTS.target_precision,
            1.0,
            key="training.target_precision",
            help=_("Less sure answers than reach it say 'hard to predict'. 0: always answer.")
            + _default(f"{100 * DEFAULTS.target_precision:g}"),
        )
    with right:
        _check("recommend_catch_alls", _("Such as 'other', which people choose when unsure."))
        _number("min_recommended_rows", 0, 10**6, _("Smaller ones are learned, but not suggested."))


def _run() -> None:
    left, right = st.columns(2)
    with left:
        _number("seed", 0, 2**31 - 1, _("The same seed and the same rows give the same version."))
        _check("deterministic", _("Slower there; on a CPU it changes nothing."))
    with right:
        st.selectbox(
            _named("device"),
            DEVICES,
            key="training.device",
            help=_("default: as SHELFWRIGHT_DEVICE says; auto: a GPU where there is one."),
        )
        _check("score_after", _("Labeling queues are built from its answers."))
        _check("promote_if_first", _("Only the first version; later ones are put to use by hand."))


def changes_text(training: dict[str, Any]) -> str:
    """'Encoder: dan · Images: on': what differs from the defaults, by the form's names; empty where nothing does."""
    parts: list[str] = []
    for name, value in list_changes(training).items():
        if isinstance(value, dict):
            parts += write_own_settings(value)
            continue
        if isinstance(value, bool):
            value = _("on") if value else _("off")
        elif name == "target_precision":
            value = f"{100 * value:g}"
        parts.append(f"{_named(name)}: {value}")
    return " · ".join(parts)


def _changes() -> None:
    """What differs from the defaults, also while the form is folded."""
    try:
        text = changes_text(chosen_settings().to_dict())
    except AppError as error:
        st.caption(escape(error_text(error)))
        return
    if text:
        st.caption(escape(_("Not as usual: {changes}").format(changes=text)))


def _choice(name: str, words: tuple[str, ...], named: dict[str, str], help_: str, idle: str | None = None) -> None:
    st.selectbox(
        _named(name),
        words,
        format_func=lambda word: _(named[word]),
        key=f"training.{name}",
        help=help_ + _default(getattr(DEFAULTS, name)),
        disabled=idle is not None,
    )
    if idle:
        st.caption(idle)


def _number(name: str, low: float, high: float, help_: str, idle: str | None = None, step: float | None = None) -> None:
    default = getattr(DEFAULTS, name)
    st.number_input(
        _named(name),
        low,
        high,
        default,
        step,
        key=f"training.{name}",
        help=help_ + _default(default),
        disabled=idle is not None,
    )
    if idle:
        st.caption(idle)


def _check(name: str, help_: str, idle: str | None = None) -> None:
    default = getattr(DEFAULTS, name)
    st.checkbox(
        _named(name),
        default,
        key=f"training.{name}",
        help=help_ + _default(_("on") if default else _("off")),
        disabled=idle is not None,
    )
    if idle:
        st.caption(idle)


def _named(name: str) -> str:
    return _(NAMES[name])


def _default(value: object) -> str:
    return " " + _("Default: {value}.").format(value=value)


def _fraction(name: str, default: float) -> float:
    percent = st.session_state.get(f"training.{name}")
    return default if percent is None else round(float(percent) / 100, 6)


def _kind_in_use(in_use: ModelVersion | None) -> str | None:
    return None if in_use is None else str(in_use.config.get("training", {}).get("encoder", DEFAULTS.encoder))
