"""What people here have said of the products of a block: what came before, and what is newer than an annotation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from core.catalogue.label_studio.leaves import Leaves
from core.catalogue.label_studio.reading import Said
from core.catalogue.rejects import Reason
from core.errors import N_
from db import label_studio as queries
from db.enums import DecisionKind, LabelSource

NEWER = N_("Somebody decided this product here later ({at}): that counts. Decide it here if the annotation is right.")


@dataclass(frozen=True)
class Usable:
    """What a person here said of a product, in a leaf in use."""

    product_id: int
    place: str
    said: Said
    person_id: int
    category_id: int | None
    may_settle: bool


class Verdicts:
    """Of these products, which the caller holds. Categories are compared by what they mean today."""

    def __init__(self, session: Session, product_ids: Sequence[int], leaves: Leaves) -> None:
        self._said = {
            (product, person, kind, meant, at)
            for product, person, kind, category, today, at in queries.list_said(session, product_ids)
            for meant in (leaves.today(category), leaves.today(today))
        }
        self._newest = queries.map_newest_labels(session, product_ids)

    def is_there(
        self, product_id: int, person_id: int, kind: DecisionKind, category_id: int | None, at: datetime
    ) -> bool:
        """Whether this very answer was taken, or given here, before."""
        return (product_id, person_id, kind.value, category_id, at) in self._said

    def newer(self, product_id: int, source: LabelSource, at: datetime) -> Reason | None:
        """Why a label of this source and moment must not count: one of its rank is newer and stands."""
        newest = self._newest.get((product_id, source))
        if newest is None or newest <= at:
            return None
        return Reason(NEWER, {"at": f"{newest:%Y-%m-%d %H:%M} UTC"})
