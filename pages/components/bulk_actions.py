"""What a key or a press on the page of similar products does: callbacks of one core call each."""

import uuid

from core.catalogue.taxonomy import load_categories
from core.errors import AppError
from core.labeling.bulk import decide_lot, put_off_lot
from core.labeling.decisions import list_my_decisions
from core.labeling.undoing import undo_lot
from core.types import utc_now
from pages.components.bulk_state import Sheet, answers, forget_sheet, is_on_screen, remember_accepted, show_again
from pages.components.context import actor, runtime
from pages.components.messages import say
from pages.components.near_duplicates import left_out_words
from pages.components.words import _, error_text, ngettext

N_LOOKED_AT = 130  # last decisions in which the newest lot that stands is looked for: two lots, and some


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
    remember_accepted(sheet)
    forget_sheet()


def reject(sheet: Sheet) -> None:
    """None of them: they come one by one, at the end."""
    if not is_on_screen(sheet):
        return
    try:
        ids = [product.product_id for product in sheet.products]
        n = put_off_lot(runtime(), actor(), sheet.asked.campaign_id, ids)
    except AppError as error:
        say(error_text(error))
        return
    say(_("Nothing is decided: {n} products come to you one by one, at the end.").format(n=n))
    forget_sheet()


def undo_last(key: str) -> None:
    """Take the whole lot back."""
    try:
        n = undo_lot(runtime(), actor(), key, f"undo-{uuid.uuid4().hex}")
    except AppError as error:
        say(error_text(error))
        return
    say(ngettext("{n} decision is taken back.", "{n} decisions are taken back.", n).format(n=n))
    show_again(key)
    forget_sheet()


def last_lot(campaign_id: int) -> str | None:
    """The key of this person's newest lot in the campaign that stands; also after a reload."""
    mine = list_my_decisions(runtime(), actor(), campaign_id, N_LOOKED_AT)
    standing = (line.decision for line in mine if not line.is_undone)
    newest = next(standing, None)
    return newest.batch_key if newest else None
