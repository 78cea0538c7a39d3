"""The network: a linear model over n-grams and a small deep one over SentencePiece subwords, added up."""

from typing import NamedTuple

import torch
from scipy import sparse
from torch import Tensor, nn
from torch.nn import functional

from models.config import TitleModelConfig
from models.training_device import to_device


class Bags(NamedTuple):
    """A batch of B sparse rows: row i holds the columns from offsets[i] to offsets[i+1]."""

    columns: Tensor  # (nnz,) int64
    offsets: Tensor  # (B,) int64
    values: Tensor  # (nnz,) float32

    @classmethod
    def of(cls, matrix: sparse.csr_matrix, device: str) -> "Bags":
        return cls(
            to_device(torch.from_numpy(matrix.indices), device, torch.int64),
            to_device(torch.from_numpy(matrix.indptr[:-1]), device, torch.int64),
            to_device(torch.from_numpy(matrix.data), device, torch.float32),
        )

    def part(self, rows: slice) -> "Bags":
        """Some neighbouring rows of the batch."""
        n = len(self.offsets)
        if rows.start == 0 and rows.stop >= n:  # all: without asking the device for a number
            return self
        first = int(self.offsets[rows.start])
        last = int(self.offsets[rows.stop]) if rows.stop < n else len(self.columns)
        return Bags(self.columns[first:last], self.offsets[rows] - first, self.values[first:last])

    def sum(self, table: Tensor) -> Tensor:
        """(B, D): the weighted sum of each row's entries of `table` (R, D)."""
        return functional.embedding_bag(self.columns, table, self.offsets, mode="sum", per_sample_weights=self.values)


class TitleNetwork(nn.Module):
    """Scores (B, K) of a batch: n-grams speak for categories directly, pieces through hidden units.

    K counts the outputs of the head: one a category, unless it is hierarchical.

    With few classes an n-gram has one weight a class. With many (config.max_full_rank_classes) that table would be
    too large: an n-gram then has `rank` numbers, and classes are linear in those.
    """

    ngram_table: Tensor
    piece_table: Tensor

    def __init__(self, n_ngrams: int, n_pieces: int, n_classes: int, config: TitleModelConfig) -> None:
        super().__init__()
        self.full_rank = n_classes <= config.max_full_rank_classes
        width = ngram_width(n_classes, config)
        # D is K, or the rank. The tables are trained row by row in fit.py, so they are no ordinary parameters
        self.register_buffer("ngram_table", torch.zeros(n_ngrams, width))  # (R, D)
        self.register_buffer("piece_table", torch.randn(n_pieces, config.piece_dim) * 0.1)  # (3V, P)
        self.ngram_to_class = nn.Identity() if self.full_rank else _class_directions(width, n_classes)
        self.hidden = nn.Linear(config.piece_dim, config.hidden_dim)
        self.dropout = nn.Dropout(config.dropout)
        self.piece_to_class = nn.Linear(config.hidden_dim, n_classes)  # its bias is the bias of all
        nn.init.zeros_(self.piece_to_class.weight)
        # thousands of classes start as "no": told so one by one they would push each other's directions too far.
        # With fewer classes the telling is worth having: their probabilities come out better (docs/experiments.md)
        nn.init.constant_(self.piece_to_class.bias, 0.0 if self.full_rank else -1.0)

    def forward(self, ngrams: Bags, pieces: Bags) -> Tensor:
        return self.score(ngrams.sum(self.ngram_table), pieces.sum(self.piece_table))

    def score(self, ngrams: Tensor, pieces: Tensor) -> Tensor:
        """Scores (B, K) of summed n-grams (B, D) and averaged pieces (B, P)."""
        hidden = self.dropout(functional.relu(self.hidden(pieces)))  # (B, H)
        return self.ngram_to_class(ngrams) + self.piece_to_class(hidden)


def _class_directions(rank: int, n_classes: int) -> nn.Linear:
    """Classes start as directions of about length 1, as near to right angles as so many can be."""
    linear = nn.Linear(rank, n_classes, bias=False)
    nn.init.orthogonal_(linear.weight, gain=max(1.0, n_classes / rank) ** 0.5)
    return linear


def ngram_width(n_classes: int, config: TitleModelConfig) -> int:
    """Numbers an n-gram has in the table."""
    return n_classes if n_classes <= config.max_full_rank_classes else config.rank
