"""From a model version to a model in memory."""

from core.errors import N_, NotReady
from core.runtime import Runtime
from core.training.model_errors import in_words
from core.training.versions import ModelVersion
from models.types import CategoryModel


def load_version_model(runtime: Runtime, version: ModelVersion, device: str | None = None) -> CategoryModel:
    """The version's model on `device` (none: as SHELFWRIGHT_DEVICE says).

    Raises NotReady when its folder is missing or not what was saved, or when the device does not exist here.
    """
    from models.errors import ModelError
    from models.family import load_model

    if version.artifact is None:
        raise NotReady(N_("{version} is not ready."), version=version.name)
    try:
        return load_model(runtime.data_dir / version.artifact, device or runtime.settings.device)
    except ModelError as error:
        raise NotReady(
            N_("The model {version} cannot be loaded: {reason}"), version=version.name, reason=in_words(error)
        ) from error
