"""Around the card: how far the campaign is, guidelines, and what to do when there is nothing to decide."""

import streamlit as st

from core.labeling.progress import Progress
from pages.components.numbers import count_text, percent
from pages.components.words import _, escape

ENOUGH_FOR_A_PACE = 10  # decisions


def progress_line(progress: Progress) -> None:
    """The campaign, today, and this person's pace, in one bar."""
    text = _("{done} of {all} done ({percent} %) · you: {today} today").format(
        done=count_text(progress.n_done),
        all=count_text(progress.n_tasks),
        percent=percent(progress.fraction),
        today=count_text(progress.n_mine_today),
    )
    if progress.per_hour and progress.n_mine_today >= ENOUGH_FOR_A_PACE:
        text += " · " + _("{n} an hour").format(n=count_text(round(progress.per_hour)))
    st.progress(min(progress.fraction, 1.0), text=text)


def guidelines(of_campaign: str | None, of_categories: tuple[tuple[str, str], ...]) -> None:
    """One click away where somebody has written some."""
    if not of_campaign and not of_categories:
        return
    with st.popover(_("Guidelines"), icon=":material/menu_book:"):
        if of_campaign:
            st.text(of_campaign)
        for path, text in of_categories:
            st.markdown(f"**{escape(path)}**")
            st.text(text)


def no_campaign() -> None:
    st.subheader(_("Nothing to label yet"), anchor=False)
    st.markdown(
        _(
            "A campaign is a queue of products: for example those that the model is least sure of. "
            "Make one on the Campaigns page, or in a terminal:"
        )
    )
    st.code(".venv/bin/python cli.py campaign create --kind low-confidence", language="bash")
    st.page_link("pages/campaigns.py", label=_("Make a campaign"), icon=":material/arrow_forward:")


def all_done(n_left: int) -> None:
    """Nothing that this person could take; `n_left` wait for others, who hold them or decide them too."""
    if n_left > 0:
        st.subheader(_("Nothing for you right now"), anchor=False)
        st.markdown(_("Other people are at what is left: {n}. It may come back.").format(n=count_text(n_left)))
        st.button(_("Look again"), key="label.look_again", icon=":material/refresh:")
    else:
        st.subheader(_("Done. Nothing is left in this campaign."), anchor=False)
        st.markdown(_("Your last decisions can still be undone."))
    st.page_link("pages/training.py", label=_("Retrain with the new labels"), icon=":material/model_training:")
    st.page_link("pages/campaigns.py", label=_("Make another campaign"), icon=":material/format_list_numbered:")


def still_building(is_stalled: bool) -> None:
    if is_stalled:
        st.subheader(_("This campaign was not fully built"), anchor=False)
        st.markdown(_("Filling it was stopped or failed. On the Campaigns page it can be built again."))
        st.page_link("pages/campaigns.py", label=_("Campaigns"), icon=":material/format_list_numbered:")
        return
    st.subheader(_("This campaign is still being built"), anchor=False)
    st.markdown(_("The first products are here in a moment."))
    st.button(_("Look again"), key="label.look_again", icon=":material/refresh:")


def not_yet(reason: str) -> None:
    """A campaign that is being built, paused or closed."""
    st.subheader(_("Not now"), anchor=False)
    st.info(escape(reason), icon=":material/info:")
