"""How far a version's confidence can be believed, and what it answers surely, on held-out products."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from core.training.versions import Abstention, ModelVersion, ReliabilityPoint
from pages.components.numbers import count_text, percent, rate_text
from pages.components.words import _, escape

if TYPE_CHECKING:  # loads with the first diagram, not with the page
    import plotly.graph_objects as go

COLOR = "#0f766e"


def reliability(version: ModelVersion, key: str) -> None:
    """The reliability diagram of a version, with n at each point, and 'hard to predict' in numbers."""
    points, test = version.reliability, version.test
    if not points or test is None or test.ece is None:
        st.text(_("{version} was judged before there was a reliability diagram.").format(version=version.name))
    else:
        st.plotly_chart(_diagram(points), key=f"{key}.diagram", config={"displayModeBar": False})
        st.caption(
            escape(
                _(
                    "{version}: calibration error {ece} % on {n} held-out products. On the dotted line an answer is "
                    "right as often as it says; below it the model is too sure. Bars: 95 % intervals."
                ).format(version=version.name, ece=percent(test.ece), n=count_text(test.n))
            )
        )
        if cleaned := version.ece_cleaned:
            st.caption(
                escape(
                    _(
                        "Against all labels {all} %; {cleaned} % on the {n} products without {aside} suspected labels. "
                        "The first counts wrong labels against the model; the second flatters it, for some labels are "
                        "suspected only because models get them wrong."
                    ).format(
                        all=percent(test.ece),
                        cleaned=percent(cleaned.ece),
                        n=count_text(cleaned.n),
                        aside=count_text(cleaned.n_aside),
                    )
                )
            )
    abstention(version)


def abstention(version: ModelVersion) -> None:
    """What the thresholds do, in sentences."""
    found = version.abstention
    if found is None:
        st.caption(_no_thresholds(version))
        return
    for text in abstention_texts(found):
        st.text(text)
    if version.as_served:
        st.text(
            _("First answer right with what is left out of recommendation left out: {rate}").format(
                rate=rate_text(version.as_served.p_at_1)
            )
        )


def _no_thresholds(version: ModelVersion) -> str:
    target = version.config.get("training", {}).get("target_precision", 0)
    if not target or not version.reliability:
        return _("Without thresholds: every answer counts as sure.")
    return _(
        "That {target} % of the sure answers are right cannot be promised from {n} validation products: they are too "
        "few, or too many of their labels are wrong. So every answer counts as sure. A lower target may be reached."
    ).format(target=percent(target), n=count_text(version.metrics.get("n_validation", 0)))


def abstention_texts(found: Abstention) -> list[str]:
    """Sentences on what is answered surely, what is surely within a category above, and which categories fail."""
    return [
        _("Answered surely: {rate}; of these right: {right} (asked for: {target} %)").format(
            rate=rate_text(found.coverage), right=rate_text(found.precision), target=percent(found.target)
        ),
        _("Hard to predict, yet surely within a category above: {rate}; of these right: {right}").format(
            rate=rate_text(found.backed_off), right=rate_text(found.back_off_precision)
        ),
        _("Below what was asked for by more than chance: {missed} of {n} categories; about {expected} would by chance.")
        .format(
            missed=count_text(found.n_missed),
            n=count_text(found.n_categories),
            expected=count_text(round(0.05 * found.n_categories)),
        ),
    ]  # fmt: skip


def _diagram(points: list[ReliabilityPoint]) -> "go.Figure":
    """Right answers over confidence, a point a bin with its n beside it; the diagonal is perfect."""
    import plotly.graph_objects as go

    shares = [point.right.value or 0.0 for point in points]
    error: dict[str, Any] = {
        "array": [point.right.high - share for point, share in zip(points, shares, strict=True)],
        "arrayminus": [share - point.right.low for point, share in zip(points, shares, strict=True)],
        "symmetric": False,
    }
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"dash": "dot", "color": "gray"}, name=_("as sure as right")
    )
    figure.add_scatter(
        x=[point.confidence for point in points],
        y=shares,
        error_y=error,
        mode="lines+markers+text",
        marker={"symbol": "circle", "size": 9},
        line={"color": COLOR},
        text=[f"n={count_text(point.right.n)}" for point in points],
        textposition="bottom right",
        name=_("held-out products"),
    )
    figure.update_layout(
        xaxis={"title": _("Confidence"), "range": [0, 1.08], "tickformat": ".0%"},
        yaxis={"title": _("First answer right"), "range": [0, 1.08], "tickformat": ".0%"},
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        height=380,
        legend={"orientation": "h", "y": 1.1},
    )
    return figure
