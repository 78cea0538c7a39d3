"""MobileNetV2 at 224x224 without its classifier: 1,280 numbers a picture, from weights whose scaling is known."""

import copy
import hashlib
import pickle
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from models.artifact import read_json, write_folder, write_json
from models.errors import BrokenArtifact, NoImageWeights
from models.image.config import NAMED_WEIGHTS, SCRATCH
from models.training_device import autocast, to_device
from models.types import Writer

SIDE = 224  # pixels
N_FEATURES = 1_280
N_BLOCKS = 19
# what a pixel 0..255 becomes: (mean, deviation) of each channel, to be taken off and divided by
SCALINGS = {
    "imagenet": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    "symmetric": ((127.5, 127.5, 127.5), (127.5, 127.5, 127.5)),  # -1..1, as TensorFlow's weights want it
}
DOWNLOAD_SECONDS = 30.0  # without a sign of life
PICTURES_AT_ONCE = 32


class ImageTrunk:
    """The network, and how pixels are scaled for its weights. No layer works in place, so that heat maps can be drawn.

    `source` says in words where the weights are from. `hash` names weights and scaling: features of one trunk mean
    nothing to a classifier on another.
    """

    def __init__(self, blocks: nn.Sequential, scaling: str, source: str, device: str = "cpu") -> None:
        self.blocks = blocks.to(device).eval()
        self.scaling, self.source, self.device = scaling, source, device
        self._folded: nn.Module | None = None

    @cached_property
    def hash(self) -> str:
        """SHA-256 of scaling and weights, the first 16 digits."""
        digest = hashlib.sha256(f"mobilenet_v2 {SIDE} {self.scaling}".encode())
        for name, tensor in sorted(self.blocks.state_dict().items()):
            digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    @property
    def is_scratch(self) -> bool:
        """Whether it has learned nothing yet."""
        return self.source == SCRATCH

    def scale(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 3, H, W), 0..255, as the weights want them: float32."""
        mean, deviation = (torch.tensor(v, device=pixels.device).view(1, 3, 1, 1) for v in SCALINGS[self.scaling])
        return (pixels.float() - mean) / deviation

    def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float16]:
        """(N, 1280) of pictures (N, 224, 224, 3), pooled over the picture."""
        if self._folded is None:
            self._folded = _fold_norms(self.blocks)
        found = [np.empty((0, N_FEATURES), np.float16)]
        with torch.inference_mode(), autocast(self.device):
            for start in range(0, len(pixels), PICTURES_AT_ONCE):
                chunk = torch.from_numpy(pixels[start : start + PICTURES_AT_ONCE]).permute(0, 3, 1, 2)
                scaled = self.scale(to_device(chunk, self.device))
                found.append(self._folded(scaled).float().mean((2, 3)).cpu().numpy().astype(np.float16))
        return np.concatenate(found)

    def files(self) -> dict[str, Writer]:
        """The files that hold it."""
        tensors = {name: tensor.cpu().contiguous() for name, tensor in self.blocks.state_dict().items()}
        about = {"kind": "mobilenet_v2", "scaling": self.scaling, "source": self.source, "hash": self.hash}
        return {
            "trunk.json": lambda path: write_json(path, about),
            "trunk.safetensors": lambda path: save_file(tensors, path),
        }

    def save(self, folder: Path) -> None:
        """Write it whole or not at all, for `read` and for whoever learns from its features."""
        write_folder(folder, self.files())

    @classmethod
    def read(cls, folder: Path, device: str = "cpu") -> "ImageTrunk":
        """The trunk of `files`. Raises BrokenArtifact."""
        about = read_trunk_facts(folder)
        blocks = _empty_blocks()
        try:
            blocks.load_state_dict(load_file(folder / "trunk.safetensors"))
        except (OSError, SafetensorError, RuntimeError) as error:
            raise BrokenArtifact(folder, "trunk.safetensors", "holds no weights of MobileNetV2") from error
        return cls(blocks, about["scaling"], about["source"], device)


def read_trunk_facts(folder: Path) -> dict[str, Any]:
    """What trunk.json in a trunk's folder says: hash, scaling and source. Raises BrokenArtifact."""
    about = read_json(folder, "trunk.json")
    if not isinstance(about, dict) or about.get("scaling") not in SCALINGS or "hash" not in about:
        raise BrokenArtifact(folder, "trunk.json", "describes no image trunk")
    return about


