"""The numbers of the error rates: the sentence on top and the table."""

import streamlit as st

from core.analysis.error_rates import ErrorRates
from core.analysis.verdicts import ErrorRow, Verdict
from pages.components.error_rate_words import MODEL_MARK, PEOPLE_MARK, VERDICTS, points, row_name
from pages.components.numbers import count_text, rate_text
from pages.components.words import N_, _, escape

SENTENCES = {
    Verdict.MODEL: N_("The model errs less than people."),
    Verdict.PEOPLE: N_("People err less than the model."),
    Verdict.UNCLEAR: N_("People and the model err about equally often: no clear difference."),
    Verdict.BOTH_FAIL: N_("People and the model both err often."),
    Verdict.TOO_FEW: N_("Too little is settled to say who errs less."),
}


def headline(found: ErrorRates) -> None:
    """Who is better over all products, in one sentence, and the numbers it stands on."""
    people, paired, verdict = found.overall()
    if paired is None:
        st.markdown("#### " + escape(_("People err: {people}.").format(people=rate_text(people))))
        st.caption(_("No model is in use, so there is nothing to compare with."))
        return
    st.markdown("#### " + escape(_(SENTENCES[verdict])))
    sentence = _("People err: {people}; the model {version}: {model}.").format(
        people=rate_text(people), version=found.version, model=rate_text(paired.model)
    )
    st.markdown(escape(f"{PEOPLE_MARK} {MODEL_MARK}  {sentence}"))
    if not people.is_too_few:
        sums = list(found.sums.values())
        st.caption(
            _(
                "On the same products. Difference {points} points ({low} to {high}); {votes} blind votes, beside them "
                "{undecided} 'cannot tell' or 'bad listing'."
            ).format(
                points=points(paired.difference),
                low=points(paired.low),
                high=points(paired.high),
                votes=count_text(int(sum(one.n_votes for one in sums))),
                undecided=count_text(int(sum(one.n_undecided for one in sums))),
            )
        )


def rate_table(found: ErrorRates, rows: list[ErrorRow]) -> None:
    """A row a category, the model's largest lead first."""
    if not rows:
        st.text(_("No category has this verdict."))
        return
    st.dataframe([_line(found, row) for row in rows], hide_index=True)
    n_named = sum(row.verdict in (Verdict.MODEL, Verdict.PEOPLE) for row in rows)
    if n_named:
        st.caption(
            _(
                "Of the {n} categories where one side is called better, about {wrong} or fewer may be so by chance."
            ).format(n=count_text(n_named), wrong=f"{max(n_named * found.rules.false_share, 0.1):.1f}")
        )


def _line(found: ErrorRates, row: ErrorRow) -> dict[str, str | int]:
    line: dict[str, str | int] = {
        _("Category"): row_name(found, row),
        _("Verdict"): _(VERDICTS[row.verdict]),
        "n": row.n,
        f"{PEOPLE_MARK} " + _("People's error"): rate_text(row.people),
    }
    if row.model is not None and row.paired is not None:
        line[f"{MODEL_MARK} " + _("Model's error")] = rate_text(row.model)
        line[_("Difference")] = (
            "" if row.n < found.rules.fewest else
            f"{points(row.paired.difference)} ({points(row.paired.low)} … {points(row.paired.high)})"
        )  # fmt: skip
    return line | {
        _("Votes"): int(row.sums.n_votes),
        _("Cannot tell, bad listing"): int(row.sums.n_undecided),
        _("Both wrong"): int(row.sums.both_wrong),
    }
