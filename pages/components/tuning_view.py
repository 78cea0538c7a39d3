"""What came of a tuning: the trials side by side, which settings mattered, and the way to train with one."""

from typing import Any

import streamlit as st

from core.training.search_space import Dimension, OneOf, space_of
from core.training.tuning import Tuning, TuningTrial, get_tuning
from pages.components.context import runtime
from pages.components.numbers import percent, rate_text
from pages.components.training_choices import TAKEN
from pages.components.words import N_, _

PLAIN = {"displayModeBar": False}  # the bar hides labels
SCALE = [[0, "#8fd0c8"], [1, "#0b3d39"]]  # the palest is still seen
STATES = {"complete": N_("judged"), "pruned": N_("cut short: it was behind"), "failed": N_("failed")}


def tuning_view(tuning_id: int) -> None:
    tuning = get_tuning(runtime(), tuning_id)
    if not tuning.trials:
        st.text(_("No trial has ended yet."))
        return
    judged = [trial for trial in tuning.trials if trial.state == "complete"]
    if judged:
        _choice(tuning, judged)
        st.markdown("##### " + _("Trials side by side"))
        st.plotly_chart(_parallel(tuning, judged), key="experiment.parallel", config=PLAIN)
    if tuning.importances:
        st.markdown("##### " + _("Which settings mattered"))
        st.plotly_chart(_importance_bars(tuning.importances), key="experiment.importances", config=PLAIN)
    elif tuning.finished_at:
        st.caption(_("Too few whole trials to say which settings mattered."))
    st.dataframe([_row(trial) for trial in tuning.trials], hide_index=True)


def _choice(tuning: Tuning, judged: list[TuningTrial]) -> None:
    best = tuning.best
    assert best is not None, "there are judged trials"
    order = sorted(judged, key=lambda trial: (trial is not best, trial.number))
    by_number = {trial.number: trial for trial in order}
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    number = left.selectbox(
        _("Trial"),
        list(by_number),
        format_func=lambda n: f"{n + 1} · P@1 {rate_text(by_number[n].p_at_1)}",
        key=f"experiment.trial.{tuning.id}",
    )
    right.button(
        _("Take these settings to Training"),
        key="experiment.take_trial",
        icon=":material/arrow_forward:",
        on_click=_take,
        args=(tuning, number),
    )
    if st.session_state.pop("experiment.taken", False):
        st.switch_page("pages/training.py")


def _take(tuning: Tuning, number: int) -> None:
    """The form of the Training page starts with these."""
    chosen = tuning.training(number)
    values = {
        "encoder": chosen.encoder,
        "epochs": chosen.epochs,
        "model": chosen.model,
        "use_images": chosen.use_images,
    }
    st.session_state[TAKEN] = values
    st.session_state["experiment.taken"] = True


def _row(trial: TuningTrial) -> dict[str, str]:
    row = {
        _("Trial"): str(trial.number + 1),
        _("State"): _(STATES[trial.state]),
        _("P@1"): rate_text(trial.p_at_1) if trial.n else (trial.error or ""),
        _("Seconds"): f"{trial.seconds:.0f}",
    }
    return row | {name: _short(value) for name, value in trial.params.items()}


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "-".join(map(str, value)) or "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _parallel(tuning: Tuning, judged: list[TuningTrial]) -> Any:
    """A line a trial through all its settings, ending at its P@1; darker is better, and the last axis says so too."""
    import plotly.graph_objects as go

    shares = [trial.n_right / trial.n for trial in judged]
    dimensions = [
        _dimension(name, dimension, [trial.params[name] for trial in judged])
        for name, dimension in space_of(tuning.settings.encoder, tuning.settings.use_images).items()
    ]
    dimensions.append({"label": "P@1", "values": shares, "tickformat": ".1%"})
    figure = go.Figure(go.Parcoords(line={"color": shares, "colorscale": SCALE}, dimensions=dimensions))
    figure.update_layout(height=380, margin={"l": 60, "r": 40, "t": 50, "b": 20})
    return figure


def _dimension(name: str, dimension: Dimension, values: list[Any]) -> dict[str, Any]:
    from math import log10

    if isinstance(dimension, OneOf):
        texts = [_short(value) for value in dimension.values]
        places = [texts.index(_short(value)) for value in values]
        return {"label": name, "values": places, "tickvals": list(range(len(texts))), "ticktext": texts}
    if dimension.log:
        logs = [log10(value) for value in values]
        ticks = sorted({min(logs), max(logs)})
        return {"label": name, "values": logs, "tickvals": ticks, "ticktext": [f"{10**tick:.3g}" for tick in ticks]}
    return {"label": name, "values": values}


def _importance_bars(importances: dict[str, float]) -> Any:
    import plotly.graph_objects as go

    names = sorted(importances, key=importances.__getitem__)
    shares = [importances[name] for name in names]
    bars = go.Bar(
        x=shares, y=names, orientation="h", marker_color="#0f766e", text=[f"{percent(share)} %" for share in shares]
    )
    figure = go.Figure(bars)
    figure.update_layout(height=60 + 32 * len(names), margin={"l": 10, "r": 10, "t": 10, "b": 10})
    figure.update_xaxes(tickformat=".0%")
    return figure
