"""Agreement: it equals the library, recovers what is known of a simulated crowd, and never claims more than it saw."""

import krippendorff
import numpy as np
import pytest

from core.labeling.crowd.agreement import (
    agreement_with_others,
    mean_of_products,
    measure_agreement,
    measure_categories,
    measure_pairs,
)
from core.labeling.crowd.vote_table import VoteTable, make_table
from tests.core.labeling.crowd.known_people import simulate


def other_or_not(table: VoteTable) -> np.ndarray:
    return (1 - np.eye(len(table.category_ids))).astype(np.float32)


def test_alpha_is_the_librarys() -> None:
    _, votes = simulate([0.9, 0.7, 0.5], 300, 8, 2)
    table = make_table([*votes, (0, 200, 1000), (1, 200, 1001), (2, 200, 1002)])
    counts = table.counts().toarray().astype(int)
    rng = np.random.default_rng(2)
    distances = rng.random((8, 8)).astype(np.float32)
    distances = (distances + distances.T) / 2
    np.fill_diagonal(distances, 0)
    found = measure_agreement(table, distances, replicates=50)
    assert found.alpha.value == pytest.approx(krippendorff.alpha(value_counts=counts, level_of_measurement="nominal"))
    of_library = krippendorff.alpha(
        value_counts=counts,
        value_domain=list(range(8)),
        level_of_measurement=lambda v1, v2, i1, i2, n_v, dtype=np.float64: distances[i1, i2],
    )
    assert found.tree_alpha.value == pytest.approx(of_library, abs=1e-6)


def test_alpha_of_a_category_is_the_librarys_for_this_category_or_not() -> None:
    _, votes = simulate([0.9, 0.7, 0.5], 400, 4, 3)
    table = make_table(votes)
    for found in measure_categories(table, other_or_not(table), replicates=20):
        own = table.counts().toarray()[:, table.category_ids.index(found.category_id)].astype(int)
        counts = np.stack([own, table.per_product().astype(int) - own], axis=1)
        of_library = krippendorff.alpha(value_counts=counts, level_of_measurement="nominal")
        assert found.alpha.value == pytest.approx(of_library)


def test_known_agreement_is_recovered() -> None:
    accuracies, n_categories = [0.9, 0.8, 0.7], 20
    expected = {
        (100 + j, 100 + k): accuracies[j] * accuracies[k] + (1 - accuracies[j]) * (1 - accuracies[k]) / 19
        for j in range(3)
        for k in range(j + 1, 3)
    }
    _, votes = simulate(accuracies, 1500, n_categories, 2)
    table = make_table(votes)
    pairs = measure_pairs(table, other_or_not(table))
    assert {pair.person_ids for pair in pairs} == set(expected)
    for pair in pairs:
        assert pair.same.low <= expected[pair.person_ids] <= pair.same.high
        assert pair.alpha.low < (expected[pair.person_ids] - 1 / 20) / (1 - 1 / 20) < pair.alpha.high
    whole = measure_agreement(table, other_or_not(table))
    mean = sum(expected.values()) / 3
    assert whole.same.low <= mean <= whole.same.high
    assert whole.closeness.value == pytest.approx(whole.same.value)
    others = agreement_with_others(table)
    assert others[100].value > others[101].value > others[102].value


def test_a_sibling_is_a_smaller_miss() -> None:
    distances = np.array([[0, 0.25, 1], [0.25, 0, 1], [1, 1, 0]], dtype=np.float32)
    near = [(u, 1, u % 3) for u in range(60)] + [(u, 2, 1 if u % 6 == 0 else u % 3) for u in range(60)]
    far = [(u, 1, u % 3) for u in range(60)] + [(u, 2, 2 if u % 6 == 0 else u % 3) for u in range(60)]
    siblings, strangers = (measure_agreement(make_table(votes), distances) for votes in (near, far))
    assert siblings.same.value == strangers.same.value == pytest.approx(50 / 60)
    assert siblings.closeness.value == pytest.approx(1 - 0.25 / 6)
    assert strangers.closeness.value == pytest.approx(1 - 1 / 6)
    assert siblings.tree_alpha.value > strangers.tree_alpha.value


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    covered = 0
    for seed in range(60):
        _, votes = simulate([0.8, 0.8], 150, 10, 2, seed)
        table = make_table(votes)
        alpha = measure_agreement(table, other_or_not(table), replicates=200).alpha
        truth = (0.64 + 0.04 / 9 - 0.1) / 0.9
        covered += alpha.low <= truth <= alpha.high
    assert 52 <= covered <= 60


def test_where_nobody_disagrees_the_interval_is_not_a_point() -> None:
    table = make_table([(u, j, u % 4) for u in range(40) for j in (1, 2)])
    found = measure_agreement(table, other_or_not(table))
    assert found.alpha.value == found.same.value == 1
    assert found.alpha.low < 0.95
    assert found.closeness.low == found.same.low < 0.95
    few = make_table([(u, j, int(u < 30)) for u in range(300) for j in (1, 2)])
    for one in measure_categories(few, other_or_not(few)):
        assert one.alpha.value == pytest.approx(1)
        assert 0.85 < one.alpha.low < 0.96  # one in nine of 30 products might be disputed


def test_the_mean_of_products_has_an_interval_that_stays() -> None:
    values = [1.0] * 30 + [0.0] * 30
    found = mean_of_products(values)
    assert found == mean_of_products(values)
    assert 0.33 < found.low < 0.42 < found.value == 0.5 < 0.58 < found.high < 0.67
    assert mean_of_products([1.0] * 30).low < 0.9
    assert mean_of_products([]).value is None


def test_one_category_alone_has_no_alpha_and_nothing_has_no_numbers() -> None:
    table = make_table([(u, j, 5) for u in range(40) for j in (1, 2)])
    assert measure_agreement(table, other_or_not(table)).alpha.value is None
    nothing = make_table([(1, 1, 1), (2, 1, 1)])
    assert nothing.n_products == 0
    assert measure_agreement(nothing, other_or_not(nothing)).same.n == 0
    assert measure_categories(nothing, other_or_not(nothing)) == []
    assert measure_pairs(nothing, other_or_not(nothing)) == []


def test_nothing_is_said_of_few_products() -> None:
    votes = [(u, j, 0 if u < 29 else 1) for u in range(70) for j in (1, 2)] + [(u, 3, 1) for u in range(29)]
    table = make_table(votes)
    assert [found.category_id for found in measure_categories(table, other_or_not(table))] == [1]
    assert [pair.person_ids for pair in measure_pairs(table, other_or_not(table))] == [(1, 2)]


def test_thousands_of_categories_fit() -> None:
    _, votes = simulate([0.9, 0.8, 0.7], 4000, 3000, 2)
    table = make_table(votes)
    found = measure_agreement(table, other_or_not(table), replicates=4)
    assert found.alpha.value == pytest.approx(found.same.value, abs=0.001)
