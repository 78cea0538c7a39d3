"""Staged fine-tuning: the trunk's last blocks learn with the added layer, from pictures decoded in worker processes."""

import copy
import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from models.checkpoint import Checkpoints
from models.image.config import ImageConfig
from models.image.network import ImageHead
from models.image.reading import read_files
from models.image.rows import batches, images_of, judge_scores
from models.image.stage import Losses, Stage
from models.image.trunk import N_BLOCKS, SIDE, ImageTrunk
from models.training_device import SplitBatches, adamw, autocast, out_of_memory_note, to_device
from models.types import FitProgress, FitTask, LabeledProducts

READ_SIDE = 256  # pixels: crops are cut from it
TUNING = "fine-tuning pictures"


class _Tuned(nn.Module):
    """The blocks that learn, and the added layer; the blocks before them stay as they are."""

    def __init__(self, blocks: nn.Sequential, head: ImageHead) -> None:
        super().__init__()
        self.blocks, self.head = blocks, head

    def forward(self, maps: Tensor) -> Tensor:
        return self.head(self.blocks(maps).mean((2, 3)))


def fine_tune(
    trunk: ImageTrunk,
    head: ImageHead,
    train: LabeledProducts,
    held_out: LabeledProducts,
    config: ImageConfig,
    task: FitTask,
    device: str,
    fingerprint: str,
) -> ImageTrunk:
    """A trunk whose last blocks were trained together with `head`, which is changed in place.

    Rows need `files`. Norms stay frozen: their averages of ImageNet are better than those of few pictures. A trunk
    that has learned nothing yet is trained whole, norms included. Pictures are cropped and mirrored at random.
    """
    blocks = copy.deepcopy(trunk.blocks)
    from_scratch = trunk.is_scratch
    first = 0 if from_scratch else N_BLOCKS - config.fine_tune_blocks
    still, tuned = blocks[:first].eval(), _Tuned(blocks[first:], head).to(device)
    rate = config.learning_rate if from_scratch else config.fine_tune_learning_rate
    learning = _thaw(tuned, with_norms=from_scratch)
    optimizer = adamw(learning, rate, device, config.weight_decay)
    split = SplitBatches(lambda rows: task.on_progress(_note(out_of_memory_note(rows))))
    labels, weights = torch.from_numpy(train.labels), torch.from_numpy(train.weights / train.weights.mean())

    def scores_of(pixels: Tensor) -> Tensor:
        with autocast(device):
            with torch.no_grad():
                maps = still(trunk.scale(pixels))
            return tuned(maps).float()

    def train_epoch(epoch: int) -> Losses:
        _learn(tuned, with_norms=from_scratch)
        order = np.concatenate(list(batches(len(train), config.fine_tune_batch_size, config.seed, epoch)))
        read = _read(train, order, READ_SIDE, config.fine_tune_batch_size)
        for step, (rows, pictures) in enumerate(read):
            torch.manual_seed(config.seed * 1_000_003 + epoch * 10_007 + step)
            pixels = vary(to_device(pictures, device), config.smallest_crop)
            at = torch.from_numpy(rows)
            target, weight = labels[at].to(device), weights[at].to(device)

            def backward(
                part: slice, pixels: Tensor = pixels, target: Tensor = target, weight: Tensor = weight
            ) -> Tensor:
                losses = functional.cross_entropy(scores_of(pixels[part]), target[part], reduction="none")
                loss = (losses * weight[part]).sum() / len(target)
                loss.backward()
                return loss.detach()

            loss = split.add_up(len(rows), optimizer.zero_grad, backward)
            optimizer.step()
            yield loss, len(rows)

    @torch.no_grad()
    def judge() -> tuple[float, float] | None:
        tuned.eval()
        answered, right = [], []
        for rows, pictures in _read(held_out, np.arange(len(held_out)), SIDE, config.fine_tune_batch_size):
            answered.append(scores_of(to_device(pictures, device)).cpu())
            right.append(torch.from_numpy(held_out.labels[rows]))
        return judge_scores(torch.cat(answered), torch.cat(right), head.seen.cpu()) if answered else None

    checkpoints = Checkpoints(task.folder / "fine-tuning", fingerprint, config.checkpoint_seconds)
    stage = Stage(TUNING, tuned, optimizer, config.fine_tune_epochs, train_epoch, judge, checkpoints, task.on_progress)
    stage.run(-(-len(train) // config.fine_tune_batch_size), save_each=True)
    for parameter in tuned.parameters():
        parameter.requires_grad_(True)
    return ImageTrunk(blocks, trunk.scaling, f"{trunk.source}, fine-tuned", device)


def vary(pixels: Tensor, smallest_crop: float) -> Tensor:
    """Random crops of (B, 3, H, W), at least that share of the area, half of them mirrored, as (B, 3, 224, 224)."""
    n, device = len(pixels), pixels.device
    area = torch.empty(n, device=device).uniform_(smallest_crop, 1.0)
    ratio = torch.empty(n, device=device).uniform_(-math.log(4 / 3), math.log(4 / 3)).exp().sqrt()
    wide, high = (area.sqrt() * ratio).clamp(max=1.0), (area.sqrt() / ratio).clamp(max=1.0)
    at_x = (torch.rand(n, device=device) * 2.0 - 1.0) * (1.0 - wide)
    at_y = (torch.rand(n, device=device) * 2.0 - 1.0) * (1.0 - high)
    mirrored = torch.where(torch.rand(n, device=device) < 0.5, -1.0, 1.0)
    nothing = torch.zeros(n, device=device)
    turns = torch.stack([wide * mirrored, nothing, at_x, nothing, high, at_y], 1).view(n, 2, 3)
    grid = functional.affine_grid(turns, [n, 3, SIDE, SIDE], align_corners=False)
    return functional.grid_sample(pixels.float(), grid, padding_mode="border", align_corners=False)


def _read(
    rows: LabeledProducts, order: NDArray[np.int64], side: int, batch: int
) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
    """(places, pictures (B, 3, side, side) uint8) of the rows in this order; what cannot be read is passed by."""
    files = images_of(rows).files or []
    known = [row for row in order.tolist() if files[row]]
    places: list[int] = []
    pictures: list[NDArray[np.uint8]] = []
    done = 0
    for part in read_files([str(files[row]) for row in known], side):
        for row, picture in zip(known[done : done + len(part)], part, strict=True):
            if picture.pixels is not None:
                places.append(row)
                pictures.append(picture.pixels)
        done += len(part)
        while len(places) >= batch or (places and done == len(known)):
            yield np.array(places[:batch]), torch.from_numpy(np.stack(pictures[:batch])).permute(0, 3, 1, 2)
            del places[:batch], pictures[:batch]


def _thaw(tuned: _Tuned, with_norms: bool) -> list[nn.Parameter]:
    """The parameters that learn; the others are frozen."""
    norms = {
        id(p) for module in tuned.blocks.modules() if isinstance(module, nn.BatchNorm2d) for p in module.parameters()
    }
    for parameter in tuned.parameters():
        parameter.requires_grad_(with_norms or id(parameter) not in norms)
    return [parameter for parameter in tuned.parameters() if parameter.requires_grad]


def _learn(tuned: _Tuned, with_norms: bool) -> None:
    """Training mode: dropout on; norms count on only where they learn."""
    tuned.train()
    if not with_norms:
        tuned.blocks.eval()


def _note(text: str) -> FitProgress:
    return FitProgress(TUNING, 0.0, note=text)
