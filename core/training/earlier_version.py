"""Which version a training begins from when it is told to begin warm."""

from collections.abc import Callable
from pathlib import Path

from core.runtime import Runtime
from core.training.encoder_settings import can_start_warm
from core.training.registry import find_promoted_version, find_version
from core.training.training_settings import ENCODERS, TrainingSettings
from core.training.versions import ModelVersion


def choose_earlier_version(runtime: Runtime, settings: TrainingSettings, log: Callable[[str], None]) -> int | None:
    """The id of the version in use if a training of these settings can begin from it; else a line says why not.

    Whether the artifact fits (layer sizes, categories, nothing changed in its files) is seen when the fit begins.
    """
    if not settings.warm_start:
        return None
    version = find_promoted_version(runtime)
    reason = _obstacle(settings, version)
    if reason:
        log(f"Starts afresh: {reason}")
        return None
    assert version is not None
    log(f"Begins from {version.name}, the version in use.")
    return version.id


def earlier_artifact(runtime: Runtime, version_id: int | None) -> Path | None:
    """The artifact folder of a version that `choose_earlier_version` chose; none without one."""
    version = find_version(runtime, version_id) if version_id is not None else None
    return runtime.data_dir / version.artifact if version and version.artifact else None


def _obstacle(settings: TrainingSettings, version: ModelVersion | None) -> str | None:
    if not can_start_warm(settings.encoder):
        return f"the encoder {settings.encoder} cannot begin from an earlier version."
    if version is None:
        return "no version is in use."
    encoder = version.config.get("training", {}).get("encoder", ENCODERS[0])
    if encoder != settings.encoder:
        return f"the version in use, {version.name}, has the encoder {encoder}."
    return None
