"""Parts of the training page: what would be learned from, and the table of versions."""

from typing import Any

import streamlit as st

from core.training.intervals import rate
from core.training.training_preview import TrainingPreview, preview_training
from core.training.versions import Evaluation, ModelVersion
from pages.components.context import runtime
from pages.components.numbers import count_text, percent, rate_text, time_text
from pages.components.training_choices import changes_text
from pages.components.words import N_, _

REASONS = {
    "cannot_tell": N_("people could not tell the category"),
    "bad_listing": N_("people called it a bad listing"),
    "retired_category": N_("the category is retired"),
    "not_a_leaf": N_("the category is not a leaf"),
    "too_few_rows": N_("the category has too few labeled products"),
    "between_folds": N_("near-duplicates of both held-out and training products"),
}


@st.cache_data(ttl=5, max_entries=8)
def cached_preview(min_rows: int, revisions: tuple[int, ...]) -> TrainingPreview:
    """Kept for five seconds: a decision changes the counts and raises no revision."""
    return preview_training(runtime(), min_rows)


def preview_numbers(preview: TrainingPreview) -> None:
    """What will be learned from, each number with its list."""
    since = preview.since_version
    facts = (
        (_("Labeled by people"), preview.by_source.get("human", 0), {"label_source": "human"}),
        (_("Labeled by import"), preview.by_source.get("import", 0), {"label_source": "import"}),
        (_("Categories"), preview.n_categories, None),
        (
            _("New decisions since {version}").format(version=since) if since else _("Decisions so far"),
            preview.n_new_decisions,
            None,
        ),
    )
    for box, (name, number, query) in zip(st.columns(4), facts, strict=True):
        with box.container(border=True, height="stretch"):
            st.metric(name, count_text(number))
            if query:
                st.page_link(
                    "pages/products.py", label=_("Show them"), icon=":material/arrow_forward:", query_params=query
                )
    if preview.left_out:
        parts = [f"{count_text(n)} ({_(REASONS[reason])})" for reason, n in sorted(preview.left_out.items())]
        st.text(_("Left out: {parts}").format(parts=", ".join(parts)))


def version_table(versions: list[ModelVersion]) -> None:
    """A version a row; rates with n and interval."""
    if not versions:
        st.text(_("No version yet. The first training makes v1."))
        return
    st.dataframe([_row(version) for version in versions], hide_index=True)


def _row(version: ModelVersion) -> dict[str, str]:
    test, training = version.test, version.config.get("training", {})
    return {
        _("Version"): version.name,
        _("In use"): _("● in use") if version.is_promoted else "",
        _("Trained"): time_text(version.created_at),
        _("P@1 on held-out products"): rate_text(test.p_at_1) if test else "",
        _("Calibration error"): calibration_error(version),
        _("Answers surely"): rate_text(version.abstention.coverage) if version.abstention else "",
        _("P@1 on labels by people"): _human(version.human_test),
        _("Encoder"): str(training.get("encoder", "joint")),
        _("Not as usual"): changes_text(training),
        _("Macro-F1"): f"{test.macro_f1:.3f}" if test and test.macro_f1 is not None else "",
        _("Answers"): count_text(version.n_scored),
        _("Learned from"): count_text(version.snapshot_rows or 0),
        _("Snapshot"): (version.snapshot_hash or "")[:12],
        _("Device"): version.device or "",
        _("Seed"): str(version.seed),
        _("By"): version.created_by,
    }


def calibration_error(version: ModelVersion) -> str:
    """Against all labels, and without suspected ones where that is known."""
    test, cleaned = version.test, version.ece_cleaned
    if test is None or test.ece is None:
        return ""
    if cleaned is None:
        return f"{percent(test.ece)} %"
    return _("{all} % against all labels, {cleaned} % without {n} suspected ones").format(
        all=percent(test.ece), cleaned=percent(cleaned.ece), n=count_text(cleaned.n_aside)
    )


def _human(test: Evaluation | None) -> str:
    return rate_text(test.p_at_1) if test else _("none held out")


def prepared_rows(version: ModelVersion) -> None:
    """What was done to the version's training rows before it learned from them, step by step."""
    facts = version.config.get("prepared", {})
    if not facts:
        st.text(_("Nothing: it learned from the rows of its snapshot as they are."))
    for name, found in facts.items():
        st.text(_prepared_text(name, found))
    if rules := facts.get("exclusions", {}).get("rules"):
        columns = (_("Category"), _("Keyword"), _("Does"), _("Found as"), _("Rows"))
        values = [(rule["category"], rule["keyword"], rule["action"], rule["match"], rule["rows"]) for rule in rules]
        st.dataframe([dict(zip(columns, row, strict=True)) for row in values], hide_index=True)


def months_table(version: ModelVersion) -> None:
    """How often the first answer is right for held-out products, by the month they were registered in."""
    months: dict[str, list[int]] = version.metrics.get("months", {})
    if not months:
        st.text(_("No held-out product has a date."))
        return
    rows = [
        {_("Month"): month, _("P@1 on held-out products"): rate_text(rate(*counts))} for month, counts in months.items()
    ]
    st.dataframe(rows, hide_index=True, height="content")


def _prepared_text(name: str, facts: dict[str, Any]) -> str:
    if name == "exclusions":
        return _("Exclusion rules: {dropped} rows left out, {changed} rows lost a word.").format(
            dropped=count_text(facts["rows_dropped"]), changed=count_text(facts["rows_changed"])
        )
    if name == "cap":
        return _("Cap: of {before} rows {after} stayed, at most {most} of a category.").format(
            before=count_text(facts["rows_before"]),
            after=count_text(facts["rows_after"]),
            most=count_text(facts["most_rows_after"]),
        )
    if name == "months":
        return _("Months: {n} months of the year have rows; {without} rows have no date.").format(
            n=len(facts["rows"]), without=count_text(facts["without_date"])
        )
    numbers = [f"{key.replace('_', ' ')} {value}" for key, value in facts.items() if isinstance(value, int | float)]
    return f"{name}: {', '.join(numbers)}"
