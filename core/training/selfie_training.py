"""SELFIE inside a training: made before the fit, its verdicts kept beside the checkpoints and written with the version.

The verdicts of all three kinds are written, one a training row that no person decided, for people to confirm.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.jobs.context import JobContext
from core.training.encoder_settings import warm_epochs
from core.training.learning_rows import LearningRows
from core.training.training_settings import TrainingSettings
from core.types import utc_now
from db.enums import NoiseMethod, NoiseVerdict

if TYPE_CHECKING:
    from models.noise.selfie import Selfie

FILE = "selfie.safetensors"


def make_selector(settings: TrainingSettings, rows: LearningRows, is_warm: bool = False) -> "Selfie | None":
    """What chooses rows and labels in each step; none unless the settings ask for SELFIE.

    `is_warm`: the fit begins from an earlier version, with fewer epochs.
    """
    if settings.noise != "selfie":
        return None
    from models.noise.selfie import Selfie, SelfieSettings

    trusted = np.asarray(rows.train.is_human, bool)
    epochs = warm_epochs(settings) if is_warm else settings.epochs
    return Selfie(rows.train.labeled.labels, len(rows.class_ids), trusted, SelfieSettings.for_epochs(epochs))


def keep_verdicts(selector: "Selfie", rows: LearningRows, folder: Path) -> None:
    """Write what SELFIE said of the rows that it judged into the folder; a kill after it loses nothing.

    Where it judged none (the training ended in the warm-up), nothing is written, and earlier verdicts stay.
    """
    from safetensors.numpy import save_file

    judged = np.flatnonzero((selector.verdicts >= 0) & ~selector.trusted)
    if not len(judged):
        return
    folder.mkdir(parents=True, exist_ok=True)
    class_ids = np.asarray(rows.class_ids, np.int64)
    given, meant = selector.labels[judged], selector.favourites()[judged]
    tensors: dict[str, NDArray[Any]] = {
        "product_ids": np.asarray(rows.train.product_ids, np.int64)[judged],
        "given": class_ids[given],
        "meant": class_ids[meant],
        "verdicts": selector.verdicts[judged],
        "share_given": selector.share_of(selector.labels)[judged],
        "share_meant": selector.share_of(selector.favourites())[judged],
    }
    partial = folder / f".{FILE}.partial"
    save_file(tensors, partial)
    partial.replace(folder / FILE)


def write_kept_verdicts(context: JobContext, folder: Path, version_id: int) -> int:
    """Write kept verdicts to the database, in place of those of earlier trainings; returns how many."""
    from safetensors.numpy import load_file

    from core.curation.label_issue_job import write_verdicts

    if not (folder / FILE).exists():
        return 0
    kept, now = load_file(folder / FILE), utc_now()
    words = {0: NoiseVerdict.CLEAN, 1: NoiseVerdict.REFURBISHED, 2: NoiseVerdict.UNCLEAN}
    columns = (kept[name].tolist() for name in ("product_ids", "given", "meant", "verdicts", "share_given"))
    values: list[dict[str, Any]] = [
        {
            "product_id": product_id,
            "method": NoiseMethod.SELFIE,
            "verdict": words[verdict],
            "given_category_id": given,
            "suggested_category_id": meant if meant != given else None,
            "label_quality_score": quality,
            "confidence": share if meant != given else None,
            "job_id": context.job.id,
            "model_version_id": version_id,
            "created_at": now,
        }
        for (product_id, given, meant, verdict, quality), share in zip(
            zip(*columns, strict=True), kept["share_meant"].tolist(), strict=True
        )
    ]
    write_verdicts(context, NoiseMethod.SELFIE, values)
    counts = {word.value: int((kept["verdicts"] == number).sum()) for number, word in words.items()}
    context.log(f"SELFIE: {counts}.")
    return len(values)
