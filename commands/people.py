"""Commands: people (list, invite, role, email, deactivate, activate), token (create, list, revoke), audit."""

import sys
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.terminal import JsonFlag, emit, opened, print_table
from core.api_tokens import Scope
from core.errors import InvalidInput, NotFound
from core.runtime import Runtime
from db.enums import Role

Who = Annotated[str, typer.Argument(help="A name, as `people list` prints it.")]
RoleWord = Annotated[Role, typer.Option("--role", help="annotator, reviewer, analyst, operator or admin.")]
Reason = Annotated[str, typer.Option(help="It is kept in the audit trail.")]


class FileKind(StrEnum):
    """How the audit trail is written."""

    CSV = "csv"
    JSONL = "jsonl"


def register(app: typer.Typer) -> None:
    """Add this room's commands to the command line."""
    people = typer.Typer(no_args_is_help=True, help="Members: invite, give a role, switch off and on.")
    people.command("list")(list_command)
    people.command("invite")(invite_command)
    people.command("role")(role_command)
    people.command("email")(email_command)
    people.command("deactivate")(deactivate_command)
    people.command("activate")(activate_command)
    app.add_typer(people, name="people")
    token = typer.Typer(no_args_is_help=True, help="API tokens: how programs come in, as you and within scopes.")
    token.command("create")(token_create_command)
    token.command("list")(token_list_command)
    token.command("revoke")(token_revoke_command)
    app.add_typer(token, name="token")
    app.command("audit")(audit_command)


def list_command(
    words: Annotated[str, typer.Option(help="In name or address.")] = "", as_json: JsonFlag = False
) -> None:
    """List people with their roles and, for who may see them, their figures.

    Example: cli.py people list --words kim
    """
    from core.members import list_members

    found, after = [], None
    with opened() as (runtime, actor):
        while True:
            page = list_members(runtime, actor, words, after)
            found += page.members
            if (after := page.next_after) is None:
                break
    facts = [
        {
            "id": member.id,
            "name": member.name,
            "role": member.role.value,
            "is_active": member.is_active,
            "email": member.email,
            "has_joined": member.has_joined,
            "scores": vars(member.scores) if member.scores else None,
        }
        for member in found
    ]
    if not as_json:
        heading = ["Name", "Role", "State", "E-mail", "Decisions", "Today", "Per hour"]
        print_table(heading, [_cells(fact) for fact in facts])
    emit(as_json, {"people": facts}, f"{len(found)} people")


def _cells(fact: dict[str, Any]) -> list[str]:
    scores = fact["scores"] or {}
    state = "active" if fact["is_active"] else "switched off"
    figures = [scores.get(name) for name in ("n_total", "n_today", "per_hour")]
    shown = ["" if value is None else f"{value:,.0f}" for value in figures]
    return [fact["name"], fact["role"], state, fact["email"] or "", *shown]


