"""A stage of training an image classifier: epochs that go on after a kill, the best by held-out loss kept."""

import math
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from models.checkpoint import Checkpoints
from models.errors import TrainingDiverged
from models.types import FitProgress, OnProgress

REPORT_SECONDS = 0.5

Losses = Iterator[tuple[Tensor, int]]  # (mean loss before the step, rows) of each step of an epoch
Judge = Callable[[], tuple[float, float] | None]  # (loss, P@1) on held-out rows; none when there are none


class Stage:
    """Trains `network` with `optimizer` for some epochs; the learning rate falls as a cosine.

    The state in the end is that of the best epoch: of least held-out loss where there are held-out rows, the one
    before the first epoch included, else the last.
    """

    def __init__(
        self,
        name: str,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        epochs: int,
        train_epoch: Callable[[int], Losses],
        judge: Judge,
        checkpoints: Checkpoints,
        on_progress: OnProgress,
    ) -> None:
        self._name, self._network, self._optimizer, self._epochs = name, network, optimizer, epochs
        self._train_epoch, self._judge = train_epoch, judge
        self._checkpoints, self._on_progress = checkpoints, on_progress
        self._learning_rates = [group["lr"] for group in optimizer.param_groups]
        self._best_loss = math.inf
        self._best: dict[str, Tensor] = {}

    def run(self, steps_an_epoch: int, save_each: bool = False) -> None:
        """All epochs that are still to do. `save_each`: a checkpoint after every epoch, not only now and then.

        Raises TrainingDiverged when the loss is no number any more.
        """
        done = self._resume()
        if not done:
            self._keep_if_best()
        for epoch in range(done, self._epochs):
            share = self._one_epoch(epoch, steps_an_epoch)
            self._on_progress(FitProgress(self._name, (epoch + 1) / self._epochs, epoch + 1, self._epochs, None, share))
            if save_each or epoch + 1 == self._epochs or self._checkpoints.is_due():
                self._checkpoints.save_state(epoch + 1, self._state())
        self._network.load_state_dict(self._best)

    def _one_epoch(self, epoch: int, n_steps: int) -> float | None:
        """Returns P@1 on held-out rows, if there are any."""
        began, reported, seen, total = time.monotonic(), 0.0, 0, 0.0
        for group, rate in zip(self._optimizer.param_groups, self._learning_rates, strict=True):
            group["lr"] = rate * 0.5 * (1.0 + math.cos(math.pi * epoch / self._epochs))
        for step, (loss, n_rows) in enumerate(self._train_epoch(epoch)):
            seen += n_rows
            total += float(loss) * n_rows
            if not math.isfinite(total):
                raise TrainingDiverged(epoch * n_steps + step)
            if time.monotonic() - reported > REPORT_SECONDS:
                reported = time.monotonic()
                fraction = (epoch + min(1.0, (step + 1) / n_steps)) / self._epochs
                speed = seen / max(reported - began, 1e-9)
                self._on_progress(
                    FitProgress(self._name, fraction, epoch + 1, self._epochs, total / seen, rows_per_second=speed)
                )
        return self._keep_if_best()

    def _keep_if_best(self) -> float | None:
        judged = self._judge()
        if judged is None or judged[0] < self._best_loss or not self._best:
            self._best_loss = math.inf if judged is None else judged[0]
            self._best = {name: tensor.detach().clone() for name, tensor in self._network.state_dict().items()}
        return judged[1] if judged else None

    def _state(self) -> dict[str, Tensor]:
        state = {f"network.{name}": tensor for name, tensor in self._network.state_dict().items()}
        state |= {f"best.{name}": tensor for name, tensor in self._best.items()}
        state["loss.best"] = torch.tensor(self._best_loss, dtype=torch.float64)
        for place, values in self._optimizer.state_dict()["state"].items():
            state |= {f"optimizer.{place}.{name}": tensor for name, tensor in values.items()}
        return {name: tensor.detach().cpu().clone().contiguous() for name, tensor in state.items()}

    def _resume(self) -> int:
        """Take up the newest checkpoint, if there is one: how many epochs are done."""
        found = self._checkpoints.find_state()
        if found is None:
            return 0
        parts: dict[str, dict[str, Tensor]] = {"network": {}, "best": {}, "optimizer": {}, "loss": {}}
        for name, tensor in found[1].items():
            part, _, rest = name.partition(".")
            parts[part][rest] = tensor
        self._network.load_state_dict(parts["network"])
        self._best, self._best_loss = parts["best"], float(parts["loss"]["best"])
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in parts["optimizer"].items():
            place, _, rest = name.partition(".")
            moments.setdefault(int(place), {})[rest] = tensor
        self._optimizer.load_state_dict({**self._optimizer.state_dict(), "state": moments})
        return found[0]
