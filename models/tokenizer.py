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

    def cuts(self, texts: Sequence[str], most: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """The `most` (at least 1) likeliest ways to cut each of N texts, for subword regularization (Kudo 2018).

        Ids of all pieces, (n,); the cut each is from, (n,), where cut c of text i is number i * most + c; the log
        probability of each cut, (N, most), the best first, -inf where there are fewer. A text with one of the
        tokenizer's symbols has one cut: others would cut the symbol. SentencePiece's own sampling is not used: its
        chance is another in every process, so that a resumed fit would end otherwise.
        """
        logs = np.full((len(texts), most), -np.inf, np.float32)
        if self._processor is None or not texts:
            logs[:, 0] = 0.0
            return np.empty(0, np.int64), np.empty(0, np.int64), logs
        found = self._processor.nbest_encode(list(texts), nbest_size=most)
        pieces: list[int] = []
        sizes = np.zeros((len(texts), most), np.int64)
        for row, ways in enumerate(found):
            kept = ways[:1] if self._symbols is not None and self._symbols.search(texts[row]) else ways
            for place, way in enumerate(kept):
                pieces += way
                sizes[row, place] = len(way)
                logs[row, place] = 0.0
        flat = np.array(pieces, np.int64)
        owners = np.repeat(np.arange(sizes.size), sizes.ravel())
        logs += np.bincount(owners, self._scores[flat], sizes.size).reshape(sizes.shape).astype(np.float32)
        return flat, owners, logs

    @cached_property
    def _scores(self) -> NDArray[np.float64]:
        """Log probability of every piece."""
        return np.array([self._processor.get_score(piece) for piece in range(self.vocabulary_size)])

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
