"""Pictures of the error rates: people and model per category, and the model's error from version to version."""

from typing import TYPE_CHECKING, Any

from core.analysis.error_rates import ErrorRates, VersionError
from core.analysis.verdicts import ErrorRow
from core.training.intervals import Rate
from pages.components.error_rate_words import VERDICTS, mark, short_name
from pages.components.numbers import rate_text
from pages.components.words import _

if TYPE_CHECKING:  # loads with the first picture, not with the page
    import plotly.graph_objects as go

PEOPLE_COLOR, MODEL_COLOR = "#b45309", "#0f766e"
MOST_ROWS = 40
ROW_PIXELS = 32
APART = 0.13  # of a row: the two sides' intervals do not cover each other


def category_chart(found: ErrorRates, rows: list[ErrorRow]) -> "go.Figure":
    """A line a category, in their order: circles are people, diamonds the model, with their 95 % intervals."""
    import plotly.graph_objects as go

    names = [_plain(f"{mark(row)} {short_name(found, row)} (n = {row.n:,})") for row in rows]
    figure = go.Figure()
    for place, row in enumerate(rows):
        if row.model:
            figure.add_scatter(
                x=[row.people.value, row.model.value],
                y=[place, place],
                mode="lines",
                line={"color": "rgba(128,128,128,.4)", "width": 6},
                hoverinfo="skip",
                showlegend=False,
            )
    verdicts = [_(VERDICTS[row.verdict]) for row in rows]
    people = [(place - APART, row.people) for place, row in enumerate(rows)]
    model = [(place + APART, row.model) for place, row in enumerate(rows) if row.model]
    _points(figure, people, _("People"), PEOPLE_COLOR, "circle", names, verdicts)
    _points(figure, model, _("Model"), MODEL_COLOR, "diamond", names, verdicts)
    figure.update_yaxes(
        tickvals=list(range(len(rows))), ticktext=names, range=[len(rows) - 0.4, -0.6], automargin=True, zeroline=False
    )
    figure.update_xaxes(tickformat=".0%", rangemode="tozero", title=_("Error (95 % interval)"))
    figure.update_layout(
        height=110 + ROW_PIXELS * len(rows),
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0},
    )
    return figure


def _plain(name: str) -> str:
    """Plotly reads tags in its texts."""
    return name.replace("<", "‹").replace(">", "›")


def _points(
    figure: "go.Figure",
    shown: list[tuple[float, Rate]],
    name: str,
    color: str,
    symbol: str,
    names: list[str],
    verdicts: list[str],
) -> None:
    """One side's rates. `shown`: the place on the axis and the rate."""
    rates = [rate for _place, rate in shown]
    figure.add_scatter(
        x=[rate.value for rate in rates],
        y=[place for place, _rate in shown],
        mode="markers",
        name=name,
        marker={"symbol": symbol, "size": 11, "color": color},
        error_x={"color": color, "thickness": 1.5, "width": 4} | _bars(rates),
        customdata=[[names[round(place)], rate_text(rate), verdicts[round(place)]] for place, rate in shown],
        hovertemplate="%{customdata[0]}<br>%{customdata[1]}<br>%{customdata[2]}<extra>" + name + "</extra>",
    )


def _bars(rates: list[Rate]) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [rate.high - (rate.value or 0) for rate in rates],
        "arrayminus": [(rate.value or 0) - rate.low for rate in rates],
    }


def trend_chart(people: Rate, versions: list[VersionError]) -> "go.Figure":
    """The model's error by version, with its interval; people's as a line with its interval as a band."""
    import plotly.graph_objects as go

    names = [one.name for one in versions]
    figure = go.Figure()
    if people.value is not None and not people.is_too_few:
        figure.add_hrect(y0=people.low, y1=people.high, fillcolor=PEOPLE_COLOR, opacity=0.12, line_width=0)
        figure.add_scatter(
            x=names,
            y=[people.value] * len(names),
            mode="lines+markers" if len(names) == 1 else "lines",
            name=_("People"),
            marker={"symbol": "circle", "size": 11},
            line={"color": PEOPLE_COLOR, "dash": "dash"},
            hovertemplate=rate_text(people) + "<extra></extra>",
        )
    shown = [one for one in versions if not one.model.is_too_few]
    figure.add_scatter(
        x=[one.name for one in shown],
        y=[one.model.value for one in shown],
        mode="lines+markers+text",
        name=_("Model"),
        marker={"symbol": "diamond", "size": 11},
        line={"color": MODEL_COLOR},
        text=[f"n={one.model.n:,}" for one in shown],
        textposition="middle right",
        error_y=_bars([one.model for one in shown]),
        customdata=[rate_text(one.model) for one in shown],
        hovertemplate="%{x}: %{customdata}<extra></extra>",
    )
    figure.update_yaxes(tickformat=".0%", rangemode="tozero", title=_("Error (95 % interval)"))
    figure.update_xaxes(type="category")
    figure.update_layout(
        height=320, margin={"l": 10, "r": 10, "t": 10, "b": 10}, legend={"orientation": "h", "y": 1.15}
    )
    return figure
