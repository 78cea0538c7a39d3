"""Commands: webhook add, list, remove, test, deliveries, redeliver."""

from typing import Annotated

import typer

from commands.terminal import JsonFlag, emit, opened, print_table
from core.webhooks import EVENTS
from db.enums import DeliveryStatus

HookId = Annotated[int, typer.Argument(help="The webhook's number.")]


def register(app: typer.Typer) -> None:
    """Add this room's commands to the command line."""
    hook = typer.Typer(no_args_is_help=True, help="Webhooks: addresses that hear of decisions, jobs and promotions.")
    hook.command("add")(add_command)
    hook.command("list")(list_command)
    hook.command("remove")(remove_command)
    hook.command("test")(try_command)
    hook.command("deliveries")(deliveries_command)
    hook.command("redeliver")(redeliver_command)
    app.add_typer(hook, name="webhook")


def add_command(
    url: Annotated[str, typer.Argument(help="An http(s) address that takes POST.")],
    events: Annotated[str, typer.Option(help="Of decision, job and promotion, with commas between.")] = ",".join(
        EVENTS
    ),
    as_json: JsonFlag = False,
) -> None:
    """Let an address hear of events; prints the secret that signs what is sent.

    Example: `cli.py webhook add https://example.com/hear --events decision,promotion`
    """
    from core.webhooks import add_webhook

    with opened() as (runtime, actor):
        hook = add_webhook(runtime, actor, url, [name.strip() for name in events.split(",") if name.strip()])
    facts = {"id": hook.id, "url": hook.url, "events": list(hook.events), "secret": hook.secret}
    emit(as_json, facts, f"Webhook {hook.id} hears of {', '.join(hook.events)}.\nSecret: {hook.secret}")


def list_command(
    secrets: Annotated[bool, typer.Option(help="Print the secrets too.")] = False, as_json: JsonFlag = False
) -> None:
    """List the webhooks.

    Example: `cli.py webhook list`
    """
    from core.webhooks import list_webhooks

    with opened() as (runtime, actor):
        hooks = list_webhooks(runtime, actor)
    if as_json:
        rows = [
            {"id": hook.id, "url": hook.url, "events": list(hook.events), "created_at": hook.created_at}
            | ({"secret": hook.secret} if secrets else {})
            for hook in hooks
        ]
        emit(True, {"webhooks": rows}, "")
        return
    extra = ["Secret"] if secrets else []
    print_table(
        ["Id", "Address", "Hears of", *extra],
        [[str(hook.id), hook.url, ", ".join(hook.events), *([hook.secret] if secrets else [])] for hook in hooks],
    )
    emit(False, {}, f"{len(hooks)} webhooks")


def remove_command(webhook_id: HookId) -> None:
    """Take a webhook away; what was sent stays listed.

    Example: `cli.py webhook remove 1`
    """
    from core.webhooks import remove_webhook

    with opened() as (runtime, actor):
        remove_webhook(runtime, actor, webhook_id)
    typer.echo(f"Webhook {webhook_id} hears nothing more.")


def try_command(webhook_id: HookId, as_json: JsonFlag = False) -> None:
    """Send a test message now and say how it went.

    Example: `cli.py webhook test 1`
    """
    from core.webhook_sending import send_test

    with opened() as (runtime, actor):
        sent = send_test(runtime, actor, webhook_id)
    arrived = sent.status == DeliveryStatus.DELIVERED
    facts = {"delivered": arrived, "response_status": sent.response_status, "error": sent.error}
    emit(as_json, facts, f"It arrived: HTTP {sent.response_status}." if arrived else f"It did not arrive. {sent.error}")
    if not arrived:
        raise typer.Exit(1)


def deliveries_command(
    webhook: Annotated[int | None, typer.Option(help="Of this webhook only.")] = None,
    failed: Annotated[bool, typer.Option(help="Only those that were given up.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    as_json: JsonFlag = False,
) -> None:
    """List what was sent or waits, newest first. Kept for 30 days.

    Example: `cli.py webhook deliveries --failed`
    """
    from core.webhooks import list_deliveries

    with opened() as (runtime, actor):
        found = list_deliveries(runtime, actor, webhook, DeliveryStatus.FAILED if failed else None, limit)
    if as_json:
        emit(True, {"deliveries": [vars(one) for one in found]}, "")
        return
    print_table(
        ["Id", "Webhook", "Event", "Status", "Attempts", "HTTP", "At (UTC)", "Error"],
        [
            [
                str(one.id),
                str(one.webhook_id),
                one.event,
                one.status.value,
                str(one.attempt),
                str(one.response_status or ""),
                f"{one.created_at:%Y-%m-%d %H:%M:%S}",
                (one.error or "")[:80],
            ]
            for one in found
        ],
    )
    emit(False, {}, f"{len(found)} deliveries")


def redeliver_command(delivery_id: Annotated[int, typer.Argument(help="The delivery's number.")]) -> None:
    """Send one delivery once more, under the same event id.

    Example: `cli.py webhook redeliver 17`
    """
    from core.webhooks import redeliver

    with opened() as (runtime, actor):
        redeliver(runtime, actor, delivery_id)
    typer.echo(f"Delivery {delivery_id} is sent again as soon as a worker runs.")
