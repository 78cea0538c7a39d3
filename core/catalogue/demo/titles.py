"""Titles as Korean sellers write them: which words, in which order, with which slips."""

import random
from dataclasses import dataclass, replace
from datetime import datetime

from core.catalogue.demo.seasons import fashion_season
from core.catalogue.demo.tree import Leaf
from core.catalogue.demo.words import FASHION_LINES, MODEL_LINES, SEASONAL_LINES, Brand, Colour, load_words

MAX_TITLE = 100  # characters; most malls cut there


@dataclass(frozen=True)
class Wording:
    """What a seller says about one thing; `write_title` puts it into a line."""

    leaf: Leaf
    noun: str
    words: tuple[str, ...]
    audience: str
    brand: Brand | None
    model: str
    stuffing: tuple[str, ...]  # further names, for the search engine
    misleading: str = ""


def choose_brand(rng: random.Random, leaf: Leaf) -> Brand | None:
    """The thing's brand; none for a quarter."""
    if rng.random() < 0.25:
        return None
    shared = load_words()
    return rng.choice(shared.common_brands if rng.random() < 0.15 else shared.brands[leaf.line])


def choose_wording(rng: random.Random, leaf: Leaf, siblings: tuple[Leaf, ...], month: int) -> Wording:
    """Words for a product of `leaf`; some titles are vague, some name a sibling's thing as well."""
    nouns = _in_season(leaf, leaf.nouns, month) or leaf.nouns
    noun = _usual_first(rng, nouns)
    own = _some(rng, _in_season(leaf, leaf.words, month), (3, 6, 5, 2))
    shared = _some(rng, _in_season(leaf, leaf.shared, month), (4, 6, 4, 1))
    if leaf.generic and own and rng.random() < 0.07:
        noun = rng.choice(leaf.generic)
    stuffing = []
    if rng.random() < 0.16:
        stuffing = [word for word in _some(rng, nouns, (0, 0, 1)) if word != noun]
    if siblings and rng.random() < 0.07:
        stuffing.append(_usual_first(rng, rng.choice(siblings).nouns))
    audience = rng.choice(leaf.audience) if leaf.audience and rng.random() < 0.62 else ""
    words = [word for word in own + shared if word not in noun and word not in audience]
    rng.shuffle(words)
    return Wording(
        leaf, noun, tuple(words), audience, choose_brand(rng, leaf), _model_code(rng, leaf.line), tuple(stuffing)
    )


def _in_season(leaf: Leaf, words: tuple[str, ...], month: int) -> tuple[str, ...]:
    """Those of `words` that a seller would use in this month: no wool in July."""
    if leaf.line not in SEASONAL_LINES or month in (3, 9):
        return words
    unfit = load_words().warm if 4 <= month <= 8 else load_words().cool
    return tuple(word for word in words if not any(part in word for part in unfit))


def _some(rng: random.Random, words: tuple[str, ...], weights: tuple[int, ...]) -> list[str]:
    """0, 1, 2 ... of `words`, as many as these weights say."""
    return rng.sample(words, min(len(words), rng.choices(range(len(weights)), weights)[0]))


def bare_wording(rng: random.Random, wording: Wording, names: tuple[str, ...]) -> Wording:
    """The same thing told so that only its family is known: one of `names`, no audience, a brand of everybody's."""
    brands = (None, *load_words().common_brands)
    words = tuple(rng.sample(load_words().neutral, rng.choice((1, 2, 3))))
    return replace(
        wording,
        leaf=replace(wording.leaf, spec=()),  # a child's size would tell
        noun=rng.choice(names),
        words=words,
        audience="",
        brand=rng.choice(brands),
        model="",
        stuffing=(),
    )


@dataclass(frozen=True)
class Title:
    """A title, and what its maker said of the thing with it: what reading attributes is measured against."""

    text: str
    season: str = ""  # 24FW
    spec: str = ""  # a size or an amount
    colour: Colour | None = None


