"""What the page of similar products keeps between two drawings: which products are on it, and what is said of each."""

import uuid
from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from core.catalogue.taxonomy import Category
from core.labeling.bulk import BulkProduct, LotAnswer
from core.types import utc_now
from db.enums import DecisionKind

_SHEET = "bulk.sheet"
GROUP = "bulk.group"  # the category whose products are shown
_LAST = "bulk.last"  # (key, category) of the sheet accepted last
AS_ALL, CANNOT_TELL, BAD_LISTING, ANOTHER = "as_all", "cannot_tell", "bad_listing", "another"


@dataclass(frozen=True)
class Asked:
    """What a page shows: a campaign's products suggested for `category_id`, or those like `like_id`."""

    campaign_id: int
    category_id: int
    like_id: int | None = None


@dataclass(frozen=True)
class Sheet:
    """A page as it was when it was first drawn: what others take meanwhile does not move it. `key` is the lot's."""

    key: str
    asked: Asked
    products: tuple[BulkProduct, ...]
    shown_at: datetime

    @property
    def for_all_key(self) -> str:
        return f"bulk.for_all.{self.key}"

    def tick_key(self, product: BulkProduct) -> str:
        return f"bulk.tick.{product.product_id}.{self.key}"

    def instead_key(self, product: BulkProduct) -> str:
        return f"bulk.instead.{product.product_id}.{self.key}"

    def another_key(self, product: BulkProduct) -> str:
        return f"bulk.another.{product.product_id}.{self.key}"


def find_sheet(asked: Asked) -> Sheet | None:
    """The page that is on the screen, if it is the one asked for."""
    sheet: Sheet | None = st.session_state.get(_SHEET)
    return sheet if sheet and sheet.asked == asked else None


def new_sheet(asked: Asked, products: list[BulkProduct]) -> Sheet:
    sheet = Sheet(uuid.uuid4().hex, asked, tuple(products), utc_now())
    st.session_state[_SHEET] = sheet
    return sheet


def forget_sheet() -> None:
    """The next drawing asks for products again."""
    st.session_state.pop(_SHEET, None)


def remember_group(sheet: Sheet) -> None:
    st.session_state[_LAST] = (sheet.key, sheet.asked.category_id)


def show_again(lot: str | None) -> None:
    """After a lot is taken back: the group it came from, when it is the last one. What was only put off has no key."""
    key, category_id = st.session_state.pop(_LAST, (None, None))
    if key is not None and lot in (key, None):
        st.session_state[GROUP] = category_id


def is_on_screen(sheet: Sheet) -> bool:
    """False for a press that was meant for the page before."""
    shown: Sheet | None = st.session_state.get(_SHEET)
    return shown is not None and shown.key == sheet.key


def category_for_all(sheet: Sheet) -> int:
    """What is ticked becomes this: what the model suggests, unless another one was chosen for the page."""
    return int(st.session_state.get(sheet.for_all_key, sheet.asked.category_id))


def answers(sheet: Sheet, categories: dict[int, Category]) -> list[LotAnswer]:
    """What is said of each product that is ticked, or of which something else is said."""
    found = (_answer(sheet, product, categories) for product in sheet.products)
    return [one for one in found if one is not None]


def exceptions(sheet: Sheet, categories: dict[int, Category]) -> list[LotAnswer]:
    """What is said of the products of which something else than the page's category is said, ticked or not."""
    found = (_instead(sheet, product, categories) for product in sheet.products)
    return [one for one in found if one is not None]


def _answer(sheet: Sheet, product: BulkProduct, categories: dict[int, Category]) -> LotAnswer | None:
    if st.session_state.get(sheet.instead_key(product)) == ANOTHER or _instead(sheet, product, categories):
        return _instead(sheet, product, categories)
    if not st.session_state.get(sheet.tick_key(product), True):
        return None
    return LotAnswer(product.product_id, DecisionKind.LABEL, category_for_all(sheet))


def _instead(sheet: Sheet, product: BulkProduct, categories: dict[int, Category]) -> LotAnswer | None:
    said = str(st.session_state.get(sheet.instead_key(product)) or AS_ALL)
    if said in (CANNOT_TELL, BAD_LISTING):
        return LotAnswer(product.product_id, DecisionKind(said))
    if said == ANOTHER:
        picked = st.session_state.get(sheet.another_key(product))
        return LotAnswer(product.product_id, DecisionKind.LABEL, picked) if picked else None
    is_known = said != AS_ALL and int(said) in categories
    return LotAnswer(product.product_id, DecisionKind.LABEL, int(said)) if is_known else None
