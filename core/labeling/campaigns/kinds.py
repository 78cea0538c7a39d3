"""Ready-made kinds of campaigns: for each purpose the products, the order and how it asks."""

from dataclasses import dataclass, field

from core.catalogue.products import ProductFilter
from core.errors import N_, InvalidInput
from core.labeling.campaigns.settings import CampaignSettings
from db.enums import CampaignKind, CampaignOrder, NoiseMethod

LOW_CONFIDENCE = 0.6
"""Below it a calibrated model expects to be wrong more than four times in ten."""

PER_MALL_CATEGORY = 20
"""So many products of each of a mall's categories an audit looks at."""

BASELINE_OVERLAP = 2
"""Where two people differ a reviewer settles it: that is the gold that people are judged by."""

NEEDED = {
    CampaignKind.AMBIGUOUS_PAIR: ("pair",),
    CampaignKind.MALL_AUDIT: ("mall",),
    CampaignKind.NEW_LEAF: ("leaf", "words"),
    CampaignKind.TAXONOMY_CHANGE: ("edit",),
}
"""What a kind has to be told, as `Inputs` names it; the other kinds need nothing."""


@dataclass(frozen=True)
class Inputs:
    """What a ready-made kind is told. `category_ids`: the pair, or the one new leaf."""

    category_ids: tuple[int, ...] = ()
    mall_id: int | None = None
    words: tuple[str, ...] = ()  # searches that may find products of the new leaf
    edit_id: int | None = None
    seed: int = 1  # of what is drawn or shuffled
    confidence_below: float = LOW_CONFIDENCE


@dataclass(frozen=True)
class Recipe:
    """A campaign as its kind makes it; each part can be replaced."""

    filter: ProductFilter
    order: CampaignOrder
    settings: CampaignSettings = field(default_factory=CampaignSettings)


def ready_made(kind: CampaignKind, inputs: Inputs = Inputs()) -> Recipe:
    """What a kind of campaign asks. What a person has decided is asked again by the kinds that measure only.

    LOW_CONFIDENCE: the model is less sure than 0.6, the narrowest margin first. DISAGREEMENT: it contradicts
    the current label, the surest first (this finds wrong labels). RANDOM: everything, shuffled (this measures).
    LABEL_ISSUES: labels that look wrong out of fold, the worst first. HUMAN_BASELINE: the test fold, shuffled,
    blind, by two people: how often people are wrong on products that no model learned from. AMBIGUOUS_PAIR: given or
    predicted as A or B while the model thinks of both, closest calls first. MALL_AUDIT: a mall's products, shuffled,
    20 of each of its categories. NEW_LEAF: what searches find for a new leaf, yes or no. TAXONOMY_CHANGE: what an edit
    of the tree wants looked at again. Raises InvalidInput where an input is missing.
    """
    given = {
        "pair": len(set(inputs.category_ids)) == 2,
        "mall": inputs.mall_id is not None,
        "leaf": len(set(inputs.category_ids)) == 1,
        "words": bool(inputs.words),
        "edit": inputs.edit_id is not None,
    }
    for name in NEEDED.get(kind, ()):
        if not given[name]:
            raise InvalidInput(_MISSING[name])
    match kind:
        case CampaignKind.LOW_CONFIDENCE:
            unsure = ProductFilter(confidence_below=inputs.confidence_below, label_source="unchecked")
            return Recipe(unsure, CampaignOrder.MARGIN)
        case CampaignKind.DISAGREEMENT:
            return Recipe(ProductFilter(disagrees=True, label_source="unchecked"), CampaignOrder.DISAGREEMENT)
        case CampaignKind.RANDOM:
            return Recipe(ProductFilter(seed=inputs.seed), CampaignOrder.RANDOM)
        case CampaignKind.LABEL_ISSUES:
            suspected = ProductFilter(label_issue=NoiseMethod.CONFIDENT_LEARNING.value, label_source="unchecked")
            return Recipe(suspected, CampaignOrder.LABEL_QUALITY)
        case CampaignKind.HUMAN_BASELINE:
            settings = CampaignSettings(overlap=BASELINE_OVERLAP, is_blind=True)
            return Recipe(ProductFilter(held_out=True, seed=inputs.seed), CampaignOrder.RANDOM, settings)
        case CampaignKind.AMBIGUOUS_PAIR:
            between = ProductFilter(pair_ids=inputs.category_ids, label_source="unchecked")
            return Recipe(between, CampaignOrder.MARGIN, CampaignSettings(choices=inputs.category_ids))
        case CampaignKind.MALL_AUDIT:
            settings = CampaignSettings(max_per_category=PER_MALL_CATEGORY)
            return Recipe(ProductFilter(mall_id=inputs.mall_id, seed=inputs.seed), CampaignOrder.RANDOM, settings)
        case CampaignKind.NEW_LEAF:
            found = ProductFilter(any_words=inputs.words, label_source="unchecked", seed=inputs.seed)
            return Recipe(found, CampaignOrder.RANDOM, CampaignSettings(choices=inputs.category_ids))
        case CampaignKind.TAXONOMY_CHANGE:
            return Recipe(ProductFilter(edit_id=inputs.edit_id), CampaignOrder.OLDEST)


_MISSING = {
    "pair": N_("Choose the two categories that are mistaken for each other."),
    "mall": N_("Choose the mall whose products are looked at."),
    "leaf": N_("Choose the new category that is asked about."),
    "words": N_("Give words that products of the new category have in their titles."),
    "edit": N_("Say which edit of the category tree it is about."),
}
