"""Which device a model runs on: `auto` is resolved once, by the way in."""

from collections.abc import Iterator
from contextlib import contextmanager

from models.errors import UnknownDevice


def resolve_device(device: str) -> str:
    """'auto' becomes 'cuda' where there is one, else 'cpu'; an unknown or absent device raises UnknownDevice."""
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu" or (device == "cuda" and torch.cuda.is_available()):
        return device
    raise UnknownDevice(device)


def describe_device(device: str) -> str:
    """A resolved device in words for a log: 'cuda (NVIDIA H200, 139 GiB)', 'cpu'."""
    import torch

    if device != "cuda":
        return device
    found = torch.cuda.get_device_properties(0)
    return f"cuda ({found.name}, {found.total_memory / 2**30:.0f} GiB)"


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch work on one thread inside: batches of short titles are too small to share.

    Measured on 2 cores: 7 s of CPU for a fit instead of 60 s beside other work, as threads wait for each other.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
