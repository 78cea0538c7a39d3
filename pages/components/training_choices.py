"""What the training form says, as settings; settings put into the form; and what of them is not as usual."""

from typing import Any

import streamlit as st

from core.errors import AppError
from core.training.encoder_settings import (
    can_start_warm,
    find_obstacle,
    has_effect,
    read_own_settings,
    write_own_settings,
)
from core.training.training_settings import TrainingSettings, list_changes
from pages.components.context import runtime
from pages.components.training_words import NAMES, setting_name
from pages.components.words import _

DEFAULTS = TrainingSettings()
OWN = "training.own"  # the encoder's own settings, one 'name=value' a line
TAKEN = "training.chosen"  # values by name, left by another page
DEVICES = ("default", "auto", "cpu", "cuda")


def fill_form(values: dict[str, Any]) -> None:
    """Put a training's values into the widgets; the others go back to their defaults."""
    for name in NAMES:
        st.session_state.pop(f"training.{name}", None)
    for name, value in values.items():
        if name == "model":
            st.session_state[OWN] = "\n".join(write_own_settings(value))
        else:
            st.session_state[f"training.{name}"] = value


def chosen_settings() -> TrainingSettings:
    """What the form says; what has no effect for the encoder keeps its default. Raises InvalidInput."""
    state = st.session_state
    values = {name: state.get(f"training.{name}", default) for name, default in DEFAULTS.to_dict().items()}
    encoder = str(values["encoder"])
    values["model"] = read_own_settings(encoder, str(state.get(OWN, "")).splitlines())
    values["device"] = None if values["device"] in (None, DEVICES[0]) else values["device"]
    values["target_precision"] = _fraction("target_precision", DEFAULTS.target_precision)
    if not has_effect(encoder, "head"):
        values["head"] = DEFAULTS.head
    if not can_start_warm(encoder):
        values["warm_start"] = False
    if values["cap"] == "none":
        values["cap_constant"] = None
    return TrainingSettings.from_dict(values)


def settings_obstacle() -> AppError | None:
    """Why the form's settings cannot be trained with."""
    try:
        return find_obstacle(chosen_settings(), runtime().settings)
    except AppError as error:
        return error


def changes_text(training: dict[str, Any]) -> str:
    """'Encoder: dan · Images: on': what differs from the defaults, by the form's names; empty where nothing does."""
    parts: list[str] = []
    for name, value in list_changes(training).items():
        if isinstance(value, dict):
            parts += write_own_settings(value)
            continue
        if isinstance(value, bool):
            value = _("on") if value else _("off")
        elif name == "target_precision":
            value = f"{100 * value:g}"
        parts.append(f"{setting_name(name)}: {value}")
    return " · ".join(parts)


def _fraction(name: str, default: float) -> float:
    percent = st.session_state.get(f"training.{name}")
    return default if percent is None else round(float(percent) / 100, 6)
