"""How time and memory of a training grow with rows and leaves, on made-up titles; each step in a process of its own.

Steps: group (near-duplicates), read (the snapshot into memory), fit of an encoder, score (with the model just fitted).
Prints CPU seconds and peak memory of each, and for each step the exponent e of 'CPU seconds ~ rows ** e' and, where
several numbers of leaves were asked for, ~ leaves ** e. 1,000,000 rows take hours on 2 cores.

`python -m bench.growth [--quick] [--rows 10000 100000] [--leaves 500 5000] [--steps group read joint label_tree]`
"""

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.catalogues import DATA
from bench.made_up_titles import leaves, titles

STEPS = ("group", "read", "joint", "label_tree")
SCORED = 20_000  # titles of which the scoring rate is taken
HERE = Path(__file__).resolve().parent
HEADER = f"{'rows':>9}{'leaves':>8}  {'step':<12}{'CPU s':>9}{'wall s':>9}{'peak MB':>9}  "


@dataclass(frozen=True)
class Measured:
    rows: int
    leaves: int
    step: str
    cpu_seconds: float


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with naver-categories/ and shopify-taxonomy/")
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--leaves", type=int, nargs="+", default=[500, 5_000])
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=STEPS)
    parser.add_argument("--quick", action="store_true", help="1,000 and 3,000 rows, 50 leaves: does it run?")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.quick:
        options.rows, options.leaves = [1_000, 3_000], [50]
    if options.step:
        n_rows, n_leaves = options.rows[0], options.leaves[0]
        print(json.dumps(RUNS[options.step](options.data, n_rows, n_leaves)))
        return 0
    print(HEADER, flush=True)
    found = [
        measure(options, n_rows, n_leaves, step)
        for n_leaves in options.leaves
        for n_rows in options.rows
        for step in options.steps
    ]
    print("\n" + "\n".join(exponents(found)))
    return 0


def measure(options: argparse.Namespace, n_rows: int, n_leaves: int, step: str) -> Measured:
    """One step in a process of its own: this one stays small, as a child begins with its parent's peak."""
    place = ["--rows", str(n_rows), "--leaves", str(n_leaves), "--step", step, "--data", str(options.data)]
    began = time.monotonic()
    answer = subprocess.run(
        [sys.executable, "-m", "bench.growth", *place], cwd=HERE.parent, check=True, stdout=subprocess.PIPE, text=True
    )
    result: dict[str, Any] = json.loads(answer.stdout.strip().splitlines()[-1])
    print(
        f"{n_rows:>9,}{n_leaves:>8,}  {step:<12}{result['cpu_seconds']:>9.1f}{time.monotonic() - began:>9.1f}"
        f"{result['peak_mb']:>9.0f}  {result['note']}",
        flush=True,
    )
    return Measured(n_rows, n_leaves, step, result["cpu_seconds"])


def exponents(found: list[Measured]) -> list[str]:
    """'CPU s ~ rows ** e' of each step, from its smallest to its largest; the same for leaves."""
    lines = []
    for step in dict.fromkeys(each.step for each in found):
        own = [each for each in found if each.step == step]
        for n_leaves in sorted({each.leaves for each in own}):
            some = [(each.rows, each.cpu_seconds) for each in own if each.leaves == n_leaves]
            if len(some) > 1:
                lines.append(f"{step}, {n_leaves:,} leaves: CPU seconds ~ rows ** {_exponent(some):.2f}")
        for n_rows in sorted({each.rows for each in own}):
            some = [(each.leaves, each.cpu_seconds) for each in own if each.rows == n_rows]
            if len(some) > 1:
                lines.append(f"{step}, {n_rows:,} rows: CPU seconds ~ leaves ** {_exponent(some):.2f}")
    return lines


def _exponent(points: list[tuple[int, float]]) -> float:
    (x0, y0), (x1, y1) = min(points), max(points)
    return math.log(y1 / y0) / math.log(x1 / x0)


def run_group(data: Path, n_rows: int, n_leaves: int) -> dict[str, Any]:
    from core.training.near_duplicates import group_titles

    texts = [title for title, _ in titles(leaves(data, n_leaves), n_rows)]
    began = time.process_time()
    groups = group_titles(texts)
    return _result(time.process_time() - began, f"{len(set(groups.tolist())):,} groups")


