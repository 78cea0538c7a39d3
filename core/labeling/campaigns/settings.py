"""What a campaign is told beside filter and order: who sees what, how many decide, when it ends by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from core.catalogue.products import LABEL_SOURCES, LARGEST_ID, MAX_CATEGORIES
from core.errors import N_, InvalidInput
from core.labeling.targets import checked_targets
from db.enums import CampaignKind

MAX_OVERLAP = 10
MAX_STRATA = 10
MAX_GOLD_RATE = 0.5
MAX_GUIDELINES = 20_000  # characters


@dataclass(frozen=True)
class Stratum:
    """Products that another number of people decides. What is none does not restrict; all that is set must hold."""

    overlap: int
    share: float | None = None  # such a share of the campaign's products, drawn at random, 0..1
    category_ids: tuple[int, ...] = ()  # labeled with these or something below them
    mall_id: int | None = None
    label_source: str | None = None  # as in a filter: import, human, gold, none, unchecked

    def to_dict(self) -> dict[str, Any]:
        """Only what is set, as JSON can hold it."""
        values = {part.name: getattr(self, part.name) for part in fields(self)}
        return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items() if v not in (None, ())}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Stratum":
        """Raises InvalidInput for what it does not know, or that cannot be."""
        try:
            values = {**stored, "category_ids": tuple(int(id_) for id_ in stored.get("category_ids", ()))}
            made = cls(**values)
            made._check()
        except (TypeError, ValueError, AttributeError):
            raise InvalidInput(N_("A stratum cannot be '{value}'."), value=str(stored)) from None
        return made

    def _check(self) -> None:
        """Raises ValueError or TypeError."""
        _checked_overlap(self.overlap)
        sources_fit = self.label_source is None or self.label_source in LABEL_SOURCES
        share_fits = self.share is None or 0 < self.share <= 1
        ids = (*self.category_ids, *([self.mall_id] if self.mall_id is not None else []))
        ids_fit = len(ids) <= MAX_CATEGORIES and all(isinstance(id_, int) and 0 < id_ <= LARGEST_ID for id_ in ids)
        if not (sources_fit and share_fits and ids_fit):
            raise ValueError


@dataclass(frozen=True)
class CampaignSettings:
    """How a campaign asks. The defaults ask everything of one person, open-eyed, without an end of its own."""

    overlap: int = 1  # how many people decide each product that no stratum takes
    strata: tuple[Stratum, ...] = ()  # the first that takes a product says how many decide it
    is_blind: bool = False  # no suggestion, no label of now, no suspicion is shown
    choices: tuple[int, ...] = ()  # leaves asked about: A or B, or the one new leaf
    max_per_category: int | None = None  # products of a category, given or else predicted; audits: of a mall category
    gold_rate: float = 0.0  # share of cards that are hidden gold checks
    target_decisions: int | None = None  # it closes after so many
    target_error: float | None = None  # it closes when the measured error is surely below, 0..1
    member_ids: tuple[int, ...] = ()  # nobody named: everybody works in it

    @property
    def largest_overlap(self) -> int:
        return max(self.overlap, *(stratum.overlap for stratum in self.strata)) if self.strata else self.overlap


def checked_settings(settings: CampaignSettings, kind: CampaignKind) -> CampaignSettings:
    """The settings themselves. Raises InvalidInput for what cannot be."""
    _checked_overlap(settings.overlap)
    if len(settings.strata) > MAX_STRATA:
        raise InvalidInput(N_("A campaign has {n} strata at most."), n=MAX_STRATA)
    for stratum in settings.strata:
        Stratum.from_dict(stratum.to_dict())
    if settings.max_per_category is not None and settings.max_per_category < 1:
        raise InvalidInput(N_("At least one product of each category is asked."))
    if not 0 <= settings.gold_rate <= MAX_GOLD_RATE:
        raise InvalidInput(N_("Hidden checks are 0 to {n} % of the cards."), n=round(100 * MAX_GOLD_RATE))
    if kind == CampaignKind.HUMAN_BASELINE and (settings.gold_rate or not settings.is_blind):
        raise InvalidInput(N_("A human baseline is blind and without hidden checks: it measures people as they are."))
    n_choices = {CampaignKind.AMBIGUOUS_PAIR: 2, CampaignKind.NEW_LEAF: 1}.get(kind)
    if n_choices is not None and len(set(settings.choices)) != n_choices:
        raise InvalidInput(N_("This kind of campaign asks about {n} categories."), n=n_choices)
    checked_targets(settings.target_decisions, settings.target_error)
    return settings


def _checked_overlap(overlap: int) -> None:
    if not isinstance(overlap, int) or not 1 <= overlap <= MAX_OVERLAP:
        raise InvalidInput(N_("Each product is decided by 1 to {n} people."), n=MAX_OVERLAP)


def checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 200 or not name.isprintable():
        raise InvalidInput(N_("A campaign's name has 1 to 200 printable characters."))
    return name


def checked_guidelines(text: str | None) -> str | None:
    text = (text or "").replace("\0", "").strip()
    if len(text) > MAX_GUIDELINES:
        raise InvalidInput(N_("The guidelines are too long."))
    return text or None
