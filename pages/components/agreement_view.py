"""How far the people of a campaign agree: the measured numbers with n and intervals, their age, a new measurement."""

import streamlit as st

from core.catalogue.taxonomy import load_categories
from core.jobs.queue import find_job
from core.labeling.agreement import AgreementReport, find_agreement
from core.labeling.crowd.agreement import CategoryAgreement, Estimate
from pages.components.card_view import category_path
from pages.components.context import actor, runtime
from pages.components.job_progress import job_progress
from pages.components.numbers import count_text, rate_text, time_text
from pages.components.review_actions import JOB, measure
from pages.components.words import _, escape

MOST_ROWS = 500
MATRIX = 12  # people; more are read in the list of pairs


def agreement_view(campaign_id: int) -> None:
    """All of the tab."""
    found = find_agreement(runtime(), actor(), campaign_id)
    _age(campaign_id, found)
    if found is None:
        st.info(_("The agreement of this campaign has not been measured yet."))
        return
    if not found.n_products:
        st.info(_("No product of this campaign has two votes for a category yet."))
        return
    _whole(found)
    st.markdown("#### " + _("Categories"))
    _categories(found)
    if found.people:
        st.markdown("#### " + _("People"))
        _people(found)
        _matrix(found)
        _pairs(found)


def _age(campaign_id: int, found: AgreementReport | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if found is not None:
            text = _("Measured {at}; {n} decisions are newer.")
            st.caption(text.format(at=time_text(found.measured_at), n=count_text(found.n_newer)))
        st.button(
            _("Measure again") if found else _("Measure"),
            key="review.measure",
            type="secondary" if found else "primary",
            icon=":material/refresh:",
            on_click=measure,
            args=(campaign_id,),
        )
    job_id = st.session_state.get(JOB)
    job = find_job(runtime(), job_id) if job_id else None
    if job is not None and job.payload.get("campaign_id") == campaign_id:
        if job.is_finished and job.status == "succeeded":
            st.session_state.pop(JOB)
        else:
            job_progress(job.id)


def estimate_text(found: Estimate, digits: int = 2) -> str:
    """'0.81 (0.78 to 0.84, n = 1,200)'; under 30 products 'too few (n = 12)'."""
    if found.is_too_few:
        return _("too few (n = {n})").format(n=count_text(found.n))
    if found.value is None or found.low is None or found.high is None:
        return _("not defined: all say one category")
    return _("{value} ({low} to {high}, n = {n})").format(
        value=f"{found.value:.{digits}f}",
        low=f"{found.low:.{digits}f}",
        high=f"{found.high:.{digits}f}",
        n=count_text(found.n),
    )


def _whole(found: AgreementReport) -> None:
    lines = [
        (_("Two people say the same category"), rate_text(found.whole.same)),
        (_("Krippendorff's alpha"), estimate_text(found.whole.alpha)),
        (_("Closeness in the tree"), estimate_text(found.whole.closeness)),
        (_("Alpha by tree distance"), estimate_text(found.whole.tree_alpha)),
    ]
    st.markdown("\n".join(["| | |", "|:--|:--|", *(f"| {escape(a)} | **{escape(b)}** |" for a, b in lines)]))
    st.caption(
        _(
            "Alpha: 1 is perfect agreement, 0 is what chance would give. Closeness: 1 minus the tree distance of two "
            "votes, so that a sibling is a smaller miss than another department. {products} products, {votes} votes "
            "of {people} people; {untold} votes 'cannot tell' or 'bad listing' name no category and are left out (on "
            "{on} products); people disagree on {disputed} products. n counts products; intervals are 95 %."
        ).format(
            products=count_text(found.n_products),
            votes=count_text(found.n_votes),
            people=count_text(found.n_people),
            untold=count_text(found.n_untold),
            on=count_text(found.n_untold_products),
            disputed=count_text(found.n_disputed),
        )
    )


def _categories(found: AgreementReport) -> None:
    """Departments or leaves, the least agreed on first."""
    levels = {"departments": _("Departments"), "leaves": _("Categories")}
    level = st.segmented_control(
        _("Level"),
        list(levels),
        format_func=levels.__getitem__,
        default="leaves" if found.categories else "departments",
        key="review.level",
        required=True,
        label_visibility="collapsed",
    )
    rows = found.departments if level == "departments" else found.categories
    if rows:
        st.dataframe([_category_line(one) for one in rows[:MOST_ROWS]], hide_index=True)
    st.caption(
        _(
            "Same: where one person says this category, how often another says it too; n counts the products on which "
            "somebody said it. {n} further categories were said of fewer than 30 products: too few to say anything."
        ).format(n=count_text(found.n_too_few))
    )


def _category_line(one: CategoryAgreement) -> dict[str, str]:
    category = load_categories(runtime()).get(one.category_id)
    return {
        _("Category"): category_path(category) if category else "?",
        _("Same"): rate_text(one.same),
        _("Alpha"): estimate_text(one.alpha),
        _("Closeness"): estimate_text(one.closeness),
    }


def _people(found: AgreementReport) -> None:
    st.dataframe(
        [
            {
                _("Person"): person.name,
                _("Same as the others"): rate_text(person.same),
                _("Accuracy (Dawid-Skene)"): rate_text(person.accuracy),
            }
            for person in sorted(found.people, key=lambda person: person.accuracy.value or 0)
        ],
        hide_index=True,
    )
    st.caption(
        _(
            "Worked out from the votes without gold: where people fall for the same look-alike together, all of them "
            "look better than they are. Gold is the judge: 'Annotators on gold'."
        )
    )


def _matrix(found: AgreementReport) -> None:
    """Who agrees with whom, in percent."""
    ids = sorted({id_ for pair in found.pairs for id_ in pair.person_ids}, key=lambda id_: found.names.get(id_, ""))
    if not 2 <= len(ids) <= MATRIX:
        return
    same = {frozenset(pair.person_ids): pair.same for pair in found.pairs}
    rows = []
    for one in ids:
        row = {_("Same, in %"): found.names.get(one, "?")}
        for other in ids:
            rate = same.get(frozenset((one, other)))
            share = None if one == other or rate is None or rate.is_too_few or rate.value is None else rate.value
            row[found.names.get(other, "?")] = "" if share is None else f"{100 * share:.0f}"
        rows.append(row)
    st.dataframe(rows, hide_index=True)


def _pairs(found: AgreementReport) -> None:
    with st.expander(_("Pairs of people"), key="review.pairs"):
        st.dataframe(
            [
                {
                    _("Pair"): " – ".join(found.names.get(id_, "?") for id_ in pair.person_ids),
                    _("Same"): rate_text(pair.same),
                    _("Alpha"): estimate_text(pair.alpha),
                    _("Closeness"): estimate_text(pair.closeness),
                }
                for pair in found.pairs[:MOST_ROWS]
            ],
            hide_index=True,
        )
        st.caption(_("Pairs with fewer than 30 products in common are left out."))