def run_read(data: Path, n_rows: int, n_leaves: int) -> dict[str, Any]:
    from core.runtime import open_runtime
    from core.settings import Settings
    from core.training.learning_rows import read_snapshot

    with tempfile.TemporaryDirectory() as folder:
        runtime = open_runtime(Settings(data_dir=Path(folder)))
        try:
            snapshot = _frozen(runtime, data, n_rows, n_leaves)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            began = time.process_time()
            rows = read_snapshot(runtime, snapshot)
            seconds = time.process_time() - began
        finally:
            runtime.close()
    return _result(seconds, f"{len(rows.train):,} training rows; {before:.0f} MB before")


def _frozen(runtime: Any, data: Path, n_rows: int, n_leaves: int) -> Any:
    """A snapshot file of made-up rows, as the train job writes it; folds as the hash would share them out."""
    from core.catalogue.taxonomy import ensure_categories
    from core.training.snapshot import Snapshot, write_rows

    chosen = leaves(data, n_leaves)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    with runtime.sessions.write() as session:
        ids_of = ensure_categories(session, [leaf.path for leaf in chosen], now)
    ids = [ids_of[leaf.path] for leaf in chosen]

    def chunks() -> Any:
        chunk: list[tuple[Any, ...]] = []
        for number, (title, place) in enumerate(titles(chosen, n_rows)):
            path = chosen[place].path
            at = now + timedelta(days=number % 365)
            row = (number + 1, title, ">".join(path[:-1]), 1.0, chosen[place].brands[number % 60], ids[place])
            chunk.append((*row, "import", 1.0, number % 10, at, []))
            if len(chunk) == 10_000:
                yield chunk
                chunk = []
        if chunk:
            yield chunk

    path = runtime.data_dir / "frozen.parquet"
    content_hash, n_written = write_rows(path, chunks())
    return Snapshot(1, content_hash, path.name, n_written, {})


def run_fit(encoder: str) -> Callable[[Path, int, int], dict[str, Any]]:
    """Fit of an encoder with its defaults and titles alone, then the rate at which it answers."""

    def run(data: Path, n_rows: int, n_leaves: int) -> dict[str, Any]:
        from models.family import fit_model
        from models.types import FitTask

        train, validation, class_ids = _rows(data, n_rows, n_leaves)
        stages: dict[str, float] = {}
        began = time.process_time()
        with tempfile.TemporaryDirectory() as folder:

            def on_progress(progress: Any) -> None:
                stages.setdefault(progress.stage, time.process_time() - began)

            task = FitTask(train, validation, class_ids, {}, "cpu", Path(folder), on_progress)
            model = fit_model(encoder, task)
            seconds = time.process_time() - began
        products = validation.products.slice(0, SCORED)
        began = time.process_time()
        best, _ = model.predict_top(products, 5)
        rate = len(products) / (time.process_time() - began)
        right = (best[:, 0] == class_ids[validation.labels[: len(best)]]).mean()
        told = ", ".join(f"{name} from {at:.0f}" for name, at in stages.items())
        return _result(seconds, f"P@1 {right:.3f} (n = {len(best):,}), {rate:,.0f} titles per CPU s; {told}")

    return run


def _rows(data: Path, n_rows: int, n_leaves: int) -> Any:
    """`n_rows` to train on and up to SCORED more of categories that are among them."""
    import numpy as np

    from models.types import LabeledProducts, Products

    n_held_out = min(SCORED, max(500, n_rows // 10))
    texts, places = zip(*titles(leaves(data, n_leaves), n_rows + n_held_out), strict=True)
    labels = np.array(places, np.int64)
    class_ids = np.unique(labels[:n_rows])
    position = np.full(n_leaves, -1)
    position[class_ids] = np.arange(len(class_ids))

    def part(rows: Any) -> Any:
        nothing = [""] * len(rows)
        products = Products([texts[row] for row in rows], nothing, nothing)
        return LabeledProducts(products, position[labels[rows]], np.ones(len(rows), np.float32))

    held_out = np.arange(n_rows, len(labels))
    return part(np.arange(n_rows)), part(held_out[position[labels[held_out]] >= 0]), class_ids


def _result(cpu_seconds: float, note: str) -> dict[str, Any]:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu_seconds": cpu_seconds, "peak_mb": peak, "note": note}


RUNS = {"group": run_group, "read": run_read, "joint": run_fit("joint"), "label_tree": run_fit("label_tree")}

if __name__ == "__main__":
    sys.exit(main())
