"""What a training does with labels that look wrong: leave their rows out, or give them the label that is meant.

Judged out of fold, by a stored search where there is one of just this snapshot, else in the training's own job. Only
training rows are treated, and never one that a person decided. Validation rows whose label looks wrong have weight 0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.curation.noise_search import judge_rows
from core.json_file import read_json, write_json
from core.runtime import Runtime
from core.training.learning_rows import LearningRows, Rows
from core.training.suspected_labels import set_aside
from db import label_issues
from db.enums import NoiseMethod

N_FOLDS = 5
FILE = "noise_treatment.json"


@dataclass(frozen=True)
class Treated:
    """The rows to learn from, and what was done to them as plain values."""

    rows: LearningRows
    facts: dict[str, Any]


def treat_noise(
    runtime: Runtime,
    rows: LearningRows,
    mode: str,
    *,
    snapshot_id: int | None,
    encoder: str,
    config: dict[str, Any],
    device: str,
    folder: Path,
    seed: int,
    on_share: Callable[[float, str], None],
) -> Treated:
    """Treat the training rows: 'filter' drops wrong labels, 'refurbish' mends those whose right label is clear and
    drops the others. The temperature is chosen without the validation rows that look wrong.

    `folder` survives a kill: the second time the same rows come out. Raises NotReady when the rows cannot be judged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    known = read_json(folder / FILE)
    if known is None:
        known = _find_stored(runtime, rows, snapshot_id)
        if known is None:
            known = _judge(rows, encoder, config, device, folder / "out_of_fold", seed, on_share)
        write_json(folder / FILE, known)
    return _apply(rows, mode, known)


def _find_stored(runtime: Runtime, rows: LearningRows, snapshot_id: int | None) -> dict[str, Any] | None:
    """What the newest search found, if it judged this snapshot and all of it is still there."""
    if snapshot_id is None:
        return None
    with runtime.sessions.read() as session:
        found = label_issues.list_of_snapshot(session, NoiseMethod.CONFIDENT_LEARNING, snapshot_id)
    if found is None:
        return None
    return {"from": "stored", "issues": [list(issue) for issue in found]}


def _judge(
    rows: LearningRows,
    encoder: str,
    config: dict[str, Any],
    device: str,
    folder: Path,
    seed: int,
    on_share: Callable[[float, str], None],
) -> dict[str, Any]:
    judged = judge_rows(rows, encoder, config, N_FOLDS, device, folder, on_share, seed, (rows.validation,))
    found = judged.found
    return {
        "from": "computed",
        "issues": [
            [
                judged.product_ids[row],
                rows.class_ids[int(judged.given[row])],
                rows.class_ids[int(found.suggested[row])],
                float(found.confidence[row]),
            ]
            for row in np.flatnonzero(judged.is_issue()).tolist()
        ],
    }


def _apply(rows: LearningRows, mode: str, known: dict[str, Any]) -> Treated:
    """`known['issues']` are [product id, given category, suggested category, its probability]."""
    from models.noise.treatment import CLEAR

    position = {category_id: place for place, category_id in enumerate(rows.class_ids)}
    places = {product_id: place for place, product_id in enumerate(rows.train.product_ids)}
    labels: NDArray[np.int64] = rows.train.labeled.labels.copy()
    kept = np.ones(len(labels), bool)
    n_mended = 0
    for product_id, given, suggested, confidence in known["issues"]:
        place = places.get(product_id)
        if place is None or rows.train.is_human[place] or rows.class_ids[int(labels[place])] != given:
            continue
        if mode == "refurbish" and suggested in position and (confidence or 0.0) >= CLEAR:
            labels[place] = position[suggested]
            n_mended += 1
        else:
            kept[place] = False
    labeled = replace(rows.train.labeled, labels=labels)
    train = replace(rows.train, labeled=labeled).take(np.flatnonzero(kept))
    validation, n_aside = set_aside(rows.validation, _suspected(rows.validation, rows.class_ids, known))
    facts = {
        "judged": known["from"],
        "rows_dropped": int((~kept).sum()),
        "rows_mended": n_mended,
        "validation_rows_aside": n_aside,
    }
    return Treated(replace(rows, train=train, validation=validation), facts)


def _suspected(part: Rows, class_ids: Sequence[int], known: dict[str, Any]) -> NDArray[np.bool_]:
    """(N,) the rows whose present label was judged wrong and that no person decided."""
    wrong = {(product_id, given) for product_id, given, *_ in known["issues"]}
    labels = part.labeled.labels.tolist()
    given = [(id_, class_ids[label]) for id_, label in zip(part.product_ids, labels, strict=True)]
    found = [pair in wrong and not human for pair, human in zip(given, part.is_human, strict=True)]
    return np.array(found, np.bool_)
