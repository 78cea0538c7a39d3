"""Around the numbers of the error rates: what to do where there are none, how fair and how fresh they are."""

import streamlit as st

from core.analysis.error_rates import JOB, ErrorRates, refresh_error_rates
from core.analysis.sampling import Part
from core.errors import AppError
from core.jobs.queue import find_unfinished_job, list_jobs
from core.training.intervals import TOO_FEW
from db.enums import JobStatus
from pages.components.context import actor, runtime
from pages.components.job_progress import job_progress
from pages.components.messages import say
from pages.components.numbers import count_text, percent, time_text
from pages.components.words import N_, _, error_text, escape, failure_text

PARTS = {
    Part.ONE_VOTE: N_("one vote, the model says the same"),
    Part.ONE_VOTE_MODEL_DIFFERS: N_("one vote, the model says otherwise"),
    Part.AGREED: N_("people agree, the model says the same"),
    Part.AGREED_MODEL_DIFFERS: N_("people agree, the model says otherwise"),
    Part.DISPUTED: N_("people disagree"),
}
LEFT_OUT = {
    "no_votes": N_("{n} without a blind vote"),
    "may_have_learned": N_("{n} that the model may have learned from"),
    "not_answered": N_("{n} that this version has not answered"),
    "undecided": N_("{n} where nobody but the reviewer named a category"),
    "in_bulk": N_("{n} settled together with others at one stroke"),
}


def link(label: str, page: str, **query: str) -> None:
    st.page_link(f"pages/{page}.py", label=label, icon=":material/arrow_forward:", query_params=query or None)


def first_steps(found: ErrorRates | None) -> None:
    """Nothing can be said yet: the way to numbers, step by step."""
    n_voted = found.sampling.n_voted if found else 0
    st.info(
        _("No product has both blind votes and gold yet, so nobody's error is known.")
        if not n_voted
        else _("People voted blind on {n} products; none of them is settled into gold yet.").format(
            n=count_text(n_voted)
        )
    )
    for n, (label, page, words) in enumerate(
        (
            (
                _("Campaigns"),
                "campaigns",
                _("Make a campaign of the kind 'Human baseline': people label without seeing a suggestion."),
            ),
            (_("Label"), "label", _("Two people or more label each product, each alone.")),
            (
                _("Review"),
                "review",
                _("A reviewer settles products: those that people disagree on, and some that they agree on."),
            ),
        ),
        start=1,
    ):
        with st.container(horizontal=True, vertical_alignment="center"):
            link(f"{n}. {label}", page)
            st.caption(words)
    st.caption(_("Then come back: from {n} settled products on, errors are shown.").format(n=TOO_FEW))
    if found and found.left_out:
        st.caption(_("Gold products left out: {parts}.").format(parts=left_out_text(found)))


def neglected_warning(found: ErrorRates) -> None:
    """Too little is settled of some of the voted products: no rate would be fair, so none is shown."""
    parts = "; ".join(
        _("{part}: {settled} of {voted} settled").format(
            part=_(PARTS[one.part]), settled=count_text(one.n_settled), voted=count_text(one.n_voted)
        )
        for one in found.sampling.neglected()
    )
    st.warning(
        escape(
            _(
                "No error rates yet: of some products that people voted on hardly any is settled ({parts}). Judged on "
                "the others alone, one side would look far worse than it is."
            ).format(parts=parts)
        ),
        icon=":material/balance:",
    )


def freshness(found: ErrorRates | None, version_id: int | None) -> None:
    """Of when the numbers are, and the way to new ones; on small catalogues they are always of now."""
    job = find_unfinished_job(runtime(), [JOB])
    if job is not None:
        job_progress(job.id)
        return
    last = next(iter(list_jobs(runtime(), [JOB], limit=1)), None)
    if last and last.status == JobStatus.FAILED:
        st.error(escape(_("Working out the error rates failed: {reason}").format(reason=failure_text(last))))
    if found is None:
        st.info(_("There are many decisions here, so the error rates are worked out in the background."))
    elif not found.n_newer:
        return
    else:
        st.caption(
            _("As of {time}; {n} decisions are newer.").format(time=time_text(found.as_of), n=count_text(found.n_newer))
        )
    st.button(
        _("Work them out now"),
        key="error_rates.refresh",
        icon=":material/refresh:",
        on_click=_refresh,
        args=(version_id,),
    )


def _refresh(version_id: int | None) -> None:
    try:
        refresh_error_rates(runtime(), actor(), version_id)
    except AppError as error:
        say(error_text(error))


def left_out_text(found: ErrorRates) -> str:
    return ", ".join(
        _(words).format(n=count_text(found.left_out[name]))
        for name, words in LEFT_OUT.items()
        if found.left_out.get(name)
    )


def how_counted(found: ErrorRates) -> None:
    """The method in sentences, for who wants to know."""
    with st.expander(_("How this is counted"), icon=":material/help:"):
        for sentence in _sentences(found):
            st.text(sentence)


def _sentences(found: ErrorRates) -> list[str]:
    rules = found.rules
    return [
        _("Of {n} gold products {used} count. Left out: {parts}.").format(
            n=count_text(found.n_gold), used=count_text(found.n), parts=left_out_text(found) or _("none")
        ),
        _(
            "People: blind votes that stand, the first of each person on a product, none by who settled it. "
            "Each product counts once, however many voted. 'Cannot tell' and 'bad listing' are no errors; they are "
            "counted apart."
        ),
        _("Model: its stored first answer, on products held out from learning only. Both sides: the same products."),
        _("What was accepted beside gold ('also fits') is right as well."),
        _(
            "Intervals: Wilson, 95 %, allowing for votes on one product being alike (here {rho}). Difference: paired, "
            "Newcombe."
        ).format(rho=f"{found.rho:.2f}"),
        _(
            "A side is called better where 0 lies outside the interval of the difference and chance is unlikely among "
            "all categories together: of those verdicts at most {share} % are wrong on average (Benjamini-Hochberg)."
        ).format(share=percent(rules.false_share)),
        _("Both fail: both errors surely above {limit} %. Fewer than {n} products: no rate, no verdict.").format(
            limit=percent(rules.both_fail_above), n=rules.fewest
        ),
        _("Settled of what people voted on: {parts}. Each settled product stands for its share.").format(
            parts="; ".join(
                f"{_(PARTS[one.part])} {count_text(one.n_settled)} / {count_text(one.n_voted)}"
                for one in found.sampling.parts
            )
        ),
    ]
