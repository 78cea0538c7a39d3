"""One trained classifier measured: right answers, time to fit, memory, one title at a time and many at once.

Needs numpy alone, so that peers in an environment of their own are measured by the same code.
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

TOP = 4
N_ALONE, N_WARM = 500, 30  # titles asked one at a time, after a few that do not count
LEAST_MANY = 20_000  # titles asked at once: the test rows are repeated until there are so many

Predict = Callable[[Sequence[str]], Any]  # titles to scores (N, K)


def measure(fit: Callable[[], Predict], titles: list[str], out: Path) -> None:
    """Fit, ask, and write `out`.npz (best classes of every test row) and `out`.json (figures)."""
    wall, cpu = time.perf_counter(), time.process_time()
    predict = fit()
    figures = {"fit_seconds": time.perf_counter() - wall, "fit_cpu_seconds": time.process_time() - cpu}
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    best = np.concatenate([_best(predict(titles[start : start + 4096])) for start in range(0, len(titles), 4096)])
    figures |= _alone(predict, titles) | _many(predict, titles)
    np.savez(out.with_suffix(".npz"), best=best)
    out.with_suffix(".json").write_text(json.dumps(figures))


def _best(scores: Any) -> Any:
    """(N, TOP) columns of the highest scores, best first; -1 where there are fewer."""
    order = np.argsort(-np.asarray(scores), axis=1, kind="stable")[:, :TOP].astype(np.int32)
    return np.pad(order, ((0, 0), (0, TOP - order.shape[1])), constant_values=-1)


def _alone(predict: Predict, titles: list[str]) -> dict[str, float]:
    """Milliseconds of one title."""
    chosen = [titles[place % len(titles)] for place in range(0, 7 * (N_ALONE + N_WARM), 7)]
    took = []
    for title in chosen:
        began = time.perf_counter()
        predict([title])
        took.append(time.perf_counter() - began)
    p50, p99 = np.percentile(np.array(took[N_WARM:]) * 1000, [50, 99])
    return {"p50_ms": float(p50), "p99_ms": float(p99)}


def _many(predict: Predict, titles: list[str]) -> dict[str, float]:
    """Titles a second, in chunks as the score job has them."""
    many = (titles * (LEAST_MANY // len(titles) + 1))[:LEAST_MANY]
    began, cpu = time.perf_counter(), time.process_time()
    for start in range(0, len(many), 4096):
        predict(many[start : start + 4096])
    return {
        "titles_per_second": len(many) / (time.perf_counter() - began),
        "titles_per_cpu_second": len(many) / (time.process_time() - cpu),
    }


def read_rows(path: Path) -> dict[str, Any]:
    """Titles and labels of the three parts, as `bench.text_models` wrote them."""
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
