"""Thresholds keep what they promise over many draws, share where rows are few, and back off up the tree."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.errors import BrokenArtifact
from models.thresholds import (
    ERROR_RATE,
    Threshold,
    Thresholds,
    choose_threshold,
    choose_thresholds,
    least_rows,
)

TARGET = 0.95
Draw = tuple[NDArray[np.float32], NDArray[np.bool_]]


def draw(chance: np.random.Generator, n: int, distortion: float) -> Draw:
    """Confidences that say too much (distortion > 1) or too little, and whether the answers are right."""
    truth = chance.beta(5, 1, n)  # the real probability of being right: .83 on average
    return (truth ** (1 / distortion)).astype(np.float32), chance.random(n) < truth


def precision_above(threshold: float, distortion: float) -> float:
    """The real precision from the threshold on: the mean of beta(5, 1) above it."""
    cut = threshold**distortion
    return 5 / 6 * (1 - cut**6) / (1 - cut**5)


@pytest.mark.parametrize("distortion", [1.0, 3.0])
@pytest.mark.parametrize("n", [60, 400, 3000])
def test_the_promise_holds_over_many_draws(n: int, distortion: float) -> None:
    """However wrong the confidences are: at most one threshold in ten promises too much."""
    chance = np.random.default_rng(1)
    found = [choose_threshold(*draw(chance, n, distortion), TARGET).value for _ in range(300)]
    broken = [value for value in found if value is not None and precision_above(value, distortion) < TARGET]
    # 3 standard errors of a rate of one in ten over 300 draws
    assert len(broken) / len(found) <= ERROR_RATE + 3 * (0.1 * 0.9 / 300) ** 0.5


ONE_CLASS = np.array([[1]])


@pytest.mark.parametrize("copies", [2, 3])
def test_near_duplicates_do_not_count_as_so_many_proofs(copies: int) -> None:
    """The promise holds where each product comes several times, the copies answered alike; without groups it breaks."""
    chance, found = np.random.default_rng(11), list[float | None]()
    for _ in range(300):
        confidences, is_right = draw(chance, 150, 1.0)
        sums, labels = np.repeat(confidences, copies)[:, None], np.repeat(~is_right, copies).astype(np.int64)
        answers, groups = np.zeros(len(labels), np.int64), np.repeat(np.arange(150), copies)
        # a second class only so that an answer can be wrong
        chosen = choose_thresholds(answers, sums, labels, np.array([[1], [2]]), TARGET, groups)
        found.append(chosen.by_category[1].value if chosen else None)
        assert chosen is None or chosen.n == 150
    broken = [value for value in found if value is not None and precision_above(value, 1.0) < TARGET]
    assert any(value is not None for value in found)
    assert len(broken) / len(found) <= ERROR_RATE


def test_copies_of_one_product_promise_nothing() -> None:
    sums, labels = np.full((90, 1), 0.9, np.float32), np.zeros(90, np.int64)
    assert choose_thresholds(labels, sums, labels, ONE_CLASS, TARGET, np.arange(90) // 2) is not None
    assert choose_thresholds(labels, sums, labels, ONE_CLASS, TARGET, np.arange(90) // 3) is None


def test_with_many_rows_nearly_all_that_could_be_answered_is() -> None:
    found = choose_threshold(*draw(np.random.default_rng(2), 20_000, 1.0), TARGET).value
    assert found is not None
    assert TARGET <= precision_above(found, 1.0) < TARGET + 0.01


def test_too_few_rows_promise_nothing() -> None:
    sure = np.full(45, 0.9, np.float32)
    assert least_rows(TARGET) == 45
    assert choose_threshold(sure[:44], np.ones(44, bool), TARGET).value is None
    assert choose_threshold(sure, np.ones(45, bool), TARGET).value == pytest.approx(0.9)
    assert choose_threshold(sure, np.arange(45) > 0, TARGET).value is None


def test_equal_confidences_stand_and_fall_together() -> None:
    confidences = np.repeat(np.asarray([0.9, 0.5], np.float32), 60)
    is_right = np.arange(120) < 60
    assert choose_threshold(confidences, is_right, TARGET).value == pytest.approx(0.9)


# two branches; the leaves 3 and 4 of branch 1, the leaf 5 of branch 2, and a leaf 6 with no branch
PATHS = np.array([[1, 3], [1, 4], [2, 5], [6, -1]])


def make_rows(answers: list[int], n: int, share_right: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    chance = np.random.default_rng(4)
    given = np.repeat(answers, n)
    labels = np.where(chance.random(len(given)) < share_right, given, (given + 1) % 4)
    return given, labels


def level_sums(answers: NDArray[np.int64], own: float, above: float) -> NDArray[np.float32]:
    """The same confidences everywhere; leaf 6 stands in the first column."""
    sums = np.tile(np.asarray([above, own], np.float32), (len(answers), 1))
    sums[answers == 3, 0] = own
    return sums


def test_a_category_with_enough_rows_has_its_own_threshold_and_few_rows_share() -> None:
    answers = np.concatenate([np.full(400, 0), np.full(30, 1), np.full(200, 2), np.full(120, 3)])
    chance = np.random.default_rng(3)
    labels = np.where(chance.random(len(answers)) < 0.995, answers, (answers + 1) % 4)
    sums = level_sums(answers, 0.9, 0.99)
    found = choose_thresholds(answers, sums, labels, PATHS, TARGET)
    assert found is not None
    assert found.by_category[3].n == 400
    assert {found.by_category[leaf].n for leaf in (4, 5, 6)} == {350}  # what is left over, up to the whole tree
    assert all(found.by_category[leaf].value == pytest.approx(0.9) for leaf in (3, 4, 5, 6))


def test_siblings_share_before_cousins_do() -> None:
    answers = np.repeat([0, 1, 2], [200, 200, 340])
    found = choose_thresholds(answers, level_sums(answers, 0.9, 0.99), answers, PATHS, TARGET)
    assert found is not None
    assert (found.by_category[3].n, found.by_category[4].n, found.by_category[5].n) == (400, 400, 340)


def test_what_is_not_sure_of_its_leaf_may_be_sure_of_its_branch() -> None:
    """Leaves 3 and 4 are confused with one another, never with another branch."""
    chance = np.random.default_rng(5)
    answers = np.repeat([0, 1], 400)
    labels = np.where(chance.random(800) < 0.7, answers, 1 - answers)
    found = choose_thresholds(answers, level_sums(answers, 0.7, 0.99), labels, PATHS, TARGET)
    assert found is not None
    assert found.by_category[3].value is None
    assert found.by_category[1] == Threshold(pytest.approx(0.99), 800)


@pytest.mark.parametrize(("n", "target"), [(44, 0.95), (300, 0.0)])
def test_without_rows_or_without_a_target_there_are_none(n: int, target: float) -> None:
    answers = np.zeros(n, np.int64)
    assert choose_thresholds(answers, level_sums(answers, 0.9, 0.99), answers, PATHS, target) is None


def test_the_file_is_read_back_or_refused(tmp_path: Path) -> None:
    answers = np.repeat([0, 1], 400)
    found = choose_thresholds(answers, level_sums(answers, 0.9, 0.99), answers, PATHS, TARGET)
    assert found is not None
    assert Thresholds.find(tmp_path) is None
    found.write(tmp_path / "thresholds.json")
    again = Thresholds.find(tmp_path)
    assert again is not None
    assert (again.by_category, again.target, again.n) == (found.by_category, TARGET, 800)
    assert (again.class_paths == PATHS).all()
    (tmp_path / "thresholds.json").write_text('{"format": 1, "target": 0.95}')
    with pytest.raises(BrokenArtifact, match="does not fit together"):
        Thresholds.find(tmp_path)


def test_where_nothing_can_be_promised_there_are_none() -> None:
    answers = np.repeat([0, 1], 400)
    wrong = np.where(np.arange(800) % 4 == 0, 2, answers)  # a quarter of the labels, however sure the answer
    assert choose_thresholds(answers, level_sums(answers, 0.9, 0.99), wrong, PATHS, TARGET) is None
