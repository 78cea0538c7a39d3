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


class OtherFormat(BrokenArtifact):
    """The artifact was written by a version of the program that kept it in another way."""

    def __init__(self, folder: Path, found: object, known: int) -> None:
        self.folder, self.file, self.reason = folder, "config.json", "is of another format"
        self.found, self.known = found, known
        ModelError.__init__(
            self,
            f"The model in {folder} was saved in format {found}, and this version of the program reads format "
            f"{known}. Train it anew.",
        )


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


class TooManyClasses(ModelError):
    """The n-gram linear model would take too long: it tells each category from all others."""

    def __init__(self, n_classes: int, most: int) -> None:
        self.n_classes, self.most = n_classes, most
        super().__init__(
            f"The encoder 'ngrams' takes too long for {n_classes} categories (max_classes is {most}). "
            "Choose the encoder 'label_tree', or raise max_classes."
        )


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


class NoImageWeights(ModelError):
    """The weights that the image classifier begins from cannot be had."""

    def __init__(self, weights: str, reason: str) -> None:
        self.weights, self.reason = weights, reason
        super().__init__(
            f"The image weights {weights} cannot be used: {reason}. Put a file with the weights of torchvision's "
            "mobilenet_v2 on this machine and name it in SHELFWRIGHT_IMAGE_WEIGHTS, with SHELFWRIGHT_IMAGE_SCALING, "
            "or set SHELFWRIGHT_IMAGE_WEIGHTS to scratch to begin from nothing."
        )


class NoTree(ModelError):
    """The hierarchical head needs the tree above the categories."""

    def __init__(self) -> None:
        super().__init__("The hierarchical head needs the tree of categories, and there is none. Use the flat head.")


class NotEnoughImages(ModelError):
    """The products' images are too few to learn from."""

    def __init__(self, n_images: int, n_categories: int) -> None:
        self.n_images, self.n_categories = n_images, n_categories
        super().__init__(
            f"There are {n_images} training products of {n_categories} categories with a readable image. "
            "That is too few to learn from images: train on the titles alone, or add images."
        )


class NoSentenceWeights(ModelError):
    """The sentence encoder's library or weights cannot be had."""

    def __init__(self, weights: str, reason: str) -> None:
        self.weights, self.reason = weights, reason
        super().__init__(
            f"The sentence encoder {weights} cannot be used: {reason}. Name a folder on this machine that holds one: "
            "--model weights=FOLDER."
        )
