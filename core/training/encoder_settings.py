"""What each encoder can be told: its own settings, which choices have an effect on it, and whether it can be used."""

from collections.abc import Iterable
from dataclasses import fields
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core.errors import N_, AppError, InvalidInput, NotReady
from core.settings import Settings
from core.training.training_settings import TrainingSettings

# the class of an encoder's own settings: a light module, read by pages
CONFIGS = {
    "joint": "models.config:TitleModelConfig",
    "ngrams": "models.linear_config:LinearConfig",
    "ensemble": "models.ensemble_config:EnsembleConfig",
    "fasttext": "models.encoders.config:FastTextConfig",
    "dan": "models.encoders.config:DanConfig",
    "gru": "models.encoders.config:GruConfig",
    "label_tree": "models.label_tree.config:LabelTreeConfig",
    "sentence": "models.sentence.config:SentenceConfig",
}
IMAGES = "models.image.config:ImageConfig"
IMAGE = "image"  # the key of its settings among an encoder's; 'image.fc_dim' when written in a line
LIBRARIES: dict[str, tuple[str, ...]] = {"sentence": ("sentence_transformers", "setfit")}
SELFIE_ENCODERS = ("joint", "fasttext", "dan", "gru")  # whose training asks at every step what to learn from
# settings of a training that some encoders have, others not
SHARED = ("epochs", "head", "deterministic")


def own_settings(encoder: str) -> dict[str, Any]:
    """Name -> default of what this encoder alone can be told; empty where it tells nobody."""
    place = CONFIGS.get(encoder)
    if place is None:
        return {}
    defaults = _class_at(place)()
    names = [part.name for part in fields(defaults) if part.init and part.name not in (*SHARED, "seed", "kind")]
    return {name: getattr(defaults, name) for name in names}


def image_settings() -> dict[str, Any]:
    """Name, as written in a line -> default of what the image classifier can be told, whatever the encoder."""
    own = [part for part in fields(_class_at(IMAGES)) if part.name not in ("deterministic", "seed")]
    return {f"{IMAGE}.{part.name}": part.default for part in own}


def has_effect(encoder: str, name: str) -> bool:
    """Whether a setting of `SHARED` changes anything for this encoder."""
    place = CONFIGS.get(encoder)
    return place is None or any(part.name == name for part in fields(_class_at(place)))


def can_start_warm(encoder: str) -> bool:
    """Whether its training can begin from an earlier version of the same encoder."""
    place = CONFIGS.get(encoder)
    return place is not None and any(part.name == "warm_epochs" for part in fields(_class_at(place)))


def warm_epochs(settings: TrainingSettings) -> int:
    """How many epochs a fit has that begins from an earlier version of the encoder, which can."""
    return int(settings.model.get("warm_epochs", own_settings(settings.encoder)["warm_epochs"]))


def encoder_config(settings: TrainingSettings) -> dict[str, Any]:
    """What the encoder is given; what is not set has its default, and what it does not have is left out."""
    shared = {name: getattr(settings, name) for name in SHARED if has_effect(settings.encoder, name)}
    own = settings.model | shared | {"seed": settings.seed}
    if settings.use_images:
        own[IMAGE] = {"deterministic": settings.deterministic} | own.get(IMAGE, {})
    return own


def find_obstacle(settings: TrainingSettings, machine: Settings | None = None) -> AppError | None:
    """Why these settings cannot be trained with on this machine; none when nothing stands in the way.

    `machine`: the program's own settings, which say what images are read with; none: they are not looked at.
    """
    from models.family import ENCODERS

    missing = [library for library in LIBRARIES.get(settings.encoder, ()) if find_spec(library) is None]
    if missing:
        return NotReady(
            N_("The encoder '{encoder}' needs {libraries}, not installed here: pip install -r {file}"),
            encoder=settings.encoder,
            libraries=", ".join(missing),
            file=f"requirements-{settings.encoder}.txt",
        )
    if settings.encoder not in ENCODERS:
        return NotReady(N_("There is no encoder '{encoder}' in this version."), encoder=settings.encoder)
    if settings.noise == "selfie" and settings.encoder not in SELFIE_ENCODERS:
        return InvalidInput(
            N_("SELFIE trains {encoders}, not '{encoder}'. Choose filter or refurbish."),
            encoders=", ".join(SELFIE_ENCODERS),
            encoder=settings.encoder,
        )
    if machine is not None and settings.use_images and (obstacle := find_image_obstacle(machine)):
        return obstacle
    place = CONFIGS.get(settings.encoder)
    if place is None:
        return None
    try:
        own = encoder_config(settings)
        _class_at(IMAGES).from_dict(own.pop(IMAGE, {}))
        _class_at(place).from_dict(own)
    except (ValueError, TypeError) as error:
        return InvalidInput(
            N_("The encoder '{encoder}' cannot be told this: {reason}"), encoder=settings.encoder, reason=error
        )
    return None


