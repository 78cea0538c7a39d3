"""All settings of a training as a form: what each does in one sentence, what has no effect switched off."""

import streamlit as st

from core.curation.caps import USUAL_CONSTANT
from core.errors import AppError
from core.training.encoder_settings import (
    can_start_warm,
    has_effect,
    image_settings,
    own_settings,
    write_own_settings,
)
from core.training.training_preview import TrainingPreview
from core.training.training_settings import CAPS, ENCODERS, HEADS, NOISE_MODES
from core.training.versions import ModelVersion
from pages.components.numbers import count_text
from pages.components.training_choices import (
    DEFAULTS,
    DEVICES,
    OWN,
    TAKEN,
    changes_text,
    chosen_settings,
    fill_form,
)
from pages.components.training_words import (
    CAP_SENTENCES,
    ENCODER_SENTENCES,
    HEAD_WORDS,
    NOISE_WORDS,
    setting_name,
)
from pages.components.words import _, error_text, escape


def training_form(preview: TrainingPreview, in_use: ModelVersion | None) -> None:
    """The settings in four groups; their widgets are named training.<setting>.

    Settings chosen elsewhere (the Experiment page leaves them in TAKEN) fill the form and open it.
    """
    taken = st.session_state.pop(TAKEN, None)
    if taken:
        fill_form(taken)
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


def _model(in_use: ModelVersion | None) -> None:
    left, right = st.columns(2)
    with left:
        _choice(
            "encoder",
            ENCODERS,
            ENCODER_SENTENCES,
            _(
                "How a title is read. When measured, the ensemble was right most often and th"
                "e default the best of the fast ones."
            ),
        )
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
            setting_name("model"),
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
        _choice("cap", CAPS, CAP_SENTENCES, _("No cap is best over all products; a cap is fairer to small categories."))
        cap = str(st.session_state.get("training.cap", DEFAULTS.cap))
        st.number_input(
            setting_name("cap_constant"),
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
            setting_name("target_precision"),
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
            setting_name("device"),
            DEVICES,
            key="training.device",
            help=_("default: as SHELFWRIGHT_DEVICE says; auto: a GPU where there is one."),
        )
        _check("score_after", _("Labeling queues are built from its answers."))
        _check("promote_if_first", _("Only the first version; later ones are put to use by hand."))


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
        setting_name(name),
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
        setting_name(name),
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
        setting_name(name),
        default,
        key=f"training.{name}",
        help=help_ + _default(_("on") if default else _("off")),
        disabled=idle is not None,
    )
    if idle:
        st.caption(idle)


def _default(value: object) -> str:
    return " " + _("Default: {value}.").format(value=value)


def _kind_in_use(in_use: ModelVersion | None) -> str | None:
    return None if in_use is None else str(in_use.config.get("training", {}).get("encoder", DEFAULTS.encoder))
