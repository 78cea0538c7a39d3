"""Normal form of a text, and SentencePiece subwords trained on the catalogue's own titles."""

import io
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NO_PIECES = b""  # the model of a corpus without a letter


def normalise(text: str, max_characters: int) -> str:
    """NFKC, lower case, blanks and control characters as one blank. What lies behind `max_characters` is cut.

    Decomposed (NFD) and composed Korean, full-width and half-width forms become the same text.
    """
    # four times as much is normalised as kept: a decomposed syllable has up to three letters, and blanks go
    text = text[: 4 * max_characters]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    text = text.lower()
    if not text.isprintable():
        text = "".join(" " if unicodedata.category(letter) in _CONTROLS else letter for letter in text)
    return " ".join(text.split())[:max_characters].rstrip()


_CONTROLS = frozenset({"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"})


class Tokenizer:
    """Text to SentencePiece ids. Texts are given in normal form."""

    def __init__(self, model: bytes) -> None:
        from sentencepiece import SentencePieceProcessor

        self.model = model
        self._processor: Any = SentencePieceProcessor(model_proto=model) if model else None

    @property
    def vocabulary_size(self) -> int:
        return int(self._processor.get_piece_size()) if self._processor else 1

    def encode(self, texts: Sequence[str], n_threads: int = 2) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Ids of all pieces, (n,), and the text each is from, (n,)."""
        if self._processor is None or not texts:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        encoded = self._processor.encode(list(texts), num_threads=n_threads)
        sizes = np.fromiter(map(len, encoded), np.int64, len(encoded))
        flat = np.fromiter((piece for pieces in encoded for piece in pieces), np.int64, int(sizes.sum()))
        return flat, np.repeat(np.arange(len(texts)), sizes)


def train_tokenizer(texts: Sequence[str], vocabulary_size: int, seed: int) -> Tokenizer:
    """A unigram model of at most `vocabulary_size` pieces, fewer where the texts carry fewer. In memory, no files."""
    import sentencepiece

    texts = [text for text in texts if text]
    if not texts:
        return Tokenizer(_NO_PIECES)
    letters = len(set("".join(texts)))
    sentencepiece.set_random_generator_seed(seed)
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=written,
        model_type="unigram",
        vocab_size=max(vocabulary_size, letters + 8),
        hard_vocab_limit=False,  # a small catalogue has fewer pieces
        character_coverage=0.9998 if letters > 3000 else 1.0,
        normalization_rule_name="identity",
        byte_fallback=False,
        bos_id=-1,
        eos_id=-1,
        input_sentence_size=300_000,
        shuffle_input_sentence=True,
        max_sentence_length=16_000,
        num_threads=2,
        minloglevel=2,
    )
    return Tokenizer(written.getvalue())
