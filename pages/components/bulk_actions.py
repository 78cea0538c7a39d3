"""What a key or a press on the page of similar products does: callbacks of one core call each."""

import uuid

import streamlit as st

from core.catalogue.taxonomy import load_categories
from core.errors import AppError
from core.labeling.bulk import decide_lot, reject_lot
from core.labeling.last_lot import LastLot, find_last_lot, undo_last_lot
from core.types import utc_now
from pages.components.bulk_state import (
    Sheet,
    answers,
    exceptions,
    forget_sheet,
    is_on_screen,
    remember_group,
    show_again,
)
from pages.components.context import actor, runtime
from pages.components.messages import say
from pages.components.near_duplicates import left_out_words
from pages.components.words import _, error_text, ngettext


def accept(sheet: Sheet) -> None:
    """Decide what is ticked, and what something else is said of. The sheet's key makes a double press one lot."""
    if not is_on_screen(sheet):
        return
    said = answers(sheet, load_categories(runtime()))
    if not said:
        say(_("Nothing is ticked."))
        return
    seconds = (utc_now() - sheet.shown_at).total_seconds()
    try:
        made = decide_lot(runtime(), actor(), sheet.asked.campaign_id, said, sheet.key, seconds)
    except AppError as error:
        say(error_text(error))
        return
    n = len(made.decisions)
    text = ngettext("{n} product is decided.", "{n} products are decided.", n).format(n=n)
    say(" ".join([text, *left_out_words([one.reason for one in made.left_out])]))
    remember_group(sheet)
    forget_sheet()


def reject(sheet: Sheet) -> None:
    """None of them is what the model suggests: what something else is said of is decided, the rest come at the end."""
    if not is_on_screen(sheet):
        return
    ids = [product.product_id for product in sheet.products]
    seconds = (utc_now() - sheet.shown_at).total_seconds()
    said = exceptions(sheet, load_categories(runtime()))
    try:
        made = reject_lot(runtime(), actor(), sheet.asked.campaign_id, ids, sheet.key, said, seconds)
    except AppError as error:
        say(error_text(error))
        return
    n = len(made.decisions)
    decided = ngettext("{n} product is decided.", "{n} products are decided.", n).format(n=n)
    later = ngettext(
        "{n} product is put off: it comes to you at the end.",
        "{n} products are put off: they come to you one by one, at the end.",
        made.n_put_off,
    ).format(n=made.n_put_off)
    say(" ".join([*([decided] if said else []), later, *left_out_words([one.reason for one in made.left_out])]))
    remember_group(sheet)
    forget_sheet()


def undo_last(lot: LastLot) -> None:
    """Take the whole lot back."""
    try:
        n_decided, n_put_off = undo_last_lot(runtime(), actor(), lot, f"undo-{uuid.uuid4().hex}")
    except AppError as error:
        say(error_text(error))
        return
    taken = ngettext("{n} decision is taken back.", "{n} decisions are taken back.", n_decided).format(n=n_decided)
    back = ngettext("{n} product is back.", "{n} products are back.", n_put_off).format(n=n_put_off)
    say(" ".join([*([taken] if n_decided or not n_put_off else []), *([back] if n_put_off else [])]))
    show_again(lot.batch_key)
    forget_sheet()


def undo_button(campaign_id: int) -> None:
    """Its help says what would be taken back now; also after a reload."""
    lot = find_last_lot(runtime(), actor(), campaign_id)
    st.button(
        _("Undo"),
        key=f"bulk.undo.{lot.name if lot else None}",
        shortcut="Z",
        icon=":material/undo:",
        disabled=lot is None,
        help=_undo_words(lot),
        on_click=undo_last,
        args=(lot,),
    )


def _undo_words(lot: LastLot | None) -> str:
    if lot is None:
        return _("What you did last here was no lot.")
    n = lot.n_decided
    taken = ngettext("Takes {n} decision back.", "Takes {n} decisions back, all of your last lot.", n).format(n=n)
    n = lot.n_put_off
    back = ngettext("Brings {n} product back that you put off.", "Brings {n} products back that you put off.", n)
    return " ".join([*([taken] if lot.n_decided else []), *([back.format(n=n)] if n else [])])