def invite_command(
    email: Annotated[str, typer.Argument(help="The address the sign-in provider vouches for.")],
    role: RoleWord = Role.ANNOTATOR,
    name: Annotated[str, typer.Option(help="How they are called here; a name of before is taken over.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Let somebody come in with an e-mail address.

    Example: cli.py people invite mina@shop.example --role reviewer --name 미나
    """
    from core.people import invite

    with opened() as (runtime, actor):
        person = invite(runtime, actor, email, role, name)
    emit(as_json, _facts(person), f"{person.name} may sign in as {person.email}, role {person.role.value}.")


def role_command(
    name: Who, role: Annotated[Role, typer.Argument()], reason: Reason = "", as_json: JsonFlag = False
) -> None:
    """Give somebody another role, from the next thing they do on.

    Example: cli.py people role 미나 reviewer --reason "knows the tree best"
    """
    from core.people import change_role

    with opened() as (runtime, actor):
        person = change_role(runtime, actor, _id_of(runtime, name), role, reason)
    emit(as_json, _facts(person), f"{person.name} is {person.role.value} now.")


def email_command(name: Who, email: Annotated[str, typer.Argument()], as_json: JsonFlag = False) -> None:
    """Give somebody the e-mail address they sign in with; a sign-in from before is forgotten.

    Example: cli.py people email 미나 mina@shop.example
    """
    from core.people import change_email

    with opened() as (runtime, actor):
        person = change_email(runtime, actor, _id_of(runtime, name), email)
    emit(as_json, _facts(person), f"{person.name} signs in as {person.email} from now on.")


def deactivate_command(
    name: Who, reason: Annotated[str, typer.Option(help="Needed: others will want to know.")], as_json: JsonFlag = False
) -> None:
    """Switch somebody off: sessions and tokens end, what they hold goes back, what they did stays.

    Example: cli.py people deactivate 미나 --reason "left the shop"
    """
    from core.people import deactivate

    with opened() as (runtime, actor):
        person = deactivate(runtime, actor, _id_of(runtime, name), reason)
    emit(as_json, _facts(person), f"{person.name} is switched off.")


def activate_command(name: Who, reason: Reason = "", as_json: JsonFlag = False) -> None:
    """Switch somebody on again, as they were.

    Example: cli.py people activate 미나
    """
    from core.people import activate

    with opened() as (runtime, actor):
        person = activate(runtime, actor, _id_of(runtime, name), reason)
    emit(as_json, _facts(person), f"{person.name} is active again.")


def _id_of(runtime: Runtime, name: str) -> int:
    from core.people import find_by_name

    person = find_by_name(runtime, name)
    if person is None:
        raise NotFound("Nobody is called '{name}'; `cli.py people list` lists them.", name=name)
    return person.id


def _facts(person: Any) -> dict[str, Any]:
    return vars(person) | {"role": person.role.value}


def token_create_command(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[list[Scope], typer.Option(help="read, label, manage or export; may be given several times.")],
    days: Annotated[int, typer.Option(min=0, help="How long it is valid; 0: no end.")] = 90,
    as_json: JsonFlag = False,
) -> None:
    """Make an API token of your own (SHELFWRIGHT_PERSON says whose) and print it, this once.

    Example: cli.py token create nightly-export --scope read --scope export
    """
    from core.api_tokens import create_token

    with opened() as (runtime, actor):
        token, shown = create_token(runtime, actor, name, scope, days or None)
    ends = f"until {shown.expires_at:%Y-%m-%d}" if shown.expires_at else "without end"
    said = f"Token {shown.id} of {shown.person}, valid {ends}. It is shown only now:\n{token}"
    emit(as_json, _token_facts(shown) | {"token": token}, said)


def token_list_command(
    everybody: Annotated[bool, typer.Option("--all", help="Of everybody; for admins.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """List API tokens: whose, for what, until when. The tokens themselves are nowhere.

    Example: cli.py token list --all
    """
    from core.api_tokens import list_tokens

    with opened() as (runtime, actor):
        tokens = list_tokens(runtime, actor, everybody)
    if not as_json:
        heading = ["Id", "Person", "Name", "Begins with", "Scopes", "State", "Last used"]
        rows = [
            [
                str(token.id),
                token.person,
                token.name,
                token.prefix,
                " ".join(sorted(token.scopes)),
                "works" if token.is_usable else "revoked" if token.revoked_at else "expired",
                f"{token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else "never",
            ]
            for token in tokens
        ]
        print_table(heading, rows)
    emit(as_json, {"tokens": [_token_facts(token) for token in tokens]}, f"{len(tokens)} tokens")


def _token_facts(token: Any) -> dict[str, Any]:
    return vars(token) | {"scopes": sorted(token.scopes), "is_usable": token.is_usable}


def token_revoke_command(
    token: Annotated[int, typer.Argument(help="Its id, from `token list`.")], as_json: JsonFlag = False
) -> None:
    """Revoke an API token of your own; admins revoke anybody's.

    Example: cli.py token revoke 3
    """
    from core.api_tokens import revoke_token

    with opened() as (runtime, actor):
        revoke_token(runtime, actor, token)
    emit(as_json, {"id": token}, f"Token {token} works no more.")


def audit_command(
    person: Annotated[str, typer.Option(help="Who did it: a name.")] = "",
    action: Annotated[str, typer.Option(help="Such as set_role.")] = "",
    entity: Annotated[str, typer.Option(help="Such as campaign.")] = "",
    number: Annotated[int | None, typer.Option("--id", help="Of one entity.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="Only the last days.")] = None,
    words: Annotated[str, typer.Option(help="In names, reasons and values.")] = "",
    kind: Annotated[FileKind, typer.Option("--format", help="csv or jsonl.")] = FileKind.CSV,
    output: Annotated[Path | None, typer.Option(help="A file; standard output when not given.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Write the audit trail, newest first: who changed what, when, from what to what.

    Examples:

        cli.py audit --days 7 --entity campaign

        cli.py audit --format jsonl --output audit.jsonl --json
    """
    from core.audit import AuditFilter, audit_csv, audit_jsonl

    if as_json and output is None:
        raise InvalidInput("--json needs --output: standard output cannot hold both.")
    with opened() as (runtime, actor):
        wanted = AuditFilter(
            person_id=_id_of(runtime, person) if person else None,
            action=action or None,
            entity=entity or None,
            entity_id=number,
            since=datetime.now(UTC) - timedelta(days=days) if days else None,
            text=words,
        )
        lines = (audit_csv if kind is FileKind.CSV else audit_jsonl)(runtime, actor, wanted)
        if output is None:
            sys.stdout.writelines(lines)
            return
        with output.open("w", encoding="utf-8", newline="") as file:
            n_written = sum(1 for line in lines if file.write(line))
    n_acts = n_written - (kind is FileKind.CSV)
    emit(as_json, {"acts": n_acts, "file": str(output)}, f"{n_acts} acts written to {output}.")
