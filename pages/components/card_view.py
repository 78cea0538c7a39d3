"""What the labeling card shows, as plain frozen values in the person's language."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from core.catalogue.attributes.lexicon import shown_value
from core.catalogue.attributes.tags import NAMES as TAG_NAMES
from core.catalogue.attributes.tags import Tag
from core.catalogue.taxonomy import Category
from core.labeling.card import Card, CardIssue, Example, Neighbour
from core.labeling.queue import Task
from pages.components.numbers import percent
from pages.components.words import _, language

MAX_KEYS = 9
MAX_VALUES = 4  # of one attribute
MAX_TITLE = 2_000  # characters that are shown
NEARLY_CERTAIN = 0.99  # a suspicion above is not shown more exactly: nothing is certain


@dataclass(frozen=True)
class Choice:
    """A category one key away. `key` is '1'..'9'; `rank` 1 is the model's best, none for the label it has now."""

    key: str
    category_id: int
    path: str
    rank: int | None
    confidence: float | None  # 0..1
    is_current: bool
    is_on_enter: bool = False


@dataclass(frozen=True)
class Asked:
    """A category that the campaign asks about, with what tells people whether a product belongs there."""

    choice: Choice
    guidelines: str | None
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Near:
    """A near-duplicate on the card; `label` is the path of the one it has now."""

    product_id: int
    title: str
    label: str | None
    is_decided: bool  # by a person


@dataclass(frozen=True)
class CardView:
    """One card, ready to be drawn. `token` changes with each claim: one token, one decision."""

    token: str
    task_id: int
    title: str
    facts: tuple[tuple[str, str], ...]  # (name, value)
    image: str | None  # a reference, not yet checked
    choices: tuple[Choice, ...]
    hard_to_predict: str | None  # what to say when the model is not sure enough
    guidelines: tuple[tuple[str, str], ...]  # (category path, text)
    note: str
    claimed_at: datetime | None
    model_version_id: int | None
    reason: str | None  # why its label looks wrong; none: it does not
    is_blind: bool = False
    asked: tuple[Asked, ...] = ()  # A or B, or the one category that products may belong to
    near: tuple[Near, ...] = ()


def make_view(card: Card, categories: dict[int, Category]) -> CardView:
    """`categories` is the whole tree by id; a suggestion whose category is gone or retired is left out."""
    choices = _choices(card, categories)
    current = categories.get(card.product.category_id) if card.product.category_id is not None else None
    return CardView(
        token=card_token(card.task),
        task_id=card.task.id,
        title=card.product.title[:MAX_TITLE],
        facts=_facts(card, category_path(current) if current else None),
        image=card.product.image,
        choices=choices,
        hard_to_predict=hard_text(card.back_off_category_id, categories) if card.is_hard_to_predict else None,
        guidelines=tuple(
            (choice.path, text) for choice in choices if (text := categories[choice.category_id].guidelines)
        ),
        note=str(card.task.draft.get("note", "")),
        claimed_at=card.task.claimed_at,
        model_version_id=card.model_version_id,
        reason=_reason(card, categories),
        is_blind=card.is_blind,
        asked=_asked(card, categories),
        near=tuple(_near(one, categories) for one in card.neighbours),
    )


def card_token(task: Task) -> str:
    """The idempotency key of a card: the same after a reload, another one after an undo. 32 characters.

    It stands in the page, so it tells no number: a task younger than its neighbours would be known as a check.
    """
    claimed = f"{task.claimed_at:%Y%m%dT%H%M%S%f}" if task.claimed_at else "unclaimed"
    return hashlib.sha256(f"{task.id}-{claimed}".encode()).hexdigest()[:32]


def category_path(category: Category) -> str:
    """The full path in the person's language, as far as the tree has it."""
    return category.path_en if language() == "en" and category.path_en else category.path


def hard_text(back_off_id: int | None, categories: dict[int, Category]) -> str:
    """'hard to predict', and where the model is sure: the deepest category it is sure of, if there is one."""
    within = categories.get(back_off_id) if back_off_id is not None else None
    if within is None:
        return _("hard to predict")
    return _("hard to predict: surely within {category}").format(category=category_path(within))


def _choices(card: Card, categories: dict[int, Category]) -> tuple[Choice, ...]:
    """What the campaign asks about; the suggestions, then the current label where it is none of them."""
    if card.choices:
        return _asked_first(card, categories)
    known = [(id_, conf) for id_, conf in card.suggestions if id_ in categories and _is_usable(categories[id_])]
    choices = [
        Choice(
            str(rank), id_, category_path(categories[id_]), rank, confidence, id_ == card.product.category_id, rank == 1
        )
        for rank, (id_, confidence) in enumerate(known[: MAX_KEYS - 1], start=1)
    ]
    meant = categories.get(card.issue.suggested_category_id or 0) if card.issue else None
    if card.issue and meant and _is_usable(meant) and all(choice.category_id != meant.id for choice in choices):
        choices = choices[: MAX_KEYS - 2]
        choices.append(
            Choice(str(len(choices) + 1), meant.id, category_path(meant), None, card.issue.confidence, False)
        )
    current = categories.get(card.product.category_id) if card.product.category_id is not None else None
    if current and _is_usable(current) and not any(choice.is_current for choice in choices):
        choices.append(Choice(str(len(choices) + 1), current.id, category_path(current), None, None, True))
    return tuple(_meant_first(choices, card.issue) if card.issue and card.is_about_issue else choices)


