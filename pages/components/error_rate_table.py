"""The numbers of the error rates: the sentence on top and the table."""

import streamlit as st

from core.analysis.error_rates import ErrorRates
from core.analysis.verdicts import ErrorRow, Verdict
from core.training.intervals import Rate
from pages.components.error_rate_words import MODEL_MARK, PEOPLE_MARK, VERDICTS, points, row_name
from pages.components.numbers import count_text, percent, rate_text
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
    st.markdown(escape(sentence))
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
    named = [row for row in rows if row.verdict in (Verdict.MODEL, Verdict.PEOPLE)]
    if named:
        wrong = f"{max(len(named) * found.rules.false_share, 0.1):.1f}"
        words = _("Categories where one side is called better: {n}. By chance perhaps {wrong} of them.")
        st.caption(words.format(n=count_text(len(named)), wrong=wrong))
    if any(row.verdict == Verdict.UNCLEAR and not row.paired.low <= 0 <= row.paired.high for row in rows if row.paired):
        st.caption(
            _(
                "Where an interval of the difference lies beside 0 and there is no clear difference all the same: "
                "among so many categories that one comes by chance."
            )
        )


def _rate(rate: Rate) -> str:
    """Without n, which has a column of its own."""
    if rate.value is None or rate.is_too_few:
        return _("too few")
    words = _("{rate} % ({low} to {high})")
    return words.format(rate=percent(rate.value), low=percent(rate.low), high=percent(rate.high))


def _line(found: ErrorRates, row: ErrorRow) -> dict[str, str | int]:
    line: dict[str, str | int] = {
        _("Category"): row_name(found, row),
        _("Verdict"): _(VERDICTS[row.verdict]),
        "n": row.n,
        f"{PEOPLE_MARK} " + _("People's error"): _rate(row.people),
    }
    if row.model is not None and row.paired is not None:
        line[f"{MODEL_MARK} " + _("Model's error")] = _rate(row.model)
        line[_("Difference")] = (
            "" if row.n < found.rules.fewest else
            f"{points(row.paired.difference)} ({points(row.paired.low)} … {points(row.paired.high)})"
        )  # fmt: skip
    return line | {
        _("Votes"): int(row.sums.n_votes),
        _("Cannot tell, bad listing"): int(row.sums.n_undecided),
        _("Both wrong"): int(row.sums.both_wrong),
    }
