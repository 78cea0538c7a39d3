"""Rows a second of text training on a GPU against the CPU of the same machine, and how much of the GPU that uses.

Made-up titles, the default text model and the neural encoders. The fraction is the arithmetic of the matrix products
(forward and backward, 2 operations a multiply-add, counted by torch) over that of one large bfloat16 matrix product
measured on the same device in the same run: its real limit. Lookups of embeddings are no arithmetic, so small
fractions are normal for short titles; rows a second say more. Without a GPU it says so and measures nothing.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from models.device import describe_device
from models.family import ENCODERS, fit_model
from models.types import FitProgress, FitTask, LabeledProducts, Products

ROWS, QUICK_ROWS, CLASSES = 200_000, 5_000, 500
SIDE = 8_192  # of the square matrices whose product gives the device's limit
TEXT_ENCODERS = ("joint", "fasttext", "dan", "gru")


@dataclass(frozen=True)
class Measured:
    rows_per_second: float  # while training, without reading and counting titles
    flops_per_row: float


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS} rows: does it run?")
    options = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        print("Nothing measured: there is no GPU here.")
        return 0
    rows = made_up_rows(QUICK_ROWS if options.quick else options.rows)
    limit = matrix_product_limit()
    print(f"{describe_device('cuda')}: {limit / 1e12:.0f} TFLOP/s in a bfloat16 product of {SIDE} x {SIDE}")
    print(f"{'encoder':<12}{'GPU rows/s':>14}{'CPU rows/s':>14}{'GPU / CPU':>12}{'of the limit':>14}")
    for encoder in (name for name in TEXT_ENCODERS if name in ENCODERS):
        gpu, cpu = measure(encoder, rows, "cuda"), measure(encoder, rows, "cpu")
        ratio = gpu.rows_per_second / cpu.rows_per_second
        share = gpu.rows_per_second * cpu.flops_per_row / limit
        print(
            f"{encoder:<12}{gpu.rows_per_second:>14,.0f}{cpu.rows_per_second:>14,.0f}{ratio:>12.2f}{share:>14.2%}",
            flush=True,
        )
    return 0


def matrix_product_limit(n_products: int = 20) -> float:
    """Operations a second of a large matrix product on the GPU."""
    left, right = (torch.randn(SIDE, SIDE, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    torch.mm(left, right)
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(n_products):
        torch.mm(left, right)
    torch.cuda.synchronize()
    return n_products * 2 * SIDE**3 / (time.perf_counter() - began)


def measure(encoder: str, rows: LabeledProducts, device: str) -> Measured:
    """One epoch; its operations are counted on the CPU alone, where counting does not disturb the clock of the GPU."""
    watch = _Watch()
    with tempfile.TemporaryDirectory() as folder:
        fit_model(encoder, _task(rows, device, Path(folder) / "a", watch))
        if device == "cuda":
            return Measured(watch.rows_per_second, 0.0)
        few = rows.take(np.arange(min(len(rows), 4_000)))
        counter = FlopCounterMode(display=False)
        with counter:
            fit_model(encoder, _task(few, device, Path(folder) / "b", watch))
    return Measured(watch.rows_per_second, counter.get_total_flops() / len(few))


def _task(rows: LabeledProducts, device: str, folder: Path, watch: Any) -> FitTask:
    config = {"epochs": 1, "batch_size": 1024, "checkpoint_seconds": 1e6}
    nothing = rows.take(np.arange(0))
    return FitTask(rows, nothing, np.arange(CLASSES), config, device, folder, watch)


class _Watch:
    """The rate that the fit told last."""

    rows_per_second = 0.0

    def __call__(self, progress: FitProgress) -> None:
        if progress.rows_per_second is not None:
            self.rows_per_second = progress.rows_per_second


def made_up_rows(n: int) -> LabeledProducts:
    """Titles of six words, two of which tell the category."""
    chance = np.random.default_rng(7)
    labels = np.append(np.arange(CLASSES), chance.integers(0, CLASSES, n - CLASSES))
    words = chance.integers(0, 20_000, (n, 4))
    titles = [
        f"noun{label} kind{label % 40} " + " ".join(f"w{word}" for word in row)
        for label, row in zip(labels.tolist(), words.tolist(), strict=True)
    ]
    return LabeledProducts(Products(titles, [""] * n, [""] * n), labels.astype(np.int64), np.ones(n, np.float32))


if __name__ == "__main__":
    sys.exit(main())
