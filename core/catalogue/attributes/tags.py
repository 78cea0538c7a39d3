"""The attributes of one product, as read: weakly supervised, so shown as a hint and never as a fact."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from core.errors import N_
from db import attributes

NAMES = {
    "colour": N_("colour"),
    "size": N_("size"),
    "quantity": N_("quantity"),
    "material": N_("material"),
    "gender": N_("for whom"),
    "season": N_("season"),
}


@dataclass(frozen=True)
class Tag:
    """One attribute of a product, read from its 'title' or 'image'; `confidence` 0..1."""

    name: str
    value: str
    source: str
    evidence: str
    confidence: float


def tags_of(session: Session, product_id: int) -> tuple[Tag, ...]:
    """In the order of NAMES, the surest of each first. One query by the primary key."""
    rows = attributes.list_attributes(session, product_id)
    tags = [Tag(row.name, row.value, row.source, row.evidence, row.confidence) for row in rows if row.name in NAMES]
    order = list(NAMES)
    return tuple(sorted(tags, key=lambda tag: order.index(tag.name)))
