"""Consensus and annotator quality: known accuracies come back, also with thousands of categories."""

import numpy as np
import pytest

from core.labeling.crowd.crowdlab import fit_crowdlab
from core.labeling.crowd.dawid_skene import fit_one_coin
from core.labeling.crowd.vote_table import make_table
from tests.core.labeling.crowd.known_people import simulate

ACCURACIES = [0.95, 0.85, 0.75, 0.65, 0.5]


@pytest.mark.parametrize(("n_categories", "votes"), [(5, 3), (50, 3), (3000, 4)])
def test_one_coin_recovers_known_accuracies(n_categories: int, votes: int) -> None:
    truth, said = simulate(ACCURACIES, 1500, n_categories, votes)
    table = make_table(said)
    found = fit_one_coin(table, n_categories)
    assert found.accuracy == pytest.approx(ACCURACIES, abs=0.045)
    right = np.array(table.category_ids)[found.consensus] == np.array(truth)
    assert right.mean() == pytest.approx(found.confidence.mean(), abs=0.03)  # it knows how sure it is
    assert right.mean() > 0.85


def test_one_coin_beats_the_majority_where_one_person_is_much_better() -> None:
    truth, said = simulate([0.97, 0.55, 0.55], 1500, 10, 3)
    table = make_table(said)
    found = fit_one_coin(table)
    right = np.array(table.category_ids)[found.consensus] == np.array(truth)
    majority = table.counts().toarray().argmax(axis=1)
    assert right.mean() > (np.array(table.category_ids)[majority] == np.array(truth)).mean() + 0.05


def test_votes_are_as_probable_as_they_are_right() -> None:
    truth, said = simulate(ACCURACIES, 1500, 20, 3)
    table = make_table(said)
    is_right = np.array(table.category_ids)[table.category] == np.array(truth)[table.product]
    probable = fit_one_coin(table).truth
    assert is_right[probable > 0.9].mean() > 0.93
    assert is_right[probable < 0.1].mean() < 0.12


def test_crowdlab_ranks_people_and_finds_the_truth_with_the_model() -> None:
    truth, said = simulate(ACCURACIES, 600, 30, 2)
    rng = np.random.default_rng(3)
    tops = {
        product: [(right if rng.random() < 0.85 else 1000 + int(rng.integers(0, 30)), 0.8)]
        for product, right in enumerate(truth)
    }
    table = make_table(said)
    with_model, alone = fit_crowdlab(table, tops), fit_crowdlab(table, {})
    assert sorted(with_model.quality, key=lambda person: -with_model.quality[person]) == [100, 101, 102, 103, 104]
    assert (with_model.used_model, alone.used_model) == (True, False)

    def share_right(consensus: dict[int, tuple[int, float]]) -> float:
        return sum(consensus[product][0] == right for product, right in enumerate(truth)) / len(truth)

    assert share_right(with_model.consensus) > share_right(alone.consensus) + 0.05
    doubtful = sorted(with_model.consensus, key=lambda product: with_model.consensus[product][1])
    wrong = [with_model.consensus[product][0] != truth[product] for product in doubtful]
    assert sum(wrong[:200]) > 2 * sum(wrong[-200:])


def test_crowdlab_goes_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.labeling.crowd.crowdlab.CELLS", 30 * 200)
    _, said = simulate(ACCURACIES, 600, 30, 2)
    found = fit_crowdlab(make_table(said), {0: [(1000, 0.9)]})
    assert len(found.consensus) == 600
    assert found.quality[100] > found.quality[104]


def test_people_who_all_say_the_same_are_no_riddle() -> None:
    found = fit_crowdlab(make_table([(u, j, 7) for u in range(3) for j in (1, 2)]), {})
    assert found.consensus == {0: (7, 1.0), 1: (7, 1.0), 2: (7, 1.0)}
