"""Overview: what is in the catalogue, who labeled what, what waits, which model answers."""

import streamlit as st

from core.overview import Overview, get_overview
from core.permissions import Action, may
from core.types import Actor
from db.enums import Role
from pages.components.campaign_names import campaign_name
from pages.components.context import actor, revision, runtime
from pages.components.job_list import job_list
from pages.components.navigation import may_open
from pages.components.numbers import count_text, rate_text, time_text
from pages.components.words import _, escape


@st.cache_data(ttl=10, max_entries=40)
def _overview(person_id: int, role: str, revisions: tuple[int, ...]) -> Overview:
    """Kept for ten seconds: labels change with every decision and raise no revision."""
    return get_overview(runtime(), Actor(person_id, "", Role(role)))


def link(label: str, page: str, **query: str) -> None:
    """To another page, for whom it is open."""
    if not may_open(page):
        return
    st.page_link(f"pages/{page}.py", label=label, icon=":material/arrow_forward:", query_params=query or None)


def render_catalogue(view: Overview) -> None:
    boxes = st.columns(4)
    for box, name, number, source in (
        (boxes[0], _("Products"), view.n_products, None),
        (boxes[1], _("Labeled by people"), view.n_human, "human"),
        (boxes[2], _("Labeled by import"), view.n_imported, "import"),
        (boxes[3], _("Without a label"), view.n_unlabeled, "none"),
    ):
        with box.container(border=True):
            st.metric(name, count_text(number))
            link(_("Show them"), "products", **({"label_source": source} if source else {}))
    with st.container(horizontal=True, vertical_alignment="center"):
        link(_("{n} leaf categories").format(n=count_text(view.n_leaves)), "taxonomy")
        st.caption(_("from {n} malls").format(n=count_text(view.n_malls)))


def render_start() -> None:
    """An empty catalogue: what to do, in order, each step with its page."""
    st.info(_("The catalogue is empty. Import your products, or run `make run` once for the demo catalogue."))
    for n, (label, page, words) in enumerate(
        (
            (_("Taxonomy"), "taxonomy", _("Upload your category tree; without one it grows from your products.")),
            (_("Import"), "import_data", _("Bring your products, with their categories where they have one.")),
            (_("Training"), "training", _("A first model learns from those categories.")),
            (_("Label"), "label", _("Correct what the model is least sure of.")),
        ),
        start=1,
    ):
        with st.container(horizontal=True, vertical_alignment="center"):
            link(f"{n}. {label}", page)
            st.caption(words)


def render_demo(planted: tuple[int, int]) -> None:
    found, total = planted
    st.info(
        _("This is demo data, made by code. Found {found} of {total} planted wrong labels so far.").format(
            found=count_text(found), total=count_text(total)
        ),
        icon=":material/science:",
    )


def render_waiting(view: Overview) -> None:
    st.markdown("##### " + _("Waiting to be labeled"))
    if not view.waiting:
        st.text(_("No campaign is open."))
        link(_("Make one"), "campaigns")
    for campaign in view.waiting:
        share = campaign.n_decided / campaign.n_tasks if campaign.n_tasks else 1.0
        left = _("{left} of {all} left").format(left=count_text(campaign.n_left), all=count_text(campaign.n_tasks))
        st.progress(min(share, 1.0), text=f"{escape(campaign_name(campaign.name))} · {left}")
        link(_("Label these"), "label", campaign=str(campaign.campaign_id))


def render_people(view: Overview) -> None:
    st.markdown("##### " + _("Who labeled"))
    if not view.people:
        others = may(actor(), Action.SEE_PEOPLE)
        st.text(_("Nobody yet.") if others else _("You have not decided anything yet."))
        return
    st.dataframe(
        [
            {_("Person"): person.name, _("Decisions"): person.n_decisions, _("Today"): person.n_today}
            for person in view.people
        ],
        hide_index=True,
    )


def render_model(view: Overview) -> None:
    st.markdown("##### " + _("Model in use"))
    version = view.model
    if version is None:
        st.text(_("No model yet."))
        link(_("Train one"), "training")
        return
    st.text(_("{version}, trained {date}").format(version=version.name, date=time_text(version.created_at)))
    if version.test:
        st.text(_("First answer right: {rate}").format(rate=rate_text(version.test.p_at_1)))
    if version.abstention:
        st.text(_("Answered surely: {rate}").format(rate=rate_text(version.abstention.coverage)))
        link(_("Hard to predict"), "products", hard_to_predict="1")
    st.caption(_("On held-out products it never saw; their labels may be wrong too."))
    link(_("Training"), "training")
    link(_("Compare versions"), "compare")


who = actor()
view = _overview(who.person_id, who.role.value, revision("products", "taxonomy", "models", "campaigns"))
if view.planted:
    render_demo(view.planted)
if view.n_products == 0:
    render_start()
else:
    render_catalogue(view)
    left, middle, right = st.columns(3, gap="large")
    with left:
        render_waiting(view)
    with middle:
        render_people(view)
    with right:
        render_model(view)
st.markdown("##### " + _("Last jobs"))
job_list(view.jobs)
