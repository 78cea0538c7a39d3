"""What a fit has on disk so that it goes on after a kill: prepared texts once, then the newest state."""

import hashlib
import json
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from safetensors.torch import load_file, save_file
from torch import Tensor

from models.artifact import check_folder, read_json, write_folder, write_json
from models.errors import BrokenArtifact
from models.features import NgramVocabulary
from models.predictor import vocabulary_from, vocabulary_tensors
from models.tokenizer import Tokenizer
from models.types import FitTask, Writer
from models.warm_start import hash_earlier

_PREPARED = ("tokenizer.model", "vocabulary.safetensors")
_STATE = ("state.json", "state.safetensors")
_STATE_FOLDER = re.compile(r"state-(\d{9})")
SAVING_SHARE = 0.05  # of the training time at most goes into checkpoints


class Checkpoints:
    """The checkpoints of one fit: what belongs to other data or other settings is in another folder and cannot mix."""

    def __init__(self, folder: Path, fingerprint: str, seconds: float) -> None:
        self._folder = folder / fingerprint[:24]
        self._seconds = seconds
        self._next = time.monotonic() + seconds

    def save_prepared_files(self, files: Mapping[str, Writer]) -> None:
        """Keep what is made once, before the first step."""
        write_folder(self._folder / "prepared", files)

    def find_prepared_files(self, names: tuple[str, ...]) -> Path | None:
        """The folder with these files of an earlier try; none when there are none, or broken ones."""
        folder = self._folder / "prepared"
        try:
            check_folder(folder, names)
        except BrokenArtifact:
            return None
        return folder

    def save_prepared(self, tokenizer: Tokenizer, vocabulary: NgramVocabulary) -> None:
        self.save_prepared_files(
            {
                "tokenizer.model": lambda path: _write(path, tokenizer.model),
                "vocabulary.safetensors": lambda path: save_file(vocabulary_tensors(vocabulary), path),
            }
        )

    def find_prepared(self) -> tuple[Tokenizer, NgramVocabulary] | None:
        """Tokenizer and vocabulary of an earlier try; none when there are none, or broken ones."""
        folder = self.find_prepared_files(_PREPARED)
        if folder is None:
            return None
        tokenizer = Tokenizer((folder / "tokenizer.model").read_bytes())
        return tokenizer, vocabulary_from(load_file(folder / "vocabulary.safetensors"))

    def is_due(self) -> bool:
        return time.monotonic() >= self._next

    def save_state(self, step: int, tensors: dict[str, Tensor]) -> None:
        """Keep the state after `step` steps; the one before goes once this one is safe on the disk."""
        started = time.monotonic()
        name = f"state-{step:09d}"
        write_folder(
            self._folder / name,
            {
                "state.json": lambda path: write_json(path, {"step": step}),
                "state.safetensors": lambda path: save_file(tensors, path),
            },
        )
        for older in self._state_folders():
            if older.name != name:
                shutil.rmtree(older, ignore_errors=True)
        done = time.monotonic()
        self._next = done + max(self._seconds, (done - started) / SAVING_SHARE)

    def find_state(self) -> tuple[int, dict[str, Tensor]] | None:
        """(steps done, tensors) of the newest whole checkpoint; broken ones are passed over."""
        for folder in reversed(self._state_folders()):
            try:
                check_folder(folder, _STATE)
                state: dict[str, Any] = read_json(folder, "state.json")
            except BrokenArtifact:
                continue
            return int(state["step"]), load_file(folder / "state.safetensors")
        return None

    def _state_folders(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        return sorted(path for path in self._folder.iterdir() if _STATE_FOLDER.fullmatch(path.name))


class Config(Protocol):
    """The settings of any encoder."""

    def to_dict(self) -> dict[str, Any]: ...


def fingerprint_fit(task: FitTask, config: Config | Mapping[str, Any]) -> str:
    """SHA-256 of all that decides the outcome of a fit: every text, label, weight, class and setting, in order, the
    tree above the classes, images, and the model it begins from. Not the device."""
    values = config if isinstance(config, Mapping) else config.to_dict()
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    digest.update(task.class_ids.tobytes() + hash_earlier(task.warm_start).encode())
    digest.update(repr(sorted((int(to), sorted(map(int, came))) for to, came in task.descent.items())).encode())
    digest.update(b"" if task.class_paths is None else task.class_paths.tobytes())
    digest.update(task.selector.fingerprint() if task.selector else b"")
    _add_texts(digest, task.corpus or ())
    for part in (task.train, task.validation):
        digest.update(f"|{len(part)}|".encode())
        for texts in (part.products.titles, part.products.mall_categories, part.products.brands):
            _add_texts(digest, texts)
        weights, images, accepted = part.products.mall_weights, part.products.images, part.alternatives
        digest.update(b"" if weights is None else weights.tobytes())
        digest.update(b"" if images is None else images.features.tobytes() + images.present.tobytes())
        digest.update(b"" if accepted is None else accepted.indptr.tobytes() + accepted.indices.tobytes())
        digest.update(part.labels.tobytes() + part.weights.tobytes())
    return digest.hexdigest()


def _add_texts(digest: "hashlib._Hash", texts: Sequence[str]) -> None:
    for text in texts:
        digest.update(text.encode("utf-8", "surrogatepass") + b"\0")


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
