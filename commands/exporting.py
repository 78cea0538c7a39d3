"""Commands: export, exports."""

import shutil
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.terminal import JsonFlag, emit, opened, print_table, run_job
from core.errors import N_, InvalidInput

DAYS = ["%Y-%m-%d"]


def register(app: typer.Typer) -> None:
    """Add this room's commands to the command line."""
    app.command("export")(export_command)
    app.command("exports")(exports_command)
    app.command("label-studio-config")(config_command)


def export_command(
    what: Annotated[str, typer.Argument(help="products, labels, decisions, predictions, snapshot or label-studio.")],
    format: Annotated[str, typer.Option(help="csv, jsonl or parquet; label-studio is always JSON.")] = "",
    out: Annotated[Path | None, typer.Option(help="Move the file there; else it stays among the exports.")] = None,
    filter: Annotated[
        list[str] | None, typer.Option(help="name=value, several times; the names of a list's address bar.")
    ] = None,
    campaign: Annotated[int | None, typer.Option(help="Only what was decided in this campaign (its id).")] = None,
    person: Annotated[str, typer.Option(help="Only what this person gave or decided.")] = "",
    since: Annotated[datetime | None, typer.Option(formats=DAYS, help="From this UTC day on.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=DAYS, help="Up to this UTC day, included.")] = None,
    version: Annotated[str, typer.Option(help="Whose predictions; the version in use when not given.")] = "",
    snapshot: Annotated[str, typer.Option(help="Its number, or a version for what that one learned from.")] = "",
    style: Annotated[str, typer.Option(help="label-studio: taxonomy or choices.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Write products, labels with their history, decisions, predictions, a snapshot, or Label Studio's JSON to a file.

    Tells rows, bytes and the file's SHA-256. An export of products can be imported again and is the same.

    Examples:

        cli.py export products --format csv --filter label_source=human --out checked.csv

        cli.py export decisions --format parquet --campaign 3 --since 2026-11-01

        cli.py export predictions --version v3 --format jsonl

        cli.py export snapshot --snapshot v3 --format parquet

        cli.py export label-studio --out tasks.json
    """
    from core.catalogue.exporting import naming
    from core.catalogue.exporting.exporting import JOB, export_payload, take_away
    from core.catalogue.exporting.request import LABEL_STUDIO, ExportRequest

    if out is not None and out.is_dir():
        raise InvalidInput(N_("{path} is a folder: name a file."), path=out)
    asked: dict[str, Any] = {"what": what, "format": format or ("json" if what == LABEL_STUDIO else "csv")}
    asked |= {"filter": _filter(filter or []), "campaign_id": campaign}
    asked |= {"since": since.date() if since else None, "until": until.date() if until else None}
    with opened() as (runtime, actor):
        asked["person_id"] = naming.person_named(runtime, person) if person else None
        asked["version_id"] = naming.version_named(runtime, version) if version else None
        asked["snapshot_id"] = naming.snapshot_named(runtime, snapshot) if snapshot else None
        asked |= {"style": style} if style else {}
        payload = export_payload(runtime, actor, ExportRequest.from_payload(asked))
        job = run_job(runtime, actor, JOB, payload)
        path = runtime.data_dir / "exports" / job.result["file"]
        if out is not None:
            path = take_away(runtime, actor, job.id, out)
    facts = {name: value for name, value in job.result.items() if name != "file"} | {"id": job.id, "path": str(path)}
    sentence = "{rows:,} rows, {bytes:,} bytes, {rows_per_second:,} rows/s\nSHA-256 {sha256}\n{path}".format(**facts)
    emit(as_json, facts, sentence)


def _filter(parts: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in parts:
        name, sign, value = part.partition("=")
        if not sign:
            raise InvalidInput(N_("'{part}' is not of the form name=value, such as label_source=human."), part=part)
        found[name.strip()] = value.strip()
    return found


def exports_command(
    delete: Annotated[int | None, typer.Option(help="Take the file of this export off the disk.")] = None,
    out: Annotated[Path | None, typer.Option(help="With --get: where to.")] = None,
    get: Annotated[int | None, typer.Option(help="Copy the file of this export to --out.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """List the exports, newest first, with rows, bytes, checksum and place; copy or delete one's file.

    Examples:

        cli.py exports

        cli.py exports --get 12 --out labels.csv

        cli.py exports --delete 12
    """
    from core.catalogue.exporting.exporting import delete_export, list_exports, open_export

    with opened() as (runtime, actor):
        if delete is not None:
            delete_export(runtime, actor, delete)
        if get is not None:
            if out is None:
                raise InvalidInput(N_("Say where to with --out FILE."))
            shutil.copyfile(open_export(runtime, actor, get), out)
        exports = list_exports(runtime, actor, limit=50)
    rows = [
        {
            "id": one.id,
            "what": one.what,
            "format": one.format,
            "status": one.status.value,
            "at": one.created_at,
            "rows": one.n_rows,
            "bytes": one.n_bytes,
            "sha256": one.sha256,
            "path": str(one.path) if one.path else None,
        }
        for one in exports
    ]
    if as_json:
        emit(True, {"exports": rows}, "")
        return
    print_table(
        ["Id", "What", "Format", "Status", "At (UTC)", "Rows", "Bytes", "SHA-256", "File"],
        [
            [
                str(row["id"]),
                str(row["what"]),
                str(row["format"]),
                str(row["status"]),
                f"{row['at']:%Y-%m-%d %H:%M}",
                "" if row["rows"] is None else f"{row['rows']:,}",
                "" if row["bytes"] is None else f"{row['bytes']:,}",
                str(row["sha256"] or "")[:12],
                str(row["path"] or ""),
            ]
            for row in rows
        ],
    )


def config_command(
    style: Annotated[str, typer.Option(help="taxonomy or choices.")] = "taxonomy",
) -> None:
    """Print the labeling interface (XML) for a Label Studio project that an export goes to.

    Example: `cli.py label-studio-config > interface.xml`
    """
    from core.catalogue.exporting.label_studio import labeling_config

    with opened() as (runtime, _):
        typer.echo(labeling_config(runtime, style), nl=False)
