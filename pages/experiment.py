"""Experiment: which model, cap and settings suit this shop's own products, measured, with advice in words."""

import streamlit as st

from core.jobs.queue import find_unfinished_job
from core.training import experiments, tuning
from core.training.experiments import list_experiments
from core.training.tuning import list_tunings
from pages.components.context import runtime
from pages.components.experiment_form import ERROR_KEY, experiment_form, tuning_form
from pages.components.experiment_view import experiment_view
from pages.components.job_progress import job_progress
from pages.components.numbers import time_text
from pages.components.tuning_view import tuning_view
from pages.components.words import N_, _

COMPARE, TUNE = "compare", "tune"
KINDS = {COMPARE: N_("Compare encoders and caps"), TUNE: N_("Tune one encoder")}

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