def load_trunk(weights: str, scaling: str, device: str = "cpu") -> ImageTrunk:
    """The trunk with ImageNet weights of torchvision by name, those of a file, or 'scratch': random, nothing learned.

    A file is a state dict of torchvision's mobilenet_v2 (.pt or .safetensors). It does not say how its pixels are
    scaled: `scaling` must. Raises NoImageWeights with what is wrong and what to do.
    """
    if weights == SCRATCH:
        return ImageTrunk(_evened_blocks(), scaling or "symmetric", SCRATCH, device)
    if weights in NAMED_WEIGHTS:
        state, scaling = _download(weights), "imagenet"
    else:
        if scaling not in SCALINGS:
            raise NoImageWeights(
                weights, "a file does not say how its pixels are scaled: say 'imagenet' or 'symmetric'"
            )
        state = _read_state(Path(weights))
    blocks = _empty_blocks()
    own = {name.removeprefix("features."): value for name, value in state.items() if name.startswith("features.")}
    try:
        blocks.load_state_dict(own)
    except RuntimeError as error:
        raise NoImageWeights(weights, "these are not the weights of torchvision's mobilenet_v2") from error
    source = weights if weights in NAMED_WEIGHTS else Path(weights).name
    return ImageTrunk(blocks, scaling, source, device)


def _empty_blocks() -> nn.Sequential:
    """MobileNetV2's 19 blocks with random weights, the same every time, and no layer that works in place."""
    from torchvision.models import mobilenet_v2

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        blocks = cast(nn.Sequential, mobilenet_v2().features)
    for module in blocks.modules():
        if isinstance(module, nn.ReLU6):
            module.inplace = False
    return blocks


def _evened_blocks() -> nn.Sequential:
    """Random blocks whose norms were set on made-up pictures: without that all features would be next to nothing."""
    blocks = _empty_blocks()
    generator = torch.Generator().manual_seed(7)
    coarse = torch.rand(8, 3, 7, 7, generator=generator) * 2.0 - 1.0
    pictures = nn.functional.interpolate(coarse, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    norms = [module for module in blocks.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        blocks.train()(pictures)
    for norm in norms:
        norm.momentum = 0.1
    return blocks.eval()


def _download(name: str) -> dict[str, Tensor]:
    from torchvision.models import MobileNet_V2_Weights

    try:
        with _not_forever():
            return dict(MobileNet_V2_Weights[name].get_state_dict(progress=False, check_hash=True))
    except (OSError, RuntimeError) as error:  # no network is an OSError; a wrong hash a RuntimeError
        raise NoImageWeights(name, f"they cannot be downloaded ({error})") from error


@contextmanager
def _not_forever() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _read_state(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise NoImageWeights(str(path), "there is no such file") from error
    except (OSError, SafetensorError, pickle.UnpicklingError, RuntimeError, ValueError, EOFError) as error:
        raise NoImageWeights(str(path), "the file cannot be read as weights") from error
    if not isinstance(state, dict):
        raise NoImageWeights(str(path), "the file holds no state dict")
    return state


def _fold_norms(blocks: nn.Sequential) -> nn.Module:
    """A copy for features alone, each norm folded into the convolution before it."""
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    folded = copy.deepcopy(blocks).eval()
    for parent in list(folded.modules()):
        names = list(parent._modules)
        for first, second in pairwise(names):
            convolution, norm = parent._modules[first], parent._modules[second]
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                parent._modules[first] = fuse_conv_bn_eval(convolution, norm)
                parent._modules[second] = nn.Identity()
    for module in folded.modules():
        if isinstance(module, nn.ReLU6):
            module.inplace = True
    return folded.to(memory_format=torch.channels_last)
