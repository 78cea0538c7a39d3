"""Quality on held-out rows, on a case worked out by hand."""

import numpy as np
import pytest

from core.training.evaluate import count_categories, evaluate
from models.answers import Answers

LABELS = np.asarray([1, 1, 1, 2, 2, 9], dtype=np.int64)  # the model does not know category 9
ANSWERS = Answers.all_sure(
    np.asarray([[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 1, 3], [3, 1, 2], [3, 2, 1]], dtype=np.int64),
    np.asarray([[0.9, 0.05, 0.05]] * 6, dtype=np.float32),
)


def test_rates_within_the_first_answers() -> None:
    found = evaluate(LABELS, ANSWERS)
    assert found.p_at_1.value == 3 / 6
    assert found.p_at_2.value == 4 / 6
    assert found.p_at_4.value == 5 / 6
    assert found.n == 6
    assert found.p_at_1.low < 0.5 < found.p_at_1.high


def test_macro_f1_is_over_the_categories_that_have_rows() -> None:
    # F1: category 1: 2*2/(3+2), category 2: 2*1/(2+2), category 9: 0; category 3 is answered but has no row
    assert evaluate(LABELS, ANSWERS).macro_f1 == pytest.approx((0.8 + 0.5 + 0.0) / 3)
    assert evaluate(LABELS, ANSWERS).n_categories == 3


def test_categories_are_counted_with_their_rates() -> None:
    rows = {row.category_id: row.to_row() for row in count_categories(LABELS, ANSWERS)}
    assert list(rows) == [1, 2, 3, 9]
    assert (rows[1]["n"], rows[1]["n_predicted"], rows[1]["n_correct"], rows[1]["n_correct_at_2"]) == (3, 2, 2, 3)
    assert (rows[1]["precision"], rows[1]["recall"]) == (1.0, 2 / 3)
    assert (rows[3]["precision"], rows[3]["recall"], rows[3]["f1"]) == (0.0, None, 0.0)
    assert (rows[9]["precision"], rows[9]["recall"]) == (None, 0.0)
