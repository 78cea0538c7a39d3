"""The learning curve: a point an epoch, its P@1 once it is judged."""

from core.training.progress_curve import Curve
from models.types import FitProgress


def told(epoch: int | None, loss: float | None, share: float | None) -> FitProgress:
    return FitProgress("training", 0.5, epoch=epoch, n_epochs=3, loss=loss, validation_p_at_1=share)


def test_an_epoch_has_its_own_share_once_it_is_judged() -> None:
    curve = Curve([])
    began = [curve.add(p) for p in (told(None, None, None), told(1, 0.9, None), told(1, 0.8, 0.5), told(2, 0.7, 0.5))]
    assert began == [False, True, False, True]
    assert curve.points == [[1, 0.8, 0.5], [2, 0.7, None]]
    curve.add(told(2, 0.6, 0.55))
    assert curve.points[-1] == [2, 0.6, 0.55]


def test_a_share_that_did_not_change_is_known_at_the_end_of_the_epoch() -> None:
    curve = Curve([])
    for progress in (told(1, 0.9, 0.5), told(2, 0.8, 0.5), told(None, None, None)):
        curve.add(progress)
    assert curve.points == [[1, 0.9, 0.5], [2, 0.8, 0.5]]


def test_a_curve_taken_up_again_has_no_epoch_twice() -> None:
    points = [[1, 0.9, 0.5], [2, 0.8, 0.6]]
    curve = Curve(points)
    assert not curve.add(told(2, 0.79, 0.6))
    assert curve.add(told(3, 0.7, 0.6))
    assert [point[0] for point in points] == [1, 2, 3]