def find_image_obstacle(machine: Settings) -> AppError | None:
    """Why images cannot be learned from here; weights that are downloaded by name are not asked for beforehand."""
    from models.image.config import NAMED_WEIGHTS, SCRATCH

    weights = machine.image_weights
    if weights in (SCRATCH, *NAMED_WEIGHTS):
        return None
    if not Path(weights).is_file():
        return NotReady(
            N_(
                "To learn from images the file of image weights {weights} is missing. Name one that is there in "
                "SHELFWRIGHT_IMAGE_WEIGHTS, or set that to scratch to begin from nothing."
            ),
            weights=weights,
        )
    if not machine.image_scaling:
        return NotReady(
            N_(
                "The file of image weights {weights} does not say how its pixels are scaled: set "
                "SHELFWRIGHT_IMAGE_SCALING to imagenet or symmetric."
            ),
            weights=weights,
        )
    return None


def check_settings(settings: TrainingSettings, machine: Settings | None = None) -> None:
    """Raises what `find_obstacle` finds."""
    if obstacle := find_obstacle(settings, machine):
        raise obstacle


def read_own_settings(encoder: str, lines: Iterable[str]) -> dict[str, Any]:
    """'name=value' of each line as the encoder's own settings; empty lines are passed over.

    A value is read as what its default is: 'true', '0.5', '256', '2,5' for several, nothing or 'none' for none of
    them. What is told to images is
    written 'image.fc_dim=64', and to a member of an ensemble 'dan.dropout=0.2'. Raises InvalidInput.
    """
    known = own_settings(encoder)
    found: dict[str, Any] = {}
    for line in lines:
        if not line.strip():
            continue
        name, equals, text = (part.strip() for part in line.partition("="))
        if not equals or not name:
            raise InvalidInput(N_("'{line}' is not of the form name=value."), line=line.strip())
        part, dot, rest = name.partition(".")
        if part == IMAGE and dot:
            found.setdefault(IMAGE, {}).update(_read_image_setting(rest, text))
            continue
        if encoder == "ensemble" and part in CONFIGS and dot:
            found.setdefault("settings", {}).setdefault(part, {}).update(read_own_settings(part, [f"{rest}={text}"]))
            continue
        if known and name not in known:
            raise InvalidInput(
                N_("The encoder '{encoder}' has no setting '{name}'. It has: {known}."),
                encoder=encoder,
                name=name,
                known=", ".join(known),
            )
        try:
            found[name] = _value(text, known.get(name))
        except ValueError:
            raise InvalidInput(N_("'{value}' is no value for '{name}'."), value=text, name=name) from None
    return found


def write_own_settings(model: dict[str, Any]) -> list[str]:
    """'name=value' of each of an encoder's own settings: `read_own_settings` reads the same again."""
    lines = []
    for name, value in model.items():
        if isinstance(value, dict):
            part = "" if name == "settings" else f"{name}."  # of an ensemble: by the members' names
            lines += [f"{part}{line}" for line in write_own_settings(value)]
        else:
            lines.append(f"{name}={write_value(value)}")
    return lines


def write_value(value: Any) -> str:
    """A setting's value as it is written in a line."""
    return ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def _read_image_setting(name: str, text: str) -> dict[str, Any]:
    """One setting of the image classifier. Raises InvalidInput."""
    known = {part.name: part.default for part in fields(_class_at(IMAGES))}
    if name not in known:
        raise InvalidInput(
            N_("Images have no setting '{name}'. They have: {known}."), name=name, known=", ".join(known)
        )
    try:
        return {name: _value(text, known[name])}
    except ValueError:
        raise InvalidInput(N_("'{value}' is no value for '{name}'."), value=text, name=name) from None


def _value(text: str, default: Any) -> Any:
    if isinstance(default, tuple | list):
        parts = [part.strip() for part in text.strip("()[]").split(",") if part.strip()]
        return [] if [part.lower() for part in parts] == ["none"] else [_number(part) for part in parts]
    if not text:
        raise ValueError(text)
    if isinstance(default, bool):
        return _truth(text)
    if isinstance(default, dict):
        raise ValueError(text)
    if isinstance(default, str):
        return text
    if isinstance(default, int):
        return int(text)
    if isinstance(default, float):
        return float(text)
    return None if text.lower() == "none" else _number(text)


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "yes", "1", "false", "no", "0"):
        raise ValueError(text)
    return text.lower() in ("true", "yes", "1")


def _number(text: str) -> Any:
    """A whole number, a number, or the text itself."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _class_at(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
