"""Command: api, the REST API for programs."""

import contextlib
import ipaddress
import logging
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import Annotated

import typer

from core.errors import NotReady
from core.runtime import open_runtime
from core.settings import check_range, read_settings

APPLICATION = "core.api.app:from_environment"
READY_SECONDS = 60.0
SHUTDOWN_SECONDS = 10
KEEP_ALIVE_SECONDS = 75  # longer than a person thinks over a card


def register(app: typer.Typer) -> None:
    """Add this room's command to the command line."""
    app.command()(api)


def api(
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: this machine only.")] = None,
    port: Annotated[int | None, typer.Option(help="Port. Default: 8502.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes. Each counts the rate limit itself.")] = 1,
    access_log: Annotated[bool, typer.Option(help="A line on stderr for each request.")] = False,
) -> None:
    """Serve the REST API, and print its address when it is ready. Every request needs a token (People page).

    Example: `cli.py api --port 8502`, then open /docs there.

    It may listen on any address: without a token nobody gets in. Over a network put TLS in front of it.
    """
    import uvicorn

    settings = read_settings()
    host = host or settings.api_host
    port = settings.api_port if port is None else port
    check_range("--port", "api_port", port)
    _check_free(host, port)
    open_runtime(settings).close()  # the schema is there before several processes look for it
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("core.api").setLevel(logging.INFO if access_log else logging.WARNING)
    threading.Thread(target=_say_when_ready, args=(host, port), daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.run(
            APPLICATION,
            factory=True,
            host=host,
            port=port,
            workers=workers,
            access_log=False,  # ours has the request's id
            log_config=None,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )


def _check_free(host: str, port: int) -> None:
    """Raise NotReady when the address cannot be listened on."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise NotReady(
            "The API cannot listen on {host}, port {port}: {reason}",
            host=host,
            port=port,
            reason=error.strerror or str(error),
        ) from None


def _say_when_ready(host: str, port: int) -> None:
    """One line as soon as the API and its database answer."""
    address = f"http://{_reachable(host)}:{port}"
    began = time.monotonic()
    while time.monotonic() - began < READY_SECONDS:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=2):  # noqa: S310 - our own address
                break
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    else:
        return
    sys.stdout.write(f"The API is ready at {address}/docs  ({time.monotonic() - began:.1f} s)\n")
    if not _is_loopback(host):
        sys.stdout.write("It listens beyond this machine: tokens travel in the clear unless TLS stands in front.\n")
    sys.stdout.flush()


def _reachable(host: str) -> str:
    """How a listening address is called from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"[{host}]" if ":" in host else host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
