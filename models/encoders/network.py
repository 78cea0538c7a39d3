"""The networks of the neural text encoders: embeddings pooled a field, a recurrent layer if wanted, layers, outputs."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from models.encoders.config import EncoderConfig, GruConfig
from models.encoders.texts import N_FIELDS, Tokens
from models.title_network import Bags
from models.training_device import to_device

_ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh}
_START = 0.1  # standard deviation of embeddings at the beginning


@dataclass(frozen=True)
class Sequences:
    """Q sequences of pieces without padding, as `PackedSequence` wants them: step by step, the longest first."""

    places: Tensor  # (n,) where each step's piece stands among the batch's tokens
    batch_sizes: Tensor  # (L,) on the CPU: how many sequences have a first, second ... step
    rows: Tensor  # (Q,) the product of each
    weights: Tensor  # (Q,) of the field it is


@dataclass(frozen=True)
class Batch:
    """B products ready for the network."""

    bags: Bags  # one bag a product of all its tokens; a value is the field's weight / tokens in the field
    n_rows: int
    sequences: Sequences | None  # where order counts

    @classmethod
    def of(cls, tokens: Tokens, device: str, in_order: bool) -> "Batch":
        """Tokens on the device. Fields of weight 0 are left out: they are exactly empty."""
        kept = [part.keep(np.repeat(tokens.weights[place % N_FIELDS] > 0, part.sizes)) for place, part in
                enumerate(tokens.parts)]  # fmt: skip
        sizes = np.stack([part.sizes for part in kept])  # (P, B): P is 3, or 6 with n-grams
        n_parts, n = sizes.shape
        in_field = sizes.reshape(-1, N_FIELDS, n).sum(0)  # (3, B)
        values = np.tile(tokens.weights / np.maximum(in_field, 1), (n_parts // N_FIELDS, 1))  # (P, B)
        flat = np.repeat(values.ravel(), sizes.ravel())
        columns = np.concatenate([part.values for part in kept]).astype(np.int64)
        owners = np.repeat(np.tile(np.arange(n), n_parts), sizes.ravel())
        order = np.argsort(owners, kind="stable")
        offsets = np.concatenate([[0], np.cumsum(sizes.sum(0))[:-1]])
        bags = Bags(
            to_device(torch.from_numpy(columns[order]), device),
            to_device(torch.from_numpy(offsets), device),
            to_device(torch.from_numpy(flat[order].astype(np.float32)), device),
        )
        sequences = None
        if in_order:
            places = np.empty(len(order), np.int64)
            places[order] = np.arange(len(order))  # where a token went when the bags were put in order
            sequences = _sequences(sizes[:N_FIELDS], tokens.weights, places, device)
        return cls(bags, n, sequences)


def _sequences(sizes: np.ndarray, weights: np.ndarray, places: np.ndarray, device: str) -> Sequences | None:
    """Each field that has pieces as a sequence: sizes and weights (3, B); the pieces stand first among all tokens."""
    lengths = sizes.ravel()  # (3B,)
    found = np.flatnonzero(lengths)
    if not len(found):
        return None
    found = found[np.argsort(-lengths[found], kind="stable")]  # the longest first
    starts = (np.cumsum(lengths) - lengths)[found]
    lengths = lengths[found]
    steps = np.arange(lengths[0])
    batch_sizes = np.searchsorted(-lengths, -steps, side="left")  # sequences longer than this step
    ranks = np.concatenate([np.arange(size) for size in batch_sizes])
    tokens = starts[ranks] + np.repeat(steps, batch_sizes)
    return Sequences(
        to_device(torch.from_numpy(places[tokens]), device),
        torch.from_numpy(batch_sizes),
        to_device(torch.from_numpy(found % sizes.shape[1]), device),
        to_device(torch.from_numpy(weights.ravel()[found].astype(np.float32)), device),
    )


class TextNetwork(nn.Module):
    """Outputs (B, M) of a batch. `table` is trained row by row in fit.py, so it is no ordinary parameter."""

    table: Tensor

    def __init__(self, n_tokens: int, n_outputs: int, config: EncoderConfig, initial_bias: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("table", torch.randn(n_tokens, config.embedding_dim) * _START)  # (R, D)
        self.recurrent = RecurrentLayer(config) if isinstance(config, GruConfig) else None
        width = config.embedding_dim + (self.recurrent.width if self.recurrent else 0)
        layers: list[nn.Module] = []
        for size in config.layer_sizes:
            layers += [nn.Linear(width, size), _ACTIVATIONS[config.activation](), nn.Dropout(config.dropout)]
            width = size
        self.layers = nn.Sequential(*layers)
        self.output = nn.Linear(width, n_outputs)
        nn.init.constant_(self.output.bias, initial_bias)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, batch: Batch) -> Tensor:
        return self.score(self.table, batch)

    def score(self, table: Tensor, batch: Batch) -> Tensor:
        """Outputs with the embeddings of `table`, in which the batch's columns are places."""
        return self.output(self.layers(self.encode(table, batch)))

    def encode(self, table: Tensor, batch: Batch) -> Tensor:
        """(B, width): the sum over fields of weight times the mean embedding, and what the recurrent layer saw."""
        encoded = batch.bags.sum(table)
        if self.recurrent is not None:
            encoded = torch.cat([encoded, self.recurrent(table, batch)], 1)
        return self.dropout(encoded)


class RecurrentLayer(nn.Module):
    """A GRU over each field's pieces; of its steps the mean and the highest values, times the field's weight.

    Fields are sequences of their own, so a field of weight 0 is exactly an empty one, whatever the direction.
    """

    def __init__(self, config: GruConfig) -> None:
        super().__init__()
        self.gru = nn.GRU(
            config.embedding_dim,
            config.gru_dim,
            config.gru_layers,
            dropout=config.dropout if config.gru_layers > 1 else 0.0,
            bidirectional=config.bidirectional,
        )
        self.width = 2 * config.gru_dim * (2 if config.bidirectional else 1)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, table: Tensor, batch: Batch) -> Tensor:
        """(B, width); 0 for products without a piece."""
        pooled = table.new_zeros(batch.n_rows, self.width)
        sequences = batch.sequences
        if sequences is None:
            return pooled
        pieces = functional.embedding(batch.bags.columns[sequences.places], table)  # (n, D)
        packed = PackedSequence(self.dropout(pieces), sequences.batch_sizes)
        steps, lengths = pad_packed_sequence(self.gru(packed)[0])  # (L, Q, H), (Q,)
        steps, lengths = steps.float(), lengths.to(steps.device)
        gone = torch.arange(len(steps), device=steps.device)[:, None] >= lengths  # (L, Q)
        highest = steps.masked_fill(gone[:, :, None], -torch.inf).amax(0)
        found = torch.cat([steps.sum(0) / lengths[:, None], highest], 1) * sequences.weights[:, None]
        return pooled.index_add(0, sequences.rows, found)
