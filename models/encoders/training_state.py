"""All that a training changes, as named tensors for a checkpoint."""

import torch
from torch import Tensor

from models.encoders.network import TextNetwork
from models.table_optimizers import AdamRows
from models.types import BatchSelector


def pack(
    network: TextNetwork, embeddings: AdamRows, optimizer: torch.optim.Optimizer, selector: BatchSelector | None
) -> dict[str, Tensor]:
    """Weights, both optimizers' moments and what the selector remembers, on the CPU."""
    state = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    state.update({f"embeddings.{name}": tensor for name, tensor in embeddings.state().items()})
    for place, values in optimizer.state_dict()["state"].items():
        state.update({f"optimizer.{place}.{name}": tensor for name, tensor in values.items()})
    if selector:
        state.update({f"selector.{name}": torch.from_numpy(kept) for name, kept in selector.state().items()})
    return {name: tensor.cpu().contiguous() for name, tensor in state.items()}


def unpack(
    tensors: dict[str, Tensor],
    network: TextNetwork,
    embeddings: AdamRows,
    optimizer: torch.optim.Optimizer,
    selector: BatchSelector | None,
) -> None:
    """Put back what `pack` took."""
    parts: dict[str, dict[str, Tensor]] = {"network": {}, "embeddings": {}, "optimizer": {}, "selector": {}}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        parts[part][rest] = tensor
    network.load_state_dict(parts["network"])
    embeddings.load_state(parts["embeddings"])
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in parts["optimizer"].items():
        place, _, rest = name.partition(".")
        moments.setdefault(int(place), {})[rest] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    if selector:
        selector.load_state({name: tensor.numpy() for name, tensor in parts["selector"].items()})
