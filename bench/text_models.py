"""Our text encoders against four peers: same titles, same split, same run; tables, and intervals of the differences.

Titles only for all. The split is by group: products whose titles have the same normal form (NFKC, lower case) are all
in training, all in validation or all in test. Settings were chosen on validation rows; test rows are read here alone.
Every (model, seed) runs in a process of its own, so that its memory is its own. The intervals are of a paired bootstrap
over the test rows, each row's answers averaged over the seeds. Wall seconds depend on what else runs on the machine;
CPU seconds hardly do. XR-Linear needs its own environment (requirements-pecos.txt), named by --pecos-python.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.catalogues import CATALOGUES, DATA, Split, split_by_group
from bench.peers.judging import Answers, difference, judge
from bench.peers.others import PEERS
from core.training.training_settings import ENCODERS
from models.types import LabeledProducts

ROOT = Path(__file__).resolve().parent.parent
QUICK_ROWS = 3000
QUICK_SETTINGS: dict[str, dict[str, Any]] = {
    "joint": {"epochs": 2},
    "ngrams": {"costs": [1.0]},
    "ensemble": {"epochs": 2},
    "fasttext": {"epochs": 2},
    "dan": {"epochs": 2},
    "gru": {"epochs": 1},
}
PECOS = "xr-linear"
PEER_NAMES = {
    "linear-svc": "TF-IDF + LinearSVC",
    PECOS: "TF-IDF + XR-Linear (libpecos)",
    "fasttext-wheel": "fastText",
    "minilm": "MiniLM + logistic",
}
DEFAULT_MODELS = (*PEER_NAMES, "ngrams", "joint", "label_tree", "ensemble", "fasttext", "dan", "gru")
HEADER = (
    f"{'':<30}{'P@1':>7}{'P@2':>7}{'P@4':>7}{'macroF1':>9}{'leaf P@2: q1':>14}{'median':>8}{'q3':>7}{'fit s':>8}"
    f"{'CPU s':>7}{'peak MB':>9}{'p50 ms':>8}{'p99 ms':>8}{'titles/s':>10}{'per CPU s':>11}"
)


@dataclass(frozen=True)
class Runs:
    """What one model did with every seed."""

    model: str
    answers: list[Answers]
    figures: list[dict[str, float]]

    def line(self, labels: NDArray[np.int64]) -> str:
        found = [judge(answers, labels) for answers in self.answers]
        quality = {name: float(np.mean([each[name] for each in found])) for name in found[0]}
        mean = {name: float(np.mean([each[name] for each in self.figures])) for name in self.figures[0]}
        return (
            f"{shown(self.model):<30}{quality['p_at_1']:>7.4f}{quality['p_at_2']:>7.4f}{quality['p_at_4']:>7.4f}"
            f"{quality['macro_f1']:>9.4f}{quality['leaf_q1']:>14.3f}{quality['leaf_median']:>8.3f}"
            f"{quality['leaf_q3']:>7.3f}{mean['fit_seconds']:>8.1f}{mean['fit_cpu_seconds']:>7.1f}"
            f"{mean['peak_mb']:>9,.0f}{mean['p50_ms']:>8.2f}{mean['p99_ms']:>8.2f}{mean['titles_per_second']:>10,.0f}"
            f"{mean['titles_per_cpu_second']:>11,.0f}"
        )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with heissepreise/ and mercadona/")
    parser.add_argument("--catalogues", nargs="+", choices=list(CATALOGUES), default=list(CATALOGUES))
    parser.add_argument("--models", nargs="+", choices=[*PEER_NAMES, *ENCODERS], default=list(DEFAULT_MODELS))
    parser.add_argument("--seeds", type=int, default=3, help="how often each is trained")
    parser.add_argument("--rows", type=int, help="at most so many rows of each catalogue")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS} rows, 1 seed, few epochs: does it run?")
    parser.add_argument("--pecos-python", type=Path, help="python of the environment with libpecos; none: left out")
    options = parser.parse_args(arguments)
    if options.quick:
        options.rows, options.seeds = options.rows or QUICK_ROWS, 1
    found = [name for name in options.catalogues if (options.data / name).is_dir()]
    if not found:
        print(
            f"Nothing measured: no {' or '.join(options.catalogues)} in {options.data}. Say where with --data FOLDER."
        )
        return 0
    models = [name for name in options.models if name != PECOS or options.pecos_python]
    if PECOS in set(options.models) - set(models):
        print("XR-Linear is left out: name the python of its environment with --pecos-python.")
    failed = [failure for name in found for failure in compare(name, models, options)]
    print("\n".join(failed))
    return 1 if failed else 0


def compare(catalogue: str, models: Sequence[str], options: argparse.Namespace) -> list[str]:
    """Measure all on one catalogue and print table and differences; what failed, in words."""
    read = CATALOGUES[catalogue]
    split = split_by_group(read(options.data), options.rows)
    labels = split.test.labels
    print(
        f"\n{catalogue}: {len(split.train):,} train, {len(split.validation):,} validation, {len(labels):,} test rows, "
        f"{split.n_classes} categories, {options.seeds} seeds; left out: {split.n_unknown} held-out rows of "
        f"categories without training rows\n{HEADER}",
        flush=True,
    )
    runs, failed = [], []
    with tempfile.TemporaryDirectory() as folder:
        for model in models:
            try:
                runs.append(run(model, split, Path(folder), options))
            except subprocess.CalledProcessError as error:
                failed.append(f"{shown(model)} failed on {catalogue}: {(error.stderr or '').strip()[-500:]}")
                continue
            print(runs[-1].line(labels), flush=True)
    print("\n".join(_differences(catalogue, runs, labels)), flush=True)
    return failed


def run(model: str, split: Split, folder: Path, options: argparse.Namespace) -> Runs:
    """One model, all seeds."""
    rows = folder / f"{model}.json"
    settings = QUICK_SETTINGS.get(model, {}) if options.quick else {}
    parts = {name: _plain(part) for name, part in (("train", split.train), ("validation", split.validation))}
    rows.write_text(
        json.dumps({**parts, "test": _plain(split.test), "n_classes": split.n_classes, "settings": settings})
    )
    answers, figures = [], []
    for seed in range(options.seeds):
        out = folder / f"{model}-{seed}"
        if model == PECOS:
            command = [str(options.pecos_python), str(ROOT / "bench/peers/pecos_peer.py"), str(rows)]
        else:
            command = [sys.executable, "-m", "bench.peers.run_one", model, str(rows)]
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        subprocess.run(
            [*command, str(out), str(seed)], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
        )
        answers.append(Answers(np.load(out.with_suffix(".npz"))["best"]))
        figures.append(json.loads(out.with_suffix(".json").read_text()))
    return Runs(model, answers, figures)


def _differences(catalogue: str, runs: list[Runs], labels: NDArray[np.int64]) -> list[str]:
    """Every encoder of ours minus the peer that is best in each measure, with 95 % intervals."""
    peers = [each for each in runs if each.model in PEER_NAMES]
    ours = [each for each in runs if each.model not in PEER_NAMES]
    lines = []
    for name, title in (("p_at_1", "P@1"), ("p_at_2", "P@2"), ("macro_f1", "macro-F1")):
        means = {each.model: np.mean([judge(answers, labels)[name] for answers in each.answers]) for each in peers}
        if not means:
            continue
        best = next(each for each in peers if each.model == max(means, key=lambda model: means[model]))
        for each in ours:
            middle, low, high = difference(each.answers, best.answers, labels, name)
            lines.append(
                f"{catalogue}: {each.model} - {shown(best.model)} = {middle:+.4f} [{low:+.4f}, {high:+.4f}] in {title}"
            )
    return lines


def _plain(part: LabeledProducts) -> dict[str, Any]:
    return {"titles": list(part.products.titles), "labels": part.labels.tolist()}


def shown(model: str) -> str:
    return PEER_NAMES.get(model, f"ours: {model}")


assert set(PEERS) | {PECOS} == set(PEER_NAMES)

if __name__ == "__main__":
    sys.exit(main())
