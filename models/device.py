"""Which device a model runs on: `auto` is resolved once, by the way in."""

from models.errors import UnknownDevice


def resolve_device(device: str) -> str:
    """'auto' becomes 'cuda' where there is one, else 'cpu'; an unknown or absent device raises UnknownDevice."""
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu" or (device == "cuda" and torch.cuda.is_available()):
        return device
    raise UnknownDevice(device)
