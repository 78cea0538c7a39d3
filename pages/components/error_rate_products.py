"""Below a category of the error rates: what it is taken for, the products behind each number, what to do about it."""

import streamlit as st

from core.analysis.error_rates import ErrorRates
from core.analysis.judged_products import Cell, JudgedProduct, list_judged_products
from core.analysis.verdicts import ErrorRow
from core.errors import AppError
from core.labeling.campaigns.creating import create_campaign
from core.labeling.campaigns.kinds import Inputs
from core.permissions import Action, may
from db.enums import CampaignKind, DecisionKind
from pages.components.context import actor, runtime
from pages.components.error_rate_words import MODEL_MARK, PEOPLE_MARK, path_of, short_path
from pages.components.keyset_pager import KeysetPager
from pages.components.messages import say
from pages.components.words import N_, _, error_text

PAGE_ROWS = 25
SHOWN_PAIRS = 5
CELLS = {
    Cell.PEOPLE: N_("People wrong"),
    Cell.MODEL: N_("Model wrong"),
    Cell.BOTH: N_("Both wrong"),
    Cell.PEOPLE_ONLY: N_("Only people wrong"),
    Cell.MODEL_ONLY: N_("Only the model wrong"),
    Cell.ALL: N_("All of them"),
}
UNDECIDED = {DecisionKind.CANNOT_TELL: N_("cannot tell"), DecisionKind.BAD_LISTING: N_("bad listing")}
PAGER = KeysetPager("error_rates")


def confused_with(found: ErrorRates, row: ErrorRow) -> list[int]:
    """What the row's products are taken for, as a table; the categories, those named most often first."""
    people = {one.category_id: one.n for one in found.confused(row, "people")}
    model = {one.category_id: one.n for one in found.confused(row, "model")}
    ids = sorted(people | model, key=lambda one: -(people.get(one, 0) + model.get(one, 0)))
    if ids:
        st.dataframe(
            [
                {
                    _("Taken for"): path_of(found.categories[one]),
                    f"{PEOPLE_MARK} " + _("Votes"): people.get(one, 0),
                    f"{MODEL_MARK} " + _("Answers"): model.get(one, 0),
                }
                for one in ids
                if one in found.categories
            ],
            hide_index=True,
        )
    return [one for one in ids if one in found.categories]


def products(found: ErrorRates, row: ErrorRow, others: list[int]) -> None:
    """A page of the products behind a number, chosen by who was wrong and what was said instead."""
    left, right = st.columns([3, 1])
    cells = [cell for cell in CELLS if found.version_id is not None or cell in (Cell.PEOPLE, Cell.ALL)]
    cell = left.segmented_control(
        _("Who was wrong"),
        cells,
        default=Cell.PEOPLE,
        format_func=lambda one: _(CELLS[one]),
        key=f"error_rates.cell.{row.category_id}",
        on_change=PAGER.reset,
    )
    other = right.selectbox(
        _("Taken for"),
        [None, *others],
        format_func=lambda one: path_of(found.categories[one]) if one else _("Anything"),
        key=f"error_rates.other.{row.category_id}",
        on_change=PAGER.reset,
    )
    after = PAGER.after() or 0
    page = list_judged_products(
        runtime(), actor(), row.leaf_ids, cell or Cell.ALL, found.version_id, other, after, PAGE_ROWS
    )
    if page.products:
        st.dataframe([_line(found, product) for product in page.products], hide_index=True)
    else:
        st.text(_("No such product."))
    PAGER.buttons(page.next_after_id)


def _line(found: ErrorRates, product: JudgedProduct) -> dict[str, str | int]:
    def name(category_id: int | None) -> str:
        return short_path(found.categories[category_id]) if category_id in found.categories else ""

    votes = []
    for vote in product.votes:
        said = _(UNDECIDED[vote.kind]) if vote.category_id is None else name(vote.category_id)
        mark = "" if vote.is_wrong is None else ("✗ " if vote.is_wrong else "✓ ")
        who, note = (f"{vote.person}: " if vote.person else ""), (f" ({vote.note})" if vote.note else "")
        votes.append(f"{who}{mark}{said}{note}")
    answer = "" if product.answer_id is None else ("✗ " if product.model_is_wrong else "✓ ") + name(product.answer_id)
    return {
        _("Product"): product.product_id,
        _("Title"): product.title,
        _("Gold"): name(product.gold_id),
        f"{PEOPLE_MARK} " + _("Votes"): "  ·  ".join(votes),
        f"{MODEL_MARK} " + _("Model"): answer,
    }


def pairs(found: ErrorRates) -> None:
    """The categories most often taken for each other, each with a button that asks people about them."""
    for pair in found.pairs[:SHOWN_PAIRS]:
        a, b = (found.categories[one] for one in (pair.a_id, pair.b_id))
        words, button = st.columns([4, 1], vertical_alignment="center")
        words.text(f"{short_path(a)}  ⇄  {short_path(b)}")
        votes, answers = _("{n} votes").format(n=pair.n_people), _("{n} answers").format(n=pair.n_model)
        words.caption(f"{PEOPLE_MARK} {votes}   {MODEL_MARK} {answers}")
        if may(actor(), Action.EDIT_CAMPAIGNS):
            with button:
                ask_button(_("Ask"), found, a.id, b.id, f"error_rates.pair.{a.id}.{b.id}")


def ask_button(label: str, found: ErrorRates, a_id: int, b_id: int, key: str) -> None:
    """Makes the campaign 'A or B' of two categories."""
    name = " / ".join(short_path(found.categories[one]) for one in (a_id, b_id))
    about = _("Makes a campaign that asks people: the one category or the other?")
    st.button(label, key=key, icon=":material/call_split:", help=about, on_click=_ask, args=(a_id, b_id, name))


def _ask(a_id: int, b_id: int, name: str) -> None:
    try:
        campaign = create_campaign(
            runtime(), actor(), name[:200], CampaignKind.AMBIGUOUS_PAIR, inputs=Inputs(category_ids=(a_id, b_id))
        )
    except AppError as error:
        say(error_text(error))
        return
    say(_("The campaign '{name}' waits with {n} tasks.").format(name=campaign.name, n=campaign.n_tasks))