def _asked_first(card: Card, categories: dict[int, Category]) -> tuple[Choice, ...]:
    """A or B, and nothing else; of one category that products may belong to, that first, with Enter, then the rest."""
    ids = [one.category_id for one in card.choices if one.category_id in categories]
    seen = dict(card.suggestions)
    rank = {id_: place for place, (id_, _confidence) in enumerate(card.suggestions, start=1)}
    if len(ids) == 1:
        others = [id_ for id_, _confidence in card.suggestions if id_ in categories and _is_usable(categories[id_])]
        ids += [id_ for id_ in others if id_ not in ids][: MAX_KEYS - 1]
    is_yes = len(card.choices) == 1
    return tuple(
        Choice(
            str(place),
            id_,
            category_path(categories[id_]),
            rank.get(id_),
            seen.get(id_),
            id_ == card.product.category_id,
            is_on_enter=is_yes and place == 1,
        )
        for place, id_ in enumerate(ids, start=1)
    )


def _asked(card: Card, categories: dict[int, Category]) -> tuple[Asked, ...]:
    by_id = {choice.category_id: choice for choice in _choices(card, categories)} if card.choices else {}
    return tuple(
        Asked(by_id[one.category_id], categories[one.category_id].guidelines, one.examples)
        for one in card.choices
        if one.category_id in by_id
    )


def _near(one: Neighbour, categories: dict[int, Category]) -> Near:
    label = categories.get(one.category_id) if one.category_id is not None else None
    return Near(one.product_id, one.title, category_path(label) if label else None, one.is_decided)


def _meant_first(choices: list[Choice], issue: CardIssue) -> list[Choice]:
    """What the label should perhaps be comes first and has Enter: 'yes, it is that'. The label that the question is
    about never has it: a model that learned the wrong label suggests it."""
    ordered = sorted(choices, key=lambda choice: choice.category_id != issue.suggested_category_id)
    return [
        replace(choice, key=str(place), is_on_enter=choice.category_id == issue.suggested_category_id)
        for place, choice in enumerate(ordered, start=1)
    ]


def suspicion_text(suspicion: float) -> str:
    """0..1 as '89.7'; what is nearly certain as '> 99', never '100.0'."""
    return f"> {100 * NEARLY_CERTAIN:.0f}" if suspicion > NEARLY_CERTAIN else percent(suspicion)


def _reason(card: Card, categories: dict[int, Category]) -> str | None:
    """Why the label looks wrong, in a sentence."""
    issue = card.issue
    given = categories.get(issue.given_category_id) if issue else None
    if issue is None or given is None:
        return None
    suspicion = suspicion_text(1.0 - issue.label_quality_score)
    meant = categories.get(issue.suggested_category_id or 0)
    if meant is None:
        text = _("The label '{given}' looks wrong (suspicion {n} %).")
        return text.format(given=category_path(given), n=suspicion)
    text = _("The label '{given}' looks wrong (suspicion {n} %). Perhaps meant: '{suggested}'.")
    return text.format(given=category_path(given), n=suspicion, suggested=category_path(meant))


def _is_usable(category: Category) -> bool:
    return category.is_leaf and category.retired_at is None


def _facts(card: Card, label: str | None) -> tuple[tuple[str, str], ...]:
    """Always the same rows in the same places: the eye finds them without looking. A blind card has no label row."""
    product = card.product
    facts = (
        (_("Mall"), product.mall or "–"),
        (_("Mall category"), product.mall_category or "–"),
        (_("Brand"), product.brand or "–"),
        (_("Price"), price_text(product.price)),
        (_("Registered"), date_text(product.registered_at)),
        (_("Read from it"), tags_text(card.tags) or "–"),
    )
    return facts if card.is_blind else (*facts[:-1], (_("Label now"), label or _("none yet")), facts[-1])


def tags_text(tags: tuple[Tag, ...]) -> str:
    """'colour: red, navy · size: 500 ml', in the person's language; what was read from the image says so."""
    by_name: dict[str, list[str]] = {}
    for tag in tags:
        value = shown_value(tag.name, tag.value, language())
        by_name.setdefault(tag.name, []).append(
            _("{value} (image)").format(value=value) if tag.source == "image" else value
        )
    return " · ".join(f"{_(TAG_NAMES[name])}: {', '.join(values[:MAX_VALUES])}" for name, values in by_name.items())


def price_text(price: Decimal | None) -> str:
    """'12,900' or '3.49': no currency, for the file names none."""
    if price is None:
        return "–"
    return f"{price:,.0f}" if price == price.to_integral_value() else f"{price:,.2f}"


def date_text(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d}" if at else "–"
