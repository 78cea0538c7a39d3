"""Commands: import products, or a category tree alone."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.terminal import JsonFlag, emit, opened, run_job
from core.errors import N_, InvalidInput

SHOWN_UNUSED = 20  # columns
SHOWN_STRANGERS = 10  # annotators of Label Studio who are nobody here


def register(app: typer.Typer) -> None:
    """Add this room's commands to the command line."""
    app.command("import")(import_command)
    app.command("rejects")(rejects_command)


def import_command(
    file: Annotated[Path | None, typer.Argument(help="CSV, TSV, JSONL, Parquet or XLSX, each also as .gz.")] = None,
    source: Annotated[str, typer.Option(help="Name of where the products come from; part of their identity.")] = "",
    columns: Annotated[
        str, typer.Option(help="field=heading,... ; levels as category=level1+level2; brand= for none.")
    ] = "",
    taxonomy: Annotated[
        Path | None, typer.Option(help="A category tree: alone, or code -> path for a column of codes.")
    ] = None,
    options: Annotated[Path | None, typer.Option(help="A TOML file with all of this (see docs/import.md).")] = None,
    encoding: Annotated[str, typer.Option(help="Such as utf-8 or cp949; detected when not given.")] = "",
    delimiter: Annotated[str, typer.Option(help="One character, or 'tab'; detected when not given.")] = "",
    separator: Annotated[str | None, typer.Option(help="Between the levels of a category path.")] = None,
    date_order: Annotated[str, typer.Option(help="dmy or mdy, for dates such as 03/04/2023.")] = "",
    sheet: Annotated[str, typer.Option(help="Of a workbook; the first one when not given.")] = "",
    people: Annotated[
        str, typer.Option(help="Label Studio: annotator=person here, ... (e-mail, name or number).")
    ] = "",
    label_field: Annotated[str, typer.Option(help="Label Studio: the control that holds the category.")] = "",
    resume: Annotated[int | None, typer.Option(help="Go on with this stopped import.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Import products from a file, or a category tree alone.

    Importing the same file again changes nothing; a changed row updates its product; what people decided stays.
    Rows that cannot be taken are listed with their line and reason, and the rest goes on.

    Examples:

        cli.py import products.csv.gz --source heissepreise

        cli.py import 상품.csv --source 우리몰 --encoding cp949 --columns title=상품명,category=대분류+소분류

        cli.py import items.csv --source shop --columns category=category_code --taxonomy taxonomy.csv

        cli.py import --taxonomy naver_categories.csv

        cli.py import tasks.json --source labelstudio --people "7=Mina,ann@example.com=Juno"

        cli.py import --resume 12
    """
    changes: dict[str, Any] = {"encoding": encoding, "delimiter": delimiter, "date_order": date_order, "sheet": sheet}
    changes |= {"separator": separator, "taxonomy": str(taxonomy.resolve()) if taxonomy else ""}
    if resume is not None:
        _resume(resume, as_json)
    elif file is not None and file.suffix.lower() == ".json":
        _import_label_studio(file, source, columns, people, label_field, as_json)
    elif people or label_field:
        raise InvalidInput(N_("--people and --label-field are for Label Studio's JSON."))
    elif file is not None:
        _import_products(file, source, columns, options, changes, as_json)
    elif taxonomy is not None:
        _import_taxonomy(taxonomy, changes, as_json)
    else:
        raise InvalidInput(N_("Name a file to import, or a category tree with --taxonomy FILE."))


def _import_products(
    file: Path, source: str, columns: str, options_file: Path | None, changes: dict[str, Any], as_json: bool
) -> None:
    from core.catalogue.columns import parse_columns
    from core.catalogue.import_options import ImportOptions, options_from, read_options_file, remembered_options
    from core.catalogue.import_plan import check_plan, plan_import
    from core.catalogue.importing import JOB, import_payload
    from core.catalogue.own_exports import DEFAULT_SOURCE

    options, named = read_options_file(options_file) if options_file else (ImportOptions(), None)
    values = options.to_json() | {name: value for name, value in changes.items() if value not in ("", None)}
    chosen = options_from(values | {"columns": options.columns | parse_columns(columns)})
    source = source or named or ""
    if not source and plan_import(file, chosen).options.is_export:
        source = DEFAULT_SOURCE
    if not source:
        raise InvalidInput(N_("Give the source a name with --source NAME."))
    payload = import_payload(file, source, chosen)
    with opened() as (runtime, actor):
        plan = plan_import(file, chosen, remembered_options(runtime, payload["source"]))
        check_plan(plan)
        how = _how_read(vars(plan.shape), plan.options.to_json(), [str(note) for note in plan.notes])
        _say_how(file.name, how, plan.headings)
        _show(run_job(runtime, actor, JOB, payload).result | how, as_json)


def _import_label_studio(file: Path, source: str, columns: str, people: str, label_field: str, as_json: bool) -> None:
    from core.catalogue.columns import parse_columns
    from core.catalogue.importing import JOB, label_studio_payload
    from core.catalogue.label_studio.people import find_strangers

    payload = label_studio_payload(file, source or "label-studio", people, parse_columns(columns), label_field)
    with opened() as (runtime, actor):
        facts = run_job(runtime, actor, JOB, payload).result
        strangers = find_strangers(runtime, facts["run_id"])
        _show(facts | {"unknown_annotators": strangers}, as_json, _say_strangers(strangers))


def _say_strangers(strangers: dict[str, int]) -> str:
    """Whose annotations were left out, and how to bring them in."""
    if not strangers:
        return ""
    shown = list(strangers)[:SHOWN_STRANGERS]
    people = ",".join(f"{who}=Name" for who in shown) + (",..." if len(strangers) > len(shown) else "")
    return (
        f"\nAnnotations left out: {sum(strangers.values()):,}, as nobody here is known as {', '.join(shown)}"
        f"{' ...' if len(strangers) > len(shown) else ''}.\n"
        f'Say who they are and import the file again; what is there already stays: --people "{people}"'
    )


def _how_read(shape: dict[str, Any], options: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """What was chosen or detected, as --json tells it."""
    names = ("columns", "separator", "decimal_comma", "date_order", "taxonomy")
    return {**shape, **{name: options[name] for name in names}, "notes": notes}


def _say_how(file_name: str, how: dict[str, Any], headings: list[str]) -> None:
    """One line on stderr before the work begins, and one for each note."""
    signs = {"\t": "tab", " ": "space"}
    parts = [how["format"].upper(), how["encoding"], f"sheet {how['sheet']}" if how["sheet"] else ""]
    parts.append(f"delimiter {signs.get(how['delimiter'], how['delimiter'])}" if how["delimiter"] else "")
    parts.append(f"category levels split at '{how['separator'].strip()}'" if how["separator"] else "")
    parts.append("decimal comma" if how["decimal_comma"] else "")
    taken = {name for names in how["columns"].values() for name in names}
    columns = [f"{field}={'+'.join(names)}" for field, names in how["columns"].items() if names]
    unused = [name for name in headings if name not in taken]
    line = f"{file_name}: {', '.join(filter(None, parts))}; {', '.join(columns)}"
    sys.stderr.write(line + (f"; not used: {', '.join(unused[:SHOWN_UNUSED])}" if unused else "") + "\n")
    for note in how["notes"]:
        sys.stderr.write(f"Note: {note}\n")
    sys.stderr.flush()


def _resume(run_id: int, as_json: bool) -> None:
    from core.catalogue.import_runs import get_import_run
    from core.catalogue.importing import JOB, resume_payload

    with opened() as (runtime, actor):
        stopped = get_import_run(runtime, run_id)
        payload = resume_payload(stopped)
        how: dict[str, Any] = {}
        if "shape" in stopped.options:
            how = _how_read(stopped.options["shape"], stopped.options["options"], [])
            _say_how(stopped.file_name, how, [])
        _show(run_job(runtime, actor, JOB, payload).result | how, as_json)


def _show(facts: dict[str, Any], as_json: bool, more: str = "") -> None:
    sentence = (
        "Read {rows_read:,} rows in {seconds:.1f} s ({rows_per_second:,} rows/s): {rows_imported:,} new, "
        "{rows_updated:,} updated, {rows_unchanged:,} unchanged, {rows_rejected:,} rejected."
    ).format(**facts)
    if facts["rows_rejected"]:
        sentence += f"\nSee why, and mend them: cli.py rejects {facts['run_id']} > rejects.csv"
    emit(as_json, facts, sentence + more)


def _import_taxonomy(path: Path, changes: dict[str, Any], as_json: bool) -> None:
    from core.catalogue.encodings import check_delimiter
    from core.catalogue.taxonomy_importing import TaxonomyOptions, load_taxonomy_file

    given = {name: changes[name] for name in ("encoding", "delimiter", "sheet", "separator")}
    given["delimiter"] = check_delimiter(given["delimiter"]) if given["delimiter"] else ""
    with opened() as (runtime, actor):
        result = load_taxonomy_file(runtime, actor, path, TaxonomyOptions(**given))
        numbers = ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in result.counts.items())
        lines = [f"Imported the category tree of {path.name} ({numbers})."]
        lines += [f"Line {reject.line}, {reject.column or 'row'}: {reject.reason}" for reject in result.rejects[:20]]
        emit(as_json, {**result.counts}, "\n".join(lines))


def rejects_command(
    run_id: Annotated[int, typer.Argument(help="The import's number.")], as_json: JsonFlag = False
) -> None:
    """Print the rejected rows of an import as CSV, to mend and import again under the same source.

    Examples:

        cli.py rejects 3 > rejects.csv

        cli.py rejects 3 --json
    """
    from core.catalogue.import_runs import get_import_run, list_rejects, write_rejects

    with opened() as (runtime, _):
        if not as_json:
            for part in write_rejects(runtime, run_id):
                typer.echo(part, nl=False)
            return
        run = get_import_run(runtime, run_id)
        rejects = [
            {
                "line": reject.line,
                "column": reject.column,
                "value": reject.value,
                "reason": str(reject.reason),
                "record": reject.record,
            }
            for reject in list_rejects(runtime, run_id, run.n_rejected)
        ]
    emit(True, {"run_id": run_id, "source": run.source, "file": run.file_name, "rejects": rejects}, "")
