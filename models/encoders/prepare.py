"""What a neural text encoder reads titles with: its tokenizer and the number of n-gram buckets, made once a fit."""

from dataclasses import dataclass
from pathlib import Path

from models.artifact import read_json, write_json
from models.checkpoint import Checkpoints
from models.encoders.config import EncoderConfig
from models.encoders.texts import NormalFields, choose_buckets
from models.tokenizer import Tokenizer, normalise, train_tokenizer
from models.types import FitProgress, FitTask

_FILES = ("tokenizer.model", "buckets.json")


@dataclass(frozen=True)
class Prepared:
    """How texts become tokens."""

    tokenizer: Tokenizer
    n_buckets: int  # embeddings that hashed n-grams share; 0: there are no n-grams


def prepare_texts(
    texts: NormalFields, task: FitTask, config: EncoderConfig, checkpoints: Checkpoints, earlier: Prepared | None
) -> Prepared:
    """Of an earlier try, of the model the fit begins from, or learned from the corpus, else the training texts."""
    folder = checkpoints.find_prepared_files(_FILES)
    if folder is not None:
        return _read(folder)
    prepared = earlier or _learn(texts, task, config)
    checkpoints.save_prepared_files(
        {
            "tokenizer.model": lambda path: _write_bytes(path, prepared.tokenizer.model),
            "buckets.json": lambda path: write_json(path, {"n_buckets": prepared.n_buckets}),
        }
    )
    return prepared


def _learn(texts: NormalFields, task: FitTask, config: EncoderConfig) -> Prepared:
    task.on_progress(FitProgress("learning subwords", 0.02))
    most = config.max_title_characters
    corpus = texts.corpus() if task.corpus is None else [normalise(text, most) for text in task.corpus]
    symbols = [normalise(symbol, most) for symbol in config.symbols]
    tokenizer = train_tokenizer(corpus, config.vocabulary_size, config.seed, symbols)
    if tokenizer.vocabulary_size < config.vocabulary_size:
        found, wanted = tokenizer.vocabulary_size, config.vocabulary_size
        note = f"The titles carry {found:,} subwords, fewer than the {wanted:,} asked for."
        task.on_progress(FitProgress("learning subwords", 0.03, note=note))
    task.on_progress(FitProgress("counting n-grams", 0.04))
    return Prepared(tokenizer, choose_buckets(texts, config))


def _read(folder: Path) -> Prepared:
    tokenizer = Tokenizer((folder / "tokenizer.model").read_bytes())
    return Prepared(tokenizer, int(read_json(folder, "buckets.json")["n_buckets"]))


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)
