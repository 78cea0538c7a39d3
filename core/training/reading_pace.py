"""How far the reading of images is, in the numbers that a running job shows."""

import time
from typing import Any


class ReadingPace:
    """Called with the share read (0..1) it gives rows done, rows in all and the seconds left at the pace so far."""

    def __init__(self, n_rows: int) -> None:
        self._n_rows = n_rows
        self._began: tuple[float, float] | None = None  # (time, share) of the first word

    def __call__(self, share: float) -> dict[str, Any]:
        now = time.monotonic()
        if self._began is None:
            self._began = now, share
        began, at_first = self._began
        gone = share - at_first
        left = round((now - began) / gone * (1.0 - share), 1) if gone > 0.01 else None  # before, hardly known
        return {"rows": round(share * self._n_rows), "n_rows": self._n_rows, "seconds_left": left}
