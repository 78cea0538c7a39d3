"""Normal form of a text, and SentencePiece subwords trained on the catalogue's own titles."""

import io
import re
import unicodedata
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLANK = "\u2581"  # how SentencePiece writes a blank
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

    def piece(self, number: int) -> str:
        """A piece as text; a blank at its beginning says that a word begins there."""
        return str(self._processor.id_to_piece(number)).replace(_BLANK, " ") if self._processor else ""

    def encode(self, texts: Sequence[str], n_threads: int = 2) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Ids of all pieces, (n,), and the text each is from, (n,)."""
        if self._processor is None or not texts:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        return _flat(self._processor.encode(list(texts), num_threads=n_threads))

    def sample(self, texts: Sequence[str], alpha: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """As `encode`, each text cut by chance: subword regularization (Kudo 2018). The same again for the same seed.

        `alpha` near 0 takes any cut as likely; 1 takes each as often as the pieces' probabilities say. A text with one
        of the tokenizer's symbols is cut as ever: sampling would cut the symbol.
        """
        if self._processor is None or not texts:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        from sentencepiece import set_random_generator_seed

        # with num_threads one new thread cuts the texts in order, and a new thread begins with the seed
        set_random_generator_seed(seed % 2**32)
        found = self._processor.encode(list(texts), enable_sampling=True, alpha=alpha, nbest_size=-1, num_threads=1)
        if self._symbols is not None:
            kept = [row for row, text in enumerate(texts) if self._symbols.search(text)]
            for row, pieces in zip(kept, self._processor.encode([texts[row] for row in kept]), strict=True):
                found[row] = pieces
        return _flat(found)

    @cached_property
    def _symbols(self) -> re.Pattern[str] | None:
        """Finds the symbols the tokenizer was trained with: a piece of its own has a log probability below 0."""
        processor = self._processor
        names = [
            self.piece(piece)
            for piece in range(self.vocabulary_size)
            if processor.get_score(piece) == 0.0 and not processor.is_control(piece) and not processor.is_unknown(piece)
        ]
        return re.compile("|".join(map(re.escape, names))) if names else None


def _flat(encoded: list[list[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All pieces in a row, (n,), and the text each is from, (n,)."""
    sizes = np.fromiter(map(len, encoded), np.int64, len(encoded))
    flat = np.fromiter((piece for pieces in encoded for piece in pieces), np.int64, int(sizes.sum()))
    return flat, np.repeat(np.arange(len(encoded)), sizes)


def train_tokenizer(texts: Sequence[str], vocabulary_size: int, seed: int, symbols: Sequence[str] = ()) -> Tokenizer:
    """A unigram model of at most `vocabulary_size` pieces, fewer where the texts carry fewer. In memory, no files.

    `symbols`, in normal form, are pieces whatever the texts say, and never cut.
    """
    import sentencepiece

    texts = [text for text in texts if text.strip(f" {_BLANK}")]
    if not texts:
        return Tokenizer(_NO_PIECES)
    symbols = sorted({symbol.replace(" ", _BLANK) for symbol in symbols} - {""})
    letters = len(set("".join(texts)))
    sentencepiece.set_random_generator_seed(seed)
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=written,
        model_type="unigram",
        vocab_size=max(vocabulary_size, letters + len(symbols) + 8),
        user_defined_symbols=symbols,
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
