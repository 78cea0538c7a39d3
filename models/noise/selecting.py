"""Between a trainer's tensors and a `BatchSelector`."""

import torch
from torch import Tensor

from models.types import BatchSelector


def select(
    selector: BatchSelector, epoch: int, rows: Tensor, scores: Tensor, losses: Tensor, labels: Tensor, weights: Tensor
) -> tuple[Tensor, Tensor]:
    """The labels and weights (B,) that a step learns from: a row that is not chosen weighs 0.

    `rows` (B,) are places in the training rows, `scores` (B, K), `losses` (B,) as the labels are given.
    """
    kept, chosen = selector.choose(
        epoch,
        rows.cpu().numpy(),
        losses.detach().float().cpu().numpy(),
        scores.detach().argmax(1).cpu().numpy(),
    )
    device = labels.device
    return torch.from_numpy(chosen).to(device), weights * torch.from_numpy(kept).to(device, weights.dtype)