def write_title(rng: random.Random, wording: Wording, colour: Colour | None, moment: datetime) -> Title:
    """One title: the order, the boilerplate and the slips are drawn anew at each call."""
    tokens = _ordered(rng, wording)
    line, season, told_colour = wording.leaf.line, "", None
    if line in FASHION_LINES and rng.random() < 0.14:
        season = fashion_season(moment)
        tokens.insert(0, f"[{season}]" if rng.random() < 0.4 else season)
    if spec := _spec(rng, wording.leaf):
        tokens.append(spec)
    if colour and rng.random() < 0.45:
        told_colour = colour
        tokens.append(colour.korean if rng.random() < 0.75 else colour.english)
    elif line in FASHION_LINES and rng.random() < 0.12:
        tokens.append(f"{rng.randrange(2, 9)}{rng.choice(('color', '컬러', '종', 'COLOR', '색상'))}")
    if wording.misleading:
        tokens.insert(rng.randrange(len(tokens) + 1), wording.misleading)
    shared = load_words()
    if rng.random() < 0.16:
        tokens.insert(0, rng.choice(shared.before))
    if rng.random() < 0.26:
        tokens += rng.sample(shared.after, rng.choice((1, 1, 2)))
    return Title(_slip(rng, tokens)[:MAX_TITLE].strip(), season, spec, told_colour)


def _ordered(rng: random.Random, wording: Wording) -> list[str]:
    """Brand, audience, words, noun ... in one of the orders that sellers use."""
    brand = _brand_text(rng, wording.brand)
    audience = [wording.audience] if wording.audience else []
    words, noun, stuffing = list(wording.words), [wording.noun], list(wording.stuffing)
    model = [wording.model] if wording.model else []
    order = rng.random()
    if order < 0.5:
        return [*brand, *audience, *words, *noun, *stuffing, *model]
    if order < 0.7:
        return [*brand, *model, *words[:1], *audience, *words[1:], *noun, *stuffing]
    if order < 0.85:
        return [*words[:1], *audience, *noun, *brand, *words[1:], *stuffing, *model]
    return [*audience, *noun, *words, *stuffing, *brand, *model]


def _brand_text(rng: random.Random, brand: Brand | None) -> list[str]:
    if brand is None or rng.random() < 0.3:
        return []
    name = brand.english if brand.english and rng.random() < 0.35 else brand.korean
    style = rng.random()
    if style < 0.12:
        return [f"[{name}]"]
    if style < 0.18 and brand.english:
        return [f"{brand.korean}({brand.english})"]
    return [name]


def _spec(rng: random.Random, leaf: Leaf) -> str:
    if not leaf.spec or rng.random() < 0.45:
        return ""
    if leaf.spec[0].startswith("@"):
        return rng.choice(load_words().specs[leaf.spec[0]])
    return rng.choice(leaf.spec)


def _model_code(rng: random.Random, line: str) -> str:
    if rng.random() >= MODEL_LINES.get(line, 0.0):
        return ""
    letters = "".join(rng.choice("ABCDEFGHJKLMNPRSTVWX") for _ in range(rng.choice((1, 2, 2, 3))))
    digits = str(rng.randrange(10, 10 ** rng.choice((2, 3, 4))))
    return letters + rng.choice(("", "-", "")) + digits + rng.choice(("", "", "", "K", "W", "N"))


def _usual_first(rng: random.Random, words: tuple[str, ...]) -> str:
    """One of `words`; the first is the most usual."""
    return rng.choices(words, [1 / (rank + 1.5) for rank in range(len(words))])[0]


def _slip(rng: random.Random, tokens: list[str]) -> str:
    """Join the tokens, with the spaces that sellers forget or put too many of."""
    parts = [tokens[0]]
    slash = rng.random() < 0.06
    for token in tokens[1:]:
        joined = rng.random() < 0.06 and _is_hangul(parts[-1][-1]) and _is_hangul(token[0])
        parts.append(("" if joined else "/" if slash and rng.random() < 0.5 else " ") + token)
    text = "".join(parts)
    if rng.random() < 0.06:
        places = [i for i in range(2, len(text) - 2) if all(map(_is_hangul, text[i - 2 : i + 2]))]
        if places:
            place = rng.choice(places)
            text = text[:place] + " " + text[place:]
    return text


def _is_hangul(char: str) -> bool:
    return "가" <= char <= "힣"


def colour_of(rng: random.Random, leaf: Leaf) -> Colour | None:
    """What colour it is; none for things that come in none."""
    return rng.choice(load_words().colours) if leaf.is_coloured else None
