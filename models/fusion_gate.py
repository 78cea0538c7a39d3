"""How far to listen to the title and how far to the image, learned from out-of-fold answers."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

N_SIGNS = 6
HIDDEN = 8
LEAST = 1e-6  # no answer is believed to be surer than this
PULL = 1e-3  # towards even weights


class FusionGate(nn.Module):
    """Two weights a row, from how sure the title's and the image's answers are; log probabilities add up by them."""

    def __init__(self) -> None:
        super().__init__()
        self.signs = nn.Linear(N_SIGNS, HIDDEN)
        self.weights = nn.Linear(HIDDEN, 2)
        nn.init.zeros_(self.weights.weight)
        nn.init.constant_(self.weights.bias, 0.5)

    def forward(self, text: Tensor, image: Tensor) -> Tensor:
        """Scores (B, K) of the title's and the image's log probabilities (B, K)."""
        text, image = (logs.clamp(min=float(np.log(LEAST))) for logs in (text, image))
        signs = torch.cat([sureness(text), sureness(image)], 1)
        weights = functional.softplus(self.weights(torch.tanh(self.signs(signs))))  # (B, 2), > 0
        return weights[:, :1] * text + weights[:, 1:] * image


def sureness(logs: Tensor) -> Tensor:
    """(B, 3): best probability, its lead over the second, entropy as a share of its greatest."""
    best = torch.topk(logs, min(2, logs.shape[1]), 1).values.exp()
    entropy = -(logs.exp() * logs).sum(1) / float(np.log(max(2, logs.shape[1])))
    return torch.stack([best[:, 0], best[:, 0] - best[:, -1], entropy], 1)


def fit_gate(
    text: NDArray[np.float32],
    image: NDArray[np.float32],
    labels: NDArray[np.int64],
    weights: NDArray[np.float32],
    modality_dropout: float,
    seed: int,
) -> FusionGate:
    """Learn from out-of-fold log probabilities (N, K) of rows with an image.

    Of `modality_dropout` of the rows half lose the title: all categories are equally likely then, so that the gate
    knows what to do where a title says nothing. The other half lose the image, where the answer is the title's whatever
    the gate says: they teach nothing and are left out.
    """
    chance = np.random.default_rng(seed).random(len(labels))
    titleless, imageless = chance < modality_dropout / 2, chance >= 1.0 - modality_dropout / 2
    kept = torch.from_numpy(np.flatnonzero(~imageless))
    texts, images = torch.from_numpy(text).clone(), torch.from_numpy(image)
    texts[torch.from_numpy(np.flatnonzero(titleless))] = -float(np.log(text.shape[1]))
    texts, images, target = texts[kept], images[kept], torch.from_numpy(labels)[kept]
    weight = torch.from_numpy(weights)[kept]
    weight = weight / weight.sum()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        gate = FusionGate()
    optimizer = torch.optim.LBFGS(gate.parameters(), max_iter=100, tolerance_change=1e-7, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        losses = functional.cross_entropy(gate(texts, images), target, reduction="none")
        pull = sum(parameter.square().sum() for parameter in gate.signs.parameters())
        loss = (losses * weight).sum() + PULL * pull + PULL * gate.weights.weight.square().sum()
        loss.backward()
        return loss

    if len(kept):
        optimizer.step(closure)
    return gate.eval()
