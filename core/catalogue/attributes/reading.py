"""Attributes in a text: words of the lexicon, and patterns for sizes and quantities.

Each find is a weak label with a confidence; `core.catalogue.attributes.plausibility` drops what does not fit its
category. Nothing is learned from people's labels here.
"""

from dataclasses import dataclass

from core.catalogue.attributes.lexicon import load_lexicon
from core.catalogue.attributes.measures import AMBIGUOUS, LIKELY, MEASURES, SURE
from models.tokenizer import normalise

MAX_CHARACTERS = 500


@dataclass(frozen=True)
class Attribute:
    """A tag. `value` is canonical ('red', '500 ml'), `evidence` the words it was read from, `confidence` 0..1."""

    name: str
    value: str
    evidence: str
    confidence: float

    @property
    def is_ambiguous(self) -> bool:
        """Believed only where other products of the category surely have the attribute."""
        return self.confidence <= AMBIGUOUS


def read_attributes(text: str) -> list[Attribute]:
    """What a title says, each (name, value) once with its best evidence, in the order of the text."""
    normal = normalise(text, MAX_CHARACTERS)
    found = [*_words(normal), *_measures(normal)]
    best: dict[tuple[str, str], Attribute] = {}
    for attribute in found:
        key = attribute.name, attribute.value
        if key not in best or best[key].confidence < attribute.confidence:
            best[key] = attribute
    return list(best.values())


def _words(text: str) -> list[Attribute]:
    lexicon = load_lexicon()
    found = []
    for match in lexicon.pattern.finditer(text):
        alone = not _is_letter(text, match.start() - 1) and not _is_letter(text, match.end())
        for word in lexicon.words.get(match[0], ()):
            if word.is_ambiguous and not alone:
                continue
            confidence = AMBIGUOUS if word.is_ambiguous else SURE if alone else LIKELY
            if len(match[0]) == 1 and not alone:
                continue  # one syllable is part of too many words
            found.append(Attribute(word.name, word.value, match[0], confidence))
    return found


def _is_letter(text: str, place: int) -> bool:
    return 0 <= place < len(text) and text[place].isalnum()


def _measures(text: str) -> list[Attribute]:
    """Sizes and quantities; what a pattern has taken no later one takes again."""
    taken: list[tuple[int, int]] = []
    found = []
    for measure in MEASURES:
        for match in measure.pattern.finditer(text):
            start, end = match.span()
            if any(start < other_end and other_start < end for other_start, other_end in taken):
                continue
            taken.append((start, end))
            found.append(Attribute(measure.name, measure.value(match), match[0].strip(), measure.confidence))
    return found
