"""What can be wrong with a model, in words of core: templates and values, so that a page says it in its language."""

from core.errors import N_, AppError, NotReady
from models import errors

# the values are the error's attributes
MESSAGES: dict[type[errors.ModelError], str] = {
    errors.NotEnoughClasses: N_("A model needs training rows of at least 2 categories; here there are {n_classes}."),
    errors.BrokenArtifact: N_("The model in {folder} cannot be used: {file} {reason}."),
    errors.OtherFormat: N_(
        "The model in {folder} was saved in format {found}, and this version of the program reads format {known}. "
        "Train it anew."
    ),
    errors.UnknownDevice: N_("There is no device '{device}' here. Use auto, cpu or cuda."),
    errors.UnknownEncoder: N_("There is no encoder '{encoder}'. Choose one of {known}."),
    errors.TooManyClasses: N_(
        "The encoder 'ngrams' takes too long for {n_classes} categories (max_classes is {most}). "
        "Choose the encoder 'label_tree', or raise max_classes."
    ),
    errors.TrainingDiverged: N_(
        "The training went astray at step {step}: the loss is no number. Try a lower learning rate."
    ),
    errors.NotEnoughDeviceMemory: N_("The device's memory is too small for this model, even with one row at a time."),
    errors.NotRepeatable: N_("This model cannot be trained with the same numbers again on this device: {operation}."),
    errors.NoImageWeights: N_(
        "The image weights {weights} cannot be used: {reason}. Put a file with the weights of torchvision's "
        "mobilenet_v2 on this machine and name it in SHELFWRIGHT_IMAGE_WEIGHTS, with SHELFWRIGHT_IMAGE_SCALING, "
        "or set SHELFWRIGHT_IMAGE_WEIGHTS to scratch to begin from nothing."
    ),
    errors.NoTree: N_("The hierarchical head needs the tree of categories, and there is none. Use the flat head."),
    errors.NotEnoughImages: N_(
        "There are {n_images} training products of {n_categories} categories with a readable image. "
        "That is too few to learn from images: train on the titles alone, or add images."
    ),
    errors.NoSentenceWeights: N_(
        "The sentence encoder {weights} cannot be used: {reason}. Name a folder on this machine that holds one: "
        "--model weights=FOLDER."
    ),
}
# a broken artifact's usual reasons, as whole sentences: no language puts them together as English does
BROKEN = {
    "is missing": N_("The model in {folder} cannot be used: {file} is missing."),
    "differs from what was saved": N_("The model in {folder} cannot be used: {file} differs from what was saved."),
    "is not JSON": N_("The model in {folder} cannot be used: {file} is not JSON."),
}


def in_words(error: Exception) -> AppError:
    """The same as an error that can be translated; what has no message here keeps its English."""
    template = MESSAGES.get(type(error))  # type: ignore[arg-type]
    if template is None:
        return NotReady("{reason}", reason=str(error))
    if type(error) is errors.BrokenArtifact:
        template = BROKEN.get(error.reason, template)
    values = {name: ", ".join(value) if isinstance(value, tuple) else value for name, value in vars(error).items()}
    return NotReady(template, **values)
