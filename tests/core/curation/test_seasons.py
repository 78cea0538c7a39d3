"""Months evened out: weights by month of the year, over all years, within bounds."""

from datetime import UTC, datetime

import numpy as np
import pytest

from core.curation.seasons import count_by_month, month_weights, summarise_months


def at(month: int, n: int, year: int = 2025) -> list[datetime | None]:
    return [datetime(year, month, 1, tzinfo=UTC)] * n


def test_rare_months_weigh_more() -> None:
    weights = month_weights(at(1, 60) + at(7, 40))
    assert weights[0] == pytest.approx(50 / 60)
    assert weights[-1] == pytest.approx(50 / 40)
    assert weights.sum() == pytest.approx(100)


def test_history_is_added_up_by_month_of_the_year() -> None:
    assert (
        month_weights(at(1, 30) + at(1, 30, 2024) + at(7, 40)).tolist() == month_weights(at(1, 60) + at(7, 40)).tolist()
    )


def test_weights_stay_within_half_and_double() -> None:
    weights = month_weights(at(1, 1_000) + at(7, 1))
    assert weights[-1] == 2.0
    assert np.all((weights >= 0.5) & (weights <= 2.0))


def test_rows_without_a_date_weigh_one() -> None:
    assert month_weights([None, None]).tolist() == [1.0, 1.0]
    assert month_weights([None, *at(3, 5)]).tolist() == [1.0] * 6  # one month: nothing to even out
    assert month_weights([*at(1, 9), *at(7, 1), None])[-1] == 1.0
    assert month_weights([]).shape == (0,)


def test_the_facts_name_each_month() -> None:
    dates = [*at(1, 60), *at(7, 40), None]
    facts = summarise_months(dates, month_weights(dates))
    assert facts == {"rows": {"1": 60, "7": 40}, "weights": {"1": 0.833, "7": 1.25}, "without_date": 1}


def test_answers_are_counted_by_month() -> None:
    dates = [*at(1, 2), *at(7, 1), None]
    assert count_by_month(dates, np.array([True, False, True, True])) == {"1": [1, 2], "7": [1, 1]}
