"""The form of an export: what, as which file, and only which part of it."""

from typing import Any

import streamlit as st

from core.catalogue.exporting.naming import person_named
from core.catalogue.exporting.request import FORMATS, KINDS, LABEL_STUDIO, STYLES, ExportRequest
from core.errors import AppError
from core.labeling.campaigns.campaign import list_campaigns
from core.permissions import Action, may
from core.training.registry import list_versions
from pages.components.campaign_names import campaign_name
from pages.components.context import actor, runtime
from pages.components.product_filter import filter_bar, read_filter
from pages.components.product_table import found_text
from pages.components.words import N_, _, error_text, escape

WHAT = {
    "products": N_("Products with their current label"),
    "labels": N_("Labels with their history"),
    "decisions": N_("Decisions"),
    "predictions": N_("Predictions of a version"),
    "snapshot": N_("Snapshot: what a version learned from"),
    LABEL_STUDIO: N_("Label Studio: tasks with annotations"),
}
FORMAT_NAMES = {"csv": "CSV", "jsonl": "JSON Lines", "parquet": "Parquet", "json": "JSON"}
STYLE_NAMES = {"taxonomy": N_("As a tree (Taxonomy)"), "choices": N_("As a list (Choices)")}


def export_form() -> ExportRequest | None:
    """What is chosen; none while that cannot be exported, and then a sentence says why."""
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    what = left.selectbox(_("What"), list(WHAT), format_func=lambda name: _(WHAT[name]), key="exports.what")
    formats = ("json",) if what == LABEL_STUDIO else FORMATS
    format = right.segmented_control(
        _("File"),
        formats,
        format_func=lambda name: FORMAT_NAMES[name],
        default=formats[0],
        key=f"exports.format.{len(formats)}",
        required=True,
    )
    takes = KINDS[what]
    asked: dict[str, Any] = {"what": what, "format": format}
    if "filter" in takes:
        wanted, order = read_filter()
        filter_bar(wanted, order, is_sorted=False)
        asked["filter"] = wanted.to_dict()
        try:
            st.caption(escape(found_text(wanted)))
        except AppError as error:
            st.warning(escape(error_text(error)), icon=":material/info:")
            return None
    try:
        return ExportRequest.from_payload(asked | _narrowed(takes))
    except AppError as error:
        st.text(error_text(error))
        return None


def _narrowed(takes: tuple[str, ...]) -> dict[str, Any]:
    """The narrowings that this kind takes, three in a line. Raises NotFound for a name that nobody has."""
    shown: list[str] = [
        name for name in ("campaign_id", "person_id", "since", "until", "version_id", "snapshot_id") if name in takes
    ]
    if not may(actor(), Action.SEE_PEOPLE):
        shown = [name for name in shown if name != "person_id"]
    shown += ["style"] if "style" in takes else []
    found: dict[str, Any] = {}
    for name, box in zip(shown, st.columns(max(len(shown), 1)), strict=False):
        with box:
            value = _FIELDS[name]()
        if value is not None:
            found[name] = value
    return found


def _campaign() -> int | None:
    names = {campaign.id: campaign_name(campaign.name) for campaign in list_campaigns(runtime())}
    return st.selectbox(
        _("Campaign"),
        list(names),
        index=None,
        format_func=lambda id_: names[id_],
        placeholder=_("All"),
        key="exports.campaign",
    )


def _person() -> int | None:
    name = st.text_input(_("Person"), key="exports.person", placeholder=_("All"), max_chars=120).strip()
    return person_named(runtime(), name) if name else None


def _version() -> int | None:
    names = {version.id: version.name for version in list_versions(runtime(), actor())}
    return st.selectbox(
        _("Version"),
        list(names),
        index=None,
        format_func=lambda id_: names[id_],
        placeholder=_("The one in use"),
        key="exports.version",
    )


def _snapshot() -> int | None:
    names = {
        version.snapshot_id: version.name
        for version in reversed(list_versions(runtime(), actor()))
        if version.snapshot_id
    }
    return st.selectbox(
        _("Learned from by"), list(reversed(names)), format_func=lambda id_: names[id_], key="exports.snapshot"
    )


def _style() -> str:
    return st.selectbox(_("Categories"), STYLES, format_func=lambda name: _(STYLE_NAMES[name]), key="exports.style")


_FIELDS: dict[str, Any] = {
    "campaign_id": _campaign,
    "person_id": _person,
    "since": lambda: st.date_input(_("From"), None, key="exports.since"),
    "until": lambda: st.date_input(_("To"), None, key="exports.until"),
    "version_id": _version,
    "snapshot_id": _snapshot,
    "style": _style,
}
