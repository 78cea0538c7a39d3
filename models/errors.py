"""What can be wrong with a model's data or its files. Core words these for the person who meets them."""

from pathlib import Path


class ModelError(Exception):
    """Something about a model, its data or its files."""


class NotEnoughClasses(ModelError):
    """A classifier needs rows of at least two categories."""

    def __init__(self, n_classes: int) -> None:
        self.n_classes = n_classes
        super().__init__(f"A model needs training rows of at least 2 categories; here there are {n_classes}.")


class BrokenArtifact(ModelError):
    """A model folder cannot be used: `file` is missing, changed or unreadable."""

    def __init__(self, folder: Path, file: str, reason: str) -> None:
        self.folder, self.file, self.reason = folder, file, reason
        super().__init__(f"The model in {folder} cannot be used: {file} {reason}.")


class UnknownDevice(ModelError):
    """The device asked for does not exist on this machine."""

    def __init__(self, device: str) -> None:
        self.device = device
        super().__init__(f"There is no device '{device}' here. Use auto, cpu or cuda.")


class UnknownEncoder(ModelError):
    """There is no such encoder in the family."""

    def __init__(self, encoder: str, known: tuple[str, ...]) -> None:
        self.encoder, self.known = encoder, known
        super().__init__(f"There is no encoder '{encoder}'. Choose one of {', '.join(known)}.")


class TrainingDiverged(ModelError):
    """The loss is no number any more: the model forgot everything and cannot go on."""

    def __init__(self, step: int) -> None:
        self.step = step
        super().__init__(f"The training went astray at step {step}: the loss is no number. Try a lower learning rate.")


class NotEnoughDeviceMemory(ModelError):
    """The model does not fit the device's memory, not even with one row at a time."""

    def __init__(self) -> None:
        super().__init__("The device's memory is too small for this model, even with one row at a time.")


class NotRepeatable(ModelError):
    """The same numbers again were asked for, and this device cannot give them for a step of this model."""

    def __init__(self, operation: str) -> None:
        self.operation = operation
        super().__init__(f"This model cannot be trained with the same numbers again on this device: {operation}.")
