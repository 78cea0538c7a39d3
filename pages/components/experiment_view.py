"""What came of an experiment: advice, a table of Precision@k, and a box of categories for every run."""

from typing import Any

import streamlit as st

from core.training.experiment_advice import advise
from core.training.experiments import DEPTHS, Experiment, Run, get_experiment
from pages.components.context import runtime
from pages.components.numbers import count_text, percent, rate_text
from pages.components.training_choices import TAKEN
from pages.components.training_words import CAP_WORDS, ENCODER_WORDS, run_name
from pages.components.words import _, escape

DEPTH_KEY = "experiment.depth"


def experiment_view(experiment_id: int) -> None:
    experiment = get_experiment(runtime(), experiment_id)
    if not experiment.runs:
        st.text(_("No run has ended yet."))
        return
    asked = experiment.settings
    words = _("Training rows at most: {rows} · epochs: {epochs} · constant of the caps: {constant}")
    rows = count_text(asked.max_rows) if asked.max_rows else _("all")
    st.caption(words.format(rows=rows, epochs=asked.epochs, constant=asked.cap_constant or _("the usual one")))
    _advice(experiment)
    st.dataframe([_row(run) for run in experiment.runs], hide_index=True, height="content")
    st.caption(
        _(
            "Difference: P@1 minus that of the best run, on the same products. "
            "Where its interval holds 0, chance explains it."
        )
    )
    _boxes(experiment)


def _advice(experiment: Experiment) -> None:
    advice = advise(experiment.runs)
    if advice is None or experiment.finished_at is None:
        st.text(_("The recommendation comes when all runs have ended."))
        return
    with st.container(border=True):
        chosen = advice.chosen
        words = _("Recommended: {run}").format(run=_name(chosen))
        st.markdown(f"**{escape(words)}**")
        for sentence in advice.sentences:
            st.text(_(sentence.template).format(**sentence.filled(_name)))
        st.button(
            _("Take these settings to Training"),
            key="experiment.take",
            icon=":material/arrow_forward:",
            on_click=_take,
            args=(chosen, experiment.settings.cap_constant, experiment.settings.epochs),
        )
        if st.session_state.pop("experiment.taken", False):
            st.switch_page("pages/training.py")


def _take(run: Run, cap_constant: int | None, epochs: int) -> None:
    """The form of the Training page starts with these."""
    st.session_state[TAKEN] = {
        "encoder": run.encoder,
        "cap": run.cap,
        "cap_constant": cap_constant,
        "epochs": epochs,
    }
    st.session_state["experiment.taken"] = True


def _name(run: Run) -> str:
    return run_name(run.encoder, run.cap)


def _row(run: Run) -> dict[str, str]:
    row = {_("Encoder"): _(ENCODER_WORDS[run.encoder]), _("Cap"): _(CAP_WORDS[run.cap])}
    if run.error is not None:
        return row | {_("Result"): run.error}
    row |= {f"P@{k}": rate_text(run.precision(k)) for k in DEPTHS}
    row[_("Difference")] = (
        _("best")
        if run.difference is None or run.low is None or run.high is None
        else f"{100 * run.difference:+.1f} ({100 * run.low:+.1f} … {100 * run.high:+.1f})"
    )
    row[_("Macro-F1")] = "" if run.macro_f1 is None else f"{run.macro_f1:.3f}"
    for k in DEPTHS:
        box = run.quartiles(k)
        row[_("P@{k} over categories: quartiles").format(k=k)] = (
            "" if box is None else " · ".join(percent(value) for value in box)
        )
    row[_("Training rows")] = count_text(run.n_train)
    row[_("Seconds")] = f"{run.fit_seconds:.0f}"
    row[_("Titles per second")] = count_text(round(run.titles_per_second))
    return row


def _boxes(experiment: Experiment) -> None:
    """Precision@k of the categories: from the lower to the upper quartile, the median marked and written beside."""
    st.markdown("##### " + _("Precision over categories"))
    k = st.segmented_control(
        "k", DEPTHS, default=2, format_func=lambda depth: f"P@{depth}", key=DEPTH_KEY, label_visibility="collapsed"
    )
    boxed = [(run, box) for run in experiment.runs if (box := run.quartiles(k or 2)) is not None]
    if not boxed:
        st.text(_("No category has enough judged products for a box."))
        return
    st.plotly_chart(_figure(boxed, k or 2), key="experiment.boxes", config={"displayModeBar": False})
    n = len(boxed[0][0].shares[k or 2])
    st.caption(
        _("Each box: half of the {n} categories with 5 judged products or more; the line in it is the median.").format(
            n=n
        )
    )


def _figure(boxed: list[tuple[Run, tuple[float, float, float]]], k: int) -> Any:
    import plotly.graph_objects as go

    names = [_name(run) for run, _box in boxed]
    lows, middles, highs = zip(*(box for _run, box in boxed), strict=True)
    figure = go.Figure(
        go.Box(
            x=names,
            q1=lows,
            median=middles,
            q3=highs,
            lowerfence=[min(run.shares[k]) for run, _box in boxed],
            upperfence=[max(run.shares[k]) for run, _box in boxed],
            marker_color="#0f766e",
        )
    )
    for name, middle in zip(names, middles, strict=True):
        figure.add_annotation(x=name, y=middle, text=percent(middle), showarrow=False, yshift=9, font_color="#1f2a44")
    figure.update_layout(height=380, margin={"l": 10, "r": 10, "t": 10, "b": 10}, showlegend=False)
    figure.update_yaxes(tickformat=".0%", range=[-0.02, 1.05])
    return figure
