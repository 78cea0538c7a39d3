"""Caps: how many rows each category keeps, and which."""

import numpy as np
import pytest

from core.curation.caps import kept_rows, row_limits, summarise_cap


def test_limits_of_each_kind() -> None:
    counts = np.array([0, 1, 2, 100, 20_000])
    assert row_limits(counts, "none").tolist() == counts.tolist()
    assert row_limits(counts, "uniform", 50).tolist() == [0, 1, 2, 50, 50]
    assert row_limits(counts, "uniform").tolist() == [0, 1, 2, 100, 10_000]
    assert row_limits(counts, "log", 10).tolist() == [0, 1, 2, 46, 99]  # 10 x ln
    assert row_limits(counts, "log").tolist() == [0, 1, 2, 100, 9_903]


def kept(n: int, cap: str = "uniform", constant: int = 10, seed: int = 1, human: int = 0) -> set[int]:
    """Of n products of one category, the first `human` decided by people."""
    places = kept_rows(np.zeros(n, np.int64), np.arange(n), np.arange(n) < human, cap, constant, seed)
    assert places.tolist() == sorted(places.tolist())
    return set(places.tolist())


def test_the_draw_is_seeded_and_hardly_changes_when_rows_come() -> None:
    assert kept(1_000, constant=500) == kept(1_000, constant=500)
    assert kept(1_000, constant=500) != kept(1_000, constant=500, seed=2)
    assert len(kept(1_000, constant=500) & kept(1_010, constant=500)) >= 490
    assert 200 <= sum(place < 500 for place in kept(1_000, constant=500)) <= 300  # neither the oldest nor the newest


def test_what_people_decided_stays() -> None:
    assert set(range(7)) <= kept(1_000, human=7)
    assert len(kept(1_000, human=7)) == 10
    assert kept(1_000, human=500) <= set(range(500))


@pytest.mark.parametrize("cap", ["log", "uniform"])
def test_small_categories_lose_nothing_and_none_is_emptied(cap: str) -> None:
    labels = np.repeat([0, 1, 2], [500, 5, 1])
    places = kept_rows(labels, np.arange(506), np.zeros(506, bool), cap, 2, 7)
    after = np.bincount(labels[places])
    assert after.tolist() == ([12, 3, 1] if cap == "log" else [2, 2, 1])
    facts = summarise_cap(np.bincount(labels), after)
    assert (facts["rows_before"], facts["most_rows_before"], facts["categories_capped"]) == (506, 500, 2)


def test_no_rows_are_no_trouble() -> None:
    nothing = np.empty(0, np.int64)
    assert kept_rows(nothing, nothing, np.empty(0, bool), "log", None, 1).tolist() == []
