"""What is asked for an experiment and for a tuning, and the buttons that start them."""

import streamlit as st

from core.errors import AppError
from core.training.experiments import ExperimentSettings, enqueue_experiment
from core.training.search_space import SPACES, Dimension, Range
from core.training.training_settings import CAPS, ENCODERS
from core.training.tuning import TuningSettings, enqueue_tuning
from pages.components.context import actor, runtime
from pages.components.training_words import CAP_WORDS, ENCODER_WORDS
from pages.components.words import _, error_text, escape

ERROR_KEY = "experiment.error"
STARTING = ExperimentSettings()


def _start_experiment() -> None:
    state = st.session_state
    try:
        chosen = ExperimentSettings(
            encoders=tuple(state["experiment.encoders"]),
            caps=tuple(state["experiment.caps"]),
            cap_constant=state["experiment.cap_constant"],
            epochs=state["experiment.epochs"],
            seed=state["experiment.seed"],
            max_rows=state["experiment.max_rows"],
        )
        enqueue_experiment(runtime(), actor(), chosen)
    except AppError as error:
        state[ERROR_KEY] = escape(error_text(error))


def _start_tuning() -> None:
    state = st.session_state
    try:
        chosen = TuningSettings(
            encoder=state["experiment.tuned"],
            n_trials=state["experiment.n_trials"],
            epochs=state.get("experiment.epochs", TuningSettings.epochs),  # not asked where they are tuned
            seed=state["experiment.seed"],
            max_rows=state["experiment.max_rows"],
            use_images=state["experiment.use_images"],
        )
        enqueue_tuning(runtime(), actor(), chosen)
    except AppError as error:
        state[ERROR_KEY] = escape(error_text(error))


def _effort(tuned_epochs: Dimension | None = None) -> None:
    """What both kinds ask for; epochs only where they are not tuned themselves."""
    boxes = st.columns(3, vertical_alignment="bottom")
    if isinstance(tuned_epochs, Range):
        epochs = _("Epochs are tuned too: {low:g} to {high:g}.").format(low=tuned_epochs.low, high=tuned_epochs.high)
        boxes[0].caption(epochs)
    else:
        boxes[0].number_input(_("Epochs"), 1, 200, STARTING.epochs, key="experiment.epochs")
    boxes[1].number_input(
        _("At most so many training rows"),
        0,
        None,
        STARTING.max_rows,
        step=1_000,
        key="experiment.max_rows",
        help=_("Drawn at random; 0 takes all. Fewer are quicker and say less about rare categories."),
    )
    boxes[2].number_input(_("Seed"), 0, 2**31 - 1, STARTING.seed, key="experiment.seed")


def experiment_form() -> None:
    """Which encoders and caps to compare."""
    left, right = st.columns([3, 2])
    encoders = left.multiselect(
        _("Encoders"),
        list(ENCODERS),
        list(STARTING.encoders),
        format_func=lambda word: _(ENCODER_WORDS[word]),
        key="experiment.encoders",
    )
    caps = right.multiselect(
        _("Cap per category"),
        list(CAPS),
        list(STARTING.caps),
        format_func=lambda word: _(CAP_WORDS[word]),
        key="experiment.caps",
    )
    right.number_input(
        _("Constant of the caps"),
        1,
        10**9,
        None,
        key="experiment.cap_constant",
        placeholder=_("the usual one"),
        help=_("log: at most the constant × ln(its rows); uniform: at most the constant."),
    )
    _effort()
    st.caption(
        _("Starts {n} runs: {encoders} encoders × {caps} caps.").format(
            n=len(encoders) * len(caps), encoders=len(encoders), caps=len(caps)
        )
    )
    st.button(_("Start the experiment"), type="primary", icon=":material/science:", on_click=_start_experiment)


def tuning_form() -> None:
    """Which encoder to tune, and for how long."""
    left, right = st.columns(2)
    encoder = left.selectbox(
        _("Encoder"), list(SPACES), format_func=lambda word: _(ENCODER_WORDS[word]), key="experiment.tuned"
    )
    right.number_input(_("Trials"), 1, 1_000, TuningSettings.n_trials, key="experiment.n_trials")
    st.checkbox(_("Tune the image classifier too"), key="experiment.use_images")
    _effort(SPACES[encoder].get("epochs"))
    st.button(_("Start tuning"), type="primary", icon=":material/tune:", on_click=_start_tuning)
