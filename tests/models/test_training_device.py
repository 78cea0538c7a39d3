"""Training helpers: batches are halved where memory runs out, batches come in order, switches are put back."""

import numpy as np
import pytest
import torch

from models.errors import NotEnoughDeviceMemory, NotRepeatable
from models.training_device import SplitBatches, adamw, autocast, prepare_ahead, repeatable, to_device


class Sum:
    """A loss of rows on a device that holds `fits` of them."""

    def __init__(self, fits: int) -> None:
        self.fits = fits
        self.weight = torch.ones((), requires_grad=True)
        self.rows = torch.arange(10.0)

    def begin(self) -> None:
        self.weight.grad = None

    def backward(self, part: slice) -> torch.Tensor:
        loss = (self.weight * self.rows[part]).sum() / len(self.rows)
        loss.backward()
        if len(self.rows[part]) > self.fits:  # after some gradient was added already
            raise torch.OutOfMemoryError("no room")
        return loss.detach()


@pytest.mark.parametrize(("fits", "told"), [(10, []), (5, [5]), (4, [5, 3]), (1, [5, 3, 2, 1])])
def test_a_batch_is_halved_until_it_fits_and_its_gradient_stays(fits: int, told: list[int]) -> None:
    work, halved = Sum(fits), list[int]()
    split = SplitBatches(halved.append)
    assert float(split.add_up(10, work.begin, work.backward)) == pytest.approx(4.5)
    assert work.weight.grad is not None
    assert float(work.weight.grad) == pytest.approx(4.5)
    assert halved == told
    split.add_up(10, work.begin, work.backward)
    assert halved == told  # learned once


def test_rows_at_once_can_be_set_from_the_start() -> None:
    work, halved = Sum(3), list[int]()
    SplitBatches(halved.append, 3).add_up(10, work.begin, work.backward)
    assert halved == []


def test_where_not_even_one_row_fits_it_is_said() -> None:
    work = Sum(0)
    with pytest.raises(NotEnoughDeviceMemory, match="too small for this model"):
        SplitBatches(lambda rows: None).add_up(10, work.begin, work.backward)


@pytest.mark.parametrize("device", ["cpu", "some gpu"])
def test_batches_made_ahead_come_in_order(device: str) -> None:
    assert list(prepare_ahead(range(20), lambda n: n * n, device)) == [n * n for n in range(20)]


@pytest.mark.parametrize("device", ["cpu", "some gpu"])
def test_what_goes_wrong_ahead_is_raised(device: str) -> None:
    def fail(n: int) -> int:
        if n == 5:
            raise ValueError("five")
        return n

    found = prepare_ahead(range(20), fail, device)
    with pytest.raises(ValueError, match="five"):
        list(found)


def test_repeatable_algorithms_are_on_inside_alone() -> None:
    with repeatable(False):
        assert not torch.are_deterministic_algorithms_enabled()
    with repeatable(True):
        assert torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_step_that_cannot_be_repeated_is_named() -> None:
    message = "x_backward does not have a deterministic implementation, but you set. Do this."
    with pytest.raises(NotRepeatable, match="x_backward does not have"), repeatable(True):
        raise RuntimeError(message)
    with pytest.raises(RuntimeError, match="something else"), repeatable(True):
        raise RuntimeError("something else")


def test_on_a_cpu_training_is_plain() -> None:
    parameter = torch.nn.Parameter(torch.ones(2))
    with autocast("cpu"):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
    optimizer = adamw([parameter], 0.1, "cpu")
    assert not optimizer.param_groups[0]["fused"]
    rows = torch.from_numpy(np.arange(3, dtype=np.int32))
    assert to_device(rows, "cpu", torch.int64).dtype == torch.int64
