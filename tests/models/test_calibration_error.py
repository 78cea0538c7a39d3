"""The calibration error is the distance of confidence from truth, bin by bin."""

import numpy as np
import pytest

from models.calibration_error import expected_calibration_error, reliability_bins


def test_the_error_of_hand_made_bins() -> None:
    # 4 rows at confidence .9, of which 2 right; 2 rows at .6, both right
    confidences = np.asarray([0.9] * 4 + [0.6] * 2, np.float32)
    is_right = np.asarray([True, True, False, False, True, True])
    assert expected_calibration_error(confidences, is_right) == pytest.approx(4 / 6 * 0.4 + 2 / 6 * 0.4)


def test_the_error_of_one_bin() -> None:
    sure = np.full(10, 0.8, dtype=np.float32)
    assert expected_calibration_error(sure, np.arange(10) < 8) == pytest.approx(0.0, abs=1e-6)
    assert expected_calibration_error(sure, np.arange(10) < 5) == pytest.approx(0.3, abs=1e-6)


def test_the_ends_lie_in_a_bin() -> None:
    assert expected_calibration_error(np.ones(4, dtype=np.float32), np.ones(4, dtype=bool)) == 0.0
    assert expected_calibration_error(np.zeros(4, dtype=np.float32), np.zeros(4, dtype=bool)) == 0.0


def test_a_reliability_diagram_has_a_point_for_each_filled_bin() -> None:
    confidences = np.asarray([0.95, 0.97, 0.97, 0.97, 0.5, 1.0], np.float32)
    bins = reliability_bins(confidences, np.asarray([True, True, True, False, False, True]))
    assert [(part.n, part.n_right) for part in bins] == [(1, 0), (5, 4)]
    assert bins[0].low < 0.5 <= bins[0].high
    assert bins[1].confidence == pytest.approx(0.972)
    assert reliability_bins(confidences[:0], np.zeros(0, bool)) == []
