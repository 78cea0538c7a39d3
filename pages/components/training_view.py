"""Parts of the training page: what would be learned from, and the table of versions."""

import streamlit as st

from core.training.training_preview import TrainingPreview, preview_training
from core.training.training_settings import TrainingSettings
from core.training.versions import Evaluation, ModelVersion
from pages.components.context import runtime
from pages.components.numbers import count_text, percent, rate_text, time_text
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


def training_settings(defaults: TrainingSettings) -> None:
    """The choices, each with its default; their widgets are named training.<setting>."""
    with st.expander(_("Settings"), icon=":material/tune:"):
        left, right = st.columns(2)
        left.number_input(_("Epochs"), 1, 200, defaults.epochs, key="training.epochs")
        left.number_input(
            _("Least labeled products in a category"), 1, 10_000, defaults.min_rows, key="training.min_rows"
        )
        right.number_input(
            _("A label by a person counts as many imported ones"),
            0.1,
            100.0,
            defaults.human_weight,
            step=0.5,
            key="training.human_weight",
        )
        right.number_input(_("Seed"), 0, 2**31 - 1, defaults.seed, key="training.seed")
        st.checkbox(_("Then let the new version answer for every product"), True, key="training.score_after")


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
        _("P@1 on labels by people"): _human(version.human_test),
        _("Macro-F1"): f"{test.macro_f1:.3f}" if test and test.macro_f1 is not None else "",
        _("Calibration error"): f"{percent(test.ece)} %" if test and test.ece is not None else "",
        _("Answers"): count_text(version.n_scored),
        _("Learned from"): count_text(version.snapshot_rows or 0),
        _("Snapshot"): (version.snapshot_hash or "")[:12],
        _("Settings"): _("{epochs} epochs, human × {weight}").format(
            epochs=training.get("epochs", "?"), weight=training.get("human_weight", "?")
        ),
        _("Device"): version.device or "",
        _("Seed"): str(version.seed),
        _("By"): version.created_by,
    }


def _human(test: Evaluation | None) -> str:
    return rate_text(test.p_at_1) if test else _("none held out")
