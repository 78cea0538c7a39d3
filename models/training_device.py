"""What training does differently on a GPU: half precision, fused steps, pinned copies, batches that fit its memory.

Every helper does the plain thing on a CPU, so that there is one training loop for both.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar

import torch
from torch import Tensor, nn

from models.errors import NotEnoughDeviceMemory, NotRepeatable

AHEAD = 3  # batches made ready while the device works on one

Item = TypeVar("Item")
Ready = TypeVar("Ready")


def autocast(device: str) -> AbstractContextManager[object]:
    """Matrix products in bfloat16 on a GPU that has it; weights, losses and sums stay float32. Nothing on a CPU."""
    if device == "cuda" and torch.cuda.is_bf16_supported():
        return torch.autocast("cuda", torch.bfloat16)
    return nullcontext()


def adamw(
    parameters: Iterable[nn.Parameter], learning_rate: float, device: str, weight_decay: float = 0.01
) -> torch.optim.AdamW:
    """AdamW; on a GPU the fused one, whose step is one kernel instead of several a parameter."""
    fused = True if device == "cuda" else None
    return torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=weight_decay, fused=fused)


def to_device(tensor: Tensor, device: str, dtype: torch.dtype | None = None) -> Tensor:
    """The tensor there. To a GPU it goes through pinned memory, so that the copy runs beside the computing."""
    if device == "cuda" and tensor.device.type == "cpu":
        return tensor.pin_memory().to(device, dtype, non_blocking=True)
    return tensor.to(device, dtype)


def prepare_ahead(items: Iterable[Item], prepare: Callable[[Item], Ready], device: str) -> Iterator[Ready]:
    """`prepare(item)` of each item, in order. For a GPU a thread does it a few items ahead, for a CPU nobody does.

    On a CPU the thread would take the processor from the training itself. What `prepare` raises is raised here.
    """
    if device == "cpu":
        yield from map(prepare, items)
        return
    with ThreadPoolExecutor(1, thread_name_prefix="prepare-ahead") as pool:
        waiting = deque[Future[Ready]]()
        for item in items:
            waiting.append(pool.submit(prepare, item))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def repeatable(on: bool) -> Iterator[None]:
    """Let torch use only algorithms that give the same numbers again, on a GPU too; slower. `on` false: nothing.

    A CPU on one thread does so anyway. Raises NotRepeatable where the device has no such algorithm for a step.
    """
    if not on:
        yield
        return
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    # cuBLAS reads it when it starts: later settings of the process have no effect
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    try:
        yield
    except RuntimeError as error:
        if "deterministic" in str(error):
            raise NotRepeatable(str(error).split(".")[0]) from error
        raise
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.backends.cudnn.benchmark = before[1]


class SplitBatches:
    """Computes a batch's gradient in as many parts as the device's memory needs; the step stays that of the batch.

    Each time memory runs out, half as many rows go at once from then on, and `on_halved(rows at once)` is told.
    """

    def __init__(self, on_halved: Callable[[int], None], rows_at_once: int | None = None) -> None:
        self.rows_at_once = rows_at_once  # none: all of a batch
        self._on_halved = on_halved

    def add_up(self, n_rows: int, begin: Callable[[], None], backward: Callable[[slice], Tensor]) -> Tensor:
        """The batch's loss, its gradients added up where `backward` leaves them.

        `begin` sets the gradients to nothing; `backward` computes some rows and returns their share of the batch's
        loss: 0-dim, detached, so that the shares of all rows sum to the loss. Both run anew after memory ran out.
        Raises NotEnoughDeviceMemory when even one row does not fit.
        """
        while True:
            size = max(1, min(self.rows_at_once or n_rows, n_rows))
            try:
                begin()
                shares = [backward(slice(start, min(start + size, n_rows))) for start in range(0, n_rows, size)]
                return shares[0] if len(shares) == 1 else torch.stack(shares).sum()
            except torch.OutOfMemoryError as error:
                if size == 1:
                    raise NotEnoughDeviceMemory() from error
            # outside the except: the exception held on to the tensors that did not fit
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            self.rows_at_once = -(-size // 2)
            self._on_halved(self.rows_at_once)


def out_of_memory_note(rows_at_once: int) -> str:
    """What the log says when a batch was halved."""
    return (
        f"The device's memory ran out: {rows_at_once} rows at a time from here on, "
        "gradients added up so that each step is still that of a whole batch."
    )
