"""Import, second step: how the file is read, which column is what, and what its first rows would become."""

import json
from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from core.catalogue.columns import FIELDS, LABELS, SEVERAL, looks_like_code
from core.catalogue.encodings import ENCODINGS
from core.catalogue.import_options import DATE_ORDERS, ImportOptions, remembered_options, to_toml
from core.catalogue.import_plan import Plan
from core.catalogue.rejects import Reason
from core.catalogue.uploads import Upload, list_uploads
from core.i18n import translations
from pages.components.context import import_plan, runtime
from pages.components.numbers import count_text
from pages.components.words import N_, _, escape, language

DELIMITER_NAMES = {",": N_("comma"), "\t": N_("tab"), ";": N_("semicolon"), "|": N_("vertical bar")}
DATE_NAMES = {"": N_("year first, or plain"), "dmy": N_("day / month / year"), "mdy": N_("month / day / year")}


def plan_with_boxes(upload: Upload, source: str) -> Plan:
    """The plan with everything that was changed on the screen. Raises AppError when the file cannot be read so."""
    first = _look(upload, ImportOptions(), source)
    given = _reading_boxes(upload, first)
    seen = _look(upload, given, source)
    return _look(upload, _mapping_boxes(upload, seen, given), source)


def _look(upload: Upload, options: ImportOptions, source: str) -> Plan:
    kept = remembered_options(runtime(), source) if source else None
    remembered = json.dumps(kept.to_json(), sort_keys=True) if kept else None
    modified = upload.path.stat().st_mtime_ns
    return import_plan(str(upload.path), modified, json.dumps(options.to_json(), sort_keys=True), remembered)


def _reading_boxes(upload: Upload, plan: Plan) -> ImportOptions:
    """Encoding, delimiter or sheet: what was detected is shown and can be changed."""
    boxes = st.columns(4)
    boxes[0].text_input(_("Format"), plan.shape.format.upper(), disabled=True, key=f"import.format.{upload.key}")
    given = ImportOptions()
    if plan.shape.encoding:
        detected = _("{name} (detected)").format(name=plan.shape.encoding)
        encoding = boxes[1].selectbox(
            _("Encoding"),
            ["", *ENCODINGS],
            format_func=lambda name: name or detected,
            key=f"import.encoding.{upload.key}",
        )
        given = replace(given, encoding=encoding)
    if plan.shape.delimiter:
        sign = plan.shape.delimiter
        found = _("{name} (detected)").format(name=_(DELIMITER_NAMES.get(sign, sign)))
        delimiter = boxes[2].selectbox(
            _("Delimiter"),
            ["", *DELIMITER_NAMES],
            format_func=lambda sign: _(DELIMITER_NAMES[sign]) if sign else found,
            key=f"import.delimiter.{upload.key}",
        )
        given = replace(given, delimiter=delimiter)
    if plan.sheets:
        given = replace(given, sheet=boxes[1].selectbox(_("Sheet"), plan.sheets, key=f"import.sheet.{upload.key}"))
    return replace(
        given,
        date_order=boxes[3].selectbox(
            _("Dates"), DATE_ORDERS, format_func=lambda order: _(DATE_NAMES[order]), key=f"import.dates.{upload.key}"
        ),
    )


def _mapping_boxes(upload: Upload, plan: Plan, given: ImportOptions) -> ImportOptions:
    """A box a field, filled with what was proposed. Another way of reading the file begins anew."""
    st.markdown("**" + _("Columns") + "**")
    prefix = f"import.map.{upload.key}.{hash(tuple(plan.headings))}"
    columns: dict[str, tuple[str, ...]] = {}
    boxes = [box for _row in range(2) for box in st.columns(5)]
    for field, box in zip(FIELDS, boxes, strict=False):
        proposed = [name for name in plan.options.columns.get(field, ()) if name in plan.headings]
        label, key = _(LABELS[field]), f"{prefix}.{field}"
        if field in SEVERAL:
            chosen = box.multiselect(label, plan.headings, proposed, key=key, placeholder=_("none"))
            columns[field] = tuple(chosen)
        else:
            names = ["", *plan.headings]
            index = names.index(proposed[0]) if proposed else 0
            name = box.selectbox(label, names, index, key=key, format_func=lambda name: name or _("none"))
            columns[field] = (name,) if name else ()
    separator = boxes[-1].text_input(
        _("Between category levels"),
        plan.options.separator or "",
        key=f"{prefix}.separator.{columns['category']}",
        disabled=len(columns["category"]) != 1,
        help=_("What stands between the levels of a category path, such as > or /. Empty: there is one level."),
    )
    given = replace(given, columns=columns, separator=separator)
    if len(columns["category"]) == 1 and looks_like_code(columns["category"][0]):
        given = replace(given, taxonomy=_taxonomy_box(upload, prefix))
    return given


def _taxonomy_box(upload: Upload, prefix: str) -> str:
    """For a column of codes: the uploaded file that names them; '' for none."""
    others = {str(other.path): other.name for other in list_uploads(runtime()) if other.key != upload.key}
    return st.selectbox(
        _("Taxonomy file that names the codes"),
        ["", *others],
        format_func=lambda path: others.get(path) or _("none"),
        key=f"{prefix}.taxonomy",
        help=_("A file with the codes and the paths of the categories. Upload it as well, then choose it here."),
    )


def show_preview(plan: Plan) -> None:
    """The first rows as they stand in the file, with what each column becomes; then what is wrong with some."""
    field_of = {name: field for field, names in plan.options.columns.items() for name in names}
    rows = [dict(zip(plan.headings, (str(value)[:200] for value in row), strict=True)) for row in plan.rows]
    names = {
        name: st.column_config.TextColumn(f"{name} → {_(LABELS[field_of[name]])}" if name in field_of else name)
        for name in plan.headings
    }
    order = sorted(plan.headings, key=lambda name: (name not in field_of, plan.headings.index(name)))
    st.dataframe(rows, column_config=names, column_order=order, hide_index=True, height=280, key="import.preview")
    for note in plan.notes:
        st.info(escape(reason_text(note)), icon=":material/info:")
    if plan.bad:
        words = _("Of the first {n} rows {bad} would be rejected, such as line {line}: {reason}")
        line, reason = plan.bad[0].line, reason_text(plan.bad[0].reason)
        text = words.format(n=count_text(plan.n_tried), bad=count_text(len(plan.bad)), line=line, reason=reason)
        st.warning(escape(text), icon=":material/warning:")


def reason_text(reason: Reason) -> str:
    """Why, in the person's language."""
    return reason_words()(reason)


def reason_words() -> Callable[[Reason], str]:
    """The same for a thread of its own, where a download is made: the language is settled here."""
    translate = translations(language()).gettext
    return lambda reason: str(Reason(translate(reason.template), reason.values))


def options_download(plan: Plan, source: str) -> None:
    """The same choices for the command line."""
    st.download_button(
        _("Options for the command line"),
        to_toml(plan.options, source),
        file_name="import.toml",
        mime="application/toml",
        key="import.toml",
        icon=":material/terminal:",
        on_click="ignore",
        width="stretch",
        help=_("For `cli.py import FILE --options import.toml`"),
    )
