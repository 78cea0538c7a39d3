"""The learning curve of a training, a point an epoch, as a job's progress tells it."""

from typing import Any

from models.types import FitProgress


class Curve:
    """`points` are [epoch, loss, validation P@1]; the last P@1 is none until its epoch is judged.

    The list is the caller's: what it held before goes on growing, so that a killed job's curve has no gap.
    """

    def __init__(self, points: list[list[Any]]) -> None:
        self.points = points
        self._share_before: float | None = None  # validation P@1 when the running epoch began

    def add(self, progress: FitProgress) -> bool:
        """Take in what a fit tells; whether an epoch has just begun.

        While an epoch runs the fit still tells the P@1 of the one before.
        """
        share = progress.validation_p_at_1
        if progress.epoch is None or progress.loss is None:
            self._close()
        elif self.points and self.points[-1][0] == progress.epoch:
            self.points[-1][1] = round(progress.loss, 4)
            if share != self._share_before:
                self.points[-1][2] = share
        elif not self.points or self.points[-1][0] < progress.epoch:
            self._share_before = share
            self._close()
            self.points.append([progress.epoch, round(progress.loss, 4), None])
            return True
        return False

    def _close(self) -> None:
        """The last epoch is over; that its P@1 did not change is known only now."""
        if self.points and self.points[-1][2] is None:
            self.points[-1][2] = self._share_before
