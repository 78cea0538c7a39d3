"""From probabilities to answers: what is sure, what backs off and how far, what is never answered."""

import numpy as np
import pytest

from models.answering import Branches, answer_products, answer_sums
from models.answers import NOWHERE, AnswerRules
from models.thresholds import Threshold, Thresholds
from tests.models.given import GivenModel, rows

# root 1 > {10 > {100, 101}, 11 > {110}}, root 2 > {20}; the order of the classes is not that of the tree
CLASS_IDS = [110, 20, 100, 101]
PATHS = np.array([[1, 11, 110], [2, 20, -1], [1, 10, 100], [1, 10, 101]])
PROBS = np.array(
    [
        [0.02, 0.001, 0.969, 0.01],  # sure of 100
        [0.04, 0.01, 0.50, 0.45],  # sure of 10
        [0.45, 0.05, 0.30, 0.20],  # sure of 1
        [0.31, 0.29, 0.20, 0.20],  # sure of nothing
        [0.05, 0.90, 0.03, 0.02],  # 20 is never sure, but 2 is
    ],
    np.float32,
)
CHOSEN = {100: 0.9, 101: 0.9, 110: 0.9, 20: None, 10: 0.9, 11: 0.9, 1: 0.9, 2: 0.8}
THRESHOLDS = Thresholds(0.95, 100, PATHS, {node: Threshold(value, 50) for node, value in CHOSEN.items()})
MODEL = GivenModel(PROBS, CLASS_IDS)


def test_sums_along_the_path_of_the_answer() -> None:
    sums = Branches(PATHS).sums(PROBS, np.array([2, 2, 0, 0, 1]))
    assert sums[0] == pytest.approx([0.999, 0.979, 0.969])
    assert sums[2] == pytest.approx([0.95, 0.45, 0.45])
    assert sums[4][:2] == pytest.approx([0.90, 0.90])


def test_below_its_threshold_an_answer_backs_off_to_the_deepest_sure_category_above() -> None:
    found = answer_products(MODEL, rows(0, 1, 2, 3, 4), 2, AnswerRules(THRESHOLDS))
    assert found.ids[:, 0].tolist() == [100, 100, 110, 110, 20]
    assert found.abstained.tolist() == [False, True, True, True, True]
    assert found.back_off_ids.tolist() == [NOWHERE, 10, 1, NOWHERE, 2]
    assert found.probs[1] == pytest.approx([0.50, 0.45])


def test_without_thresholds_everything_is_sure() -> None:
    found = answer_products(MODEL, rows(0, 3), 9, AnswerRules())
    assert found.ids.shape == (2, 4)
    assert not found.abstained.any()
    assert found.back_off_ids.tolist() == [NOWHERE, NOWHERE]


def test_what_is_left_out_is_never_answered_and_the_rest_keeps_its_confidence() -> None:
    found = answer_products(MODEL, rows(0, 1, 4), 5, AnswerRules(left_out=frozenset({100, 20})))
    assert found.ids[:, 0].tolist() == [110, 101, 110]
    assert found.ids.shape == (3, 2)
    assert found.probs[1, 0] == pytest.approx(0.45)
    # what lies below a category still counts for it
    backed = answer_products(MODEL, rows(1), 5, AnswerRules(THRESHOLDS, frozenset({100})))
    assert (backed.ids[0, 0], backed.abstained[0], backed.back_off_ids[0]) == (101, True, 10)


def test_leaving_out_everything_leaves_out_nothing() -> None:
    found = answer_products(MODEL, rows(0), 5, AnswerRules(left_out=frozenset(CLASS_IDS)))
    assert found.ids[0].tolist()[0] == 100


def test_no_products_have_no_answers() -> None:
    assert len(answer_products(MODEL, rows(), 3, AnswerRules(THRESHOLDS))) == 0


def test_what_thresholds_are_chosen_on_is_what_they_meet() -> None:
    answers, sums = answer_sums(MODEL, rows(0, 1, 2, 3, 4), PATHS, frozenset())
    assert answers.tolist() == [2, 2, 0, 0, 1]
    said = answer_products(MODEL, rows(0, 1, 2, 3, 4), 1, AnswerRules()).probs[:, 0]
    assert sums[[0, 1, 2, 3, 4], [2, 2, 2, 2, 1]].tolist() == said.tolist()


def test_a_model_of_one_level_has_nowhere_to_back_off() -> None:
    flat = Thresholds(0.95, 50, np.array([[7], [8]]), {7: Threshold(0.9, 50), 8: Threshold(0.9, 50)})
    model = GivenModel(np.array([[0.6, 0.4]], np.float32), [7, 8])
    found = answer_products(model, rows(0), 2, AnswerRules(flat))
    assert (found.abstained.tolist(), found.back_off_ids.tolist()) == ([True], [NOWHERE])
