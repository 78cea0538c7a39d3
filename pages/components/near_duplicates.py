"""Near-duplicates beside the card: the label decided goes to those that are ticked, too. D ticks them all."""

import streamlit as st

from core.labeling.copies import Copied, LeftOutBecause
from pages.components.card_view import CardView, Near
from pages.components.messages import say
from pages.components.words import N_, _, escape, ngettext

MAX_TITLE = 90  # characters

REASONS = {
    LeftOutBecause.BUSY: N_("somebody is at it"),
    LeftOutBecause.TAKEN: N_("somebody else has it"),
    LeftOutBecause.DECIDED: N_("a person decided it before"),
    LeftOutBecause.SEVERAL: N_("several people decide it"),
    LeftOutBecause.NOT_QUEUED: N_("it is not in this campaign"),
}


def near_duplicates(card: CardView) -> None:
    """The list, where there are some; what a person has decided is ticked only by hand."""
    if not card.near:
        return
    with st.container(key="label.near", gap="xxsmall"):
        st.button(
            _("Copy to near-duplicates"),
            key=f"label.near_all.{card.token}",
            shortcut="D",
            icon=":material/content_copy:",
            help=_("The label you choose next goes to the ticked ones as well. One undo takes all back."),
            on_click=_tick_all,
            args=(card,),
        )
        for one in card.near:
            st.checkbox(_line(one), key=_key(card, one))


def ticked(card: CardView) -> list[Near]:
    """The near-duplicates that the next label is copied to."""
    return [one for one in card.near if st.session_state.get(_key(card, one))]


def say_copied(made: Copied) -> None:
    """How many got the label, and why others did not."""
    n = len(made.copies)
    text = ngettext("Copied to {n} product.", "Copied to {n} products.", n).format(n=n)
    say(" ".join([text, *left_out_words([one.reason for one in made.left_out])]))


def left_out_words(reasons: list[LeftOutBecause]) -> list[str]:
    """'2 left out: somebody else has it.' for each reason that there is."""
    return [
        _("{n} left out: {reason}.").format(n=reasons.count(reason), reason=_(words))
        for reason, words in REASONS.items()
        if reason in reasons
    ]


def _tick_all(card: CardView) -> None:
    """All that no person has decided; pressed again, none."""
    keys = [_key(card, one) for one in card.near if not one.is_decided]
    is_on = not all(st.session_state.get(key) for key in keys)
    for key in keys:
        st.session_state[key] = is_on


def _line(one: Near) -> str:
    label = one.label.rpartition(" > ")[2] if one.label else _("none yet")
    words = _("decided: {label}") if one.is_decided else "{label}"
    title = one.title[:MAX_TITLE]
    return f"{escape(title)} :gray[{escape(words.format(label=label))}]"


def _key(card: CardView, one: Near) -> str:
    return f"label.near.{one.product_id}.{card.token}"
