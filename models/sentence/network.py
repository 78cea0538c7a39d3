"""The pretrained sentence network: loading it without running anybody's code, embedding texts, its files."""

import contextlib
import io
import shutil
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import NoSentenceWeights
from models.types import Writer

EMBED_ROWS = 256  # texts embedded at a time
KEPT = {".json", ".safetensors", ".txt", ".model"}  # of its folder: never code, never a pickle


def load_network(weights: str, device: str) -> Any:
    """A sentence_transformers network from a local folder or a hub's name.

    Safetensors only, and no code of the hub is run. Raises NoSentenceWeights with the reason.
    """
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise NoSentenceWeights(
            weights, f"{error.name} is not installed; pip install -r requirements-sentence.txt"
        ) from None
    try:
        with quiet():
            return SentenceTransformer(
                weights, device=device, trust_remote_code=False, model_kwargs={"use_safetensors": True}
            )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise NoSentenceWeights(weights, reason) from error


def embed(network: Any, texts: Sequence[str]) -> NDArray[np.float32]:
    """(N, D) of unit length; a row of 0 for an empty text."""
    found = np.zeros((len(texts), network.get_embedding_dimension()), np.float32)
    said = [place for place, text in enumerate(texts) if text]
    if said:
        with quiet():
            vectors = network.encode(
                [texts[place] for place in said],
                batch_size=EMBED_ROWS,
                show_progress_bar=False,
                normalize_embeddings=True,
                convert_to_numpy=True,
            )
        found[said] = vectors
    return found


def save_network(network: Any, folder: Path) -> None:
    """Write its files; the folder is there whole or not at all."""
    unfinished = folder.with_name(folder.name + ".partial")
    shutil.rmtree(unfinished, ignore_errors=True)
    with quiet():
        network.save(str(unfinished), create_model_card=False)
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.replace(folder)


def network_files(folder: Path) -> dict[str, Writer]:
    """The files of a saved network, each with what copies it."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix in KEPT and path.is_file())
    return {str(path.relative_to(folder)): partial(_copy, path) for path in paths}


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No progress bars and no advice of the libraries: the job has its own progress."""
    from transformers.utils import logging

    was_shown, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if was_shown:
            logging.enable_progress_bar()
