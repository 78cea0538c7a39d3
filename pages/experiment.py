"""Experiment: which model, cap and settings suit this shop's own products, measured, with advice in words."""

import streamlit as st

from core.errors import AppError
from core.jobs.queue import find_unfinished_job
from core.training import experiments, tuning
from core.training.experiments import ExperimentSettings, enqueue_experiment, list_experiments
from core.training.search_space import SPACES, Dimension, Range
from core.training.training_settings import CAPS, ENCODERS
from core.training.tuning import TuningSettings, enqueue_tuning, list_tunings
from pages.components.context import actor, runtime
from pages.components.experiment_view import experiment_view
from pages.components.job_progress import job_progress
from pages.components.numbers import time_text
from pages.components.training_words import CAP_WORDS, ENCODER_WORDS
from pages.components.tuning_view import tuning_view
from pages.components.words import N_, _, error_text, escape

ERROR_KEY = "experiment.error"
COMPARE, TUNE = "compare", "tune"
KINDS = {COMPARE: N_("Compare encoders and caps"), TUNE: N_("Tune one encoder")}
STARTING = ExperimentSettings()


def start_experiment() -> None:
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


def start_tuning() -> None:
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


def effort(tuned_epochs: Dimension | None = None) -> None:
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
    effort()
    st.caption(
        _("Starts {n} runs: {encoders} encoders × {caps} caps.").format(
            n=len(encoders) * len(caps), encoders=len(encoders), caps=len(caps)
        )
    )
    st.button(_("Start the experiment"), type="primary", icon=":material/science:", on_click=start_experiment)


def tuning_form() -> None:
    left, right = st.columns(2)
    encoder = left.selectbox(
        _("Encoder"), list(SPACES), format_func=lambda word: _(ENCODER_WORDS[word]), key="experiment.tuned"
    )
    right.number_input(_("Trials"), 1, 1_000, TuningSettings.n_trials, key="experiment.n_trials")
    st.checkbox(_("Tune the image classifier too"), key="experiment.use_images")
    effort(SPACES[encoder].get("epochs"))
    st.button(_("Start tuning"), type="primary", icon=":material/tune:", on_click=start_tuning)


st.caption(
    _(
        "Models are judged on a tenth of the training products that they do not learn from. "
        "The test products stay untouched for the versions."
    )
)
kind = st.segmented_control(
    _("What to try"),
    list(KINDS),
    default=COMPARE,
    format_func=lambda word: _(KINDS[word]),
    key="experiment.kind",
    label_visibility="collapsed",
)
if message := st.session_state.pop(ERROR_KEY, None):
    st.error(message)
is_tuning = kind == TUNE
running = find_unfinished_job(runtime(), [tuning.KIND if is_tuning else experiments.KIND])
if running:
    job_progress(running.id)
else:
    with st.container(border=True):
        if is_tuning:
            tuning_form()
        else:
            experiment_form()
found = list_tunings(runtime()) if is_tuning else list_experiments(runtime())
if not found:
    st.info(_("Nothing was tried yet."), icon=":material/science:")
    st.stop()
by_id = {entry.id: entry for entry in found}
chosen_id = st.selectbox(
    _("Result"),
    list(by_id),
    format_func=lambda entry_id: f"{time_text(by_id[entry_id].created_at)} · {by_id[entry_id].person}",
    key=f"experiment.{kind}.{found[0].id}",
)
if is_tuning:
    tuning_view(chosen_id)
else:
    experiment_view(chosen_id)
