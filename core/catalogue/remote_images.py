"""Fetching an image by URL without being led into the private network, held up, or flooded."""

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from core.errors import N_, InvalidInput

DEADLINE_SECONDS = 5.0
MAX_REDIRECTS = 3
PORTS = {"http": 80, "https": 443}
# Addresses that carry another address inside and would smuggle a private one past the check.
_TUNNELS = [ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")]


@dataclass(frozen=True)
class _Target:
    """One request: the address that was checked is the address that is connected to."""

    scheme: str
    host: str
    port: int
    path: str
    address: str


def is_public(address: str, port: int) -> bool:
    """Whether an image may be fetched from there: the open internet on the web's own ports."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            ip = ip.ipv4_mapped
        elif any(ip in tunnel for tunnel in _TUNNELS):
            return False
    return ip.is_global and not ip.is_multicast and port in PORTS.values()


def fetch_image(
    url: str,
    max_bytes: int,
    deadline_seconds: float = DEADLINE_SECONDS,
    allowed: Callable[[str, int], bool] = is_public,
) -> bytes:
    """The bytes behind an http(s) URL, redirects followed and checked one by one.

    `allowed(address, port)` is asked after the name was resolved, and the connection goes to that address, so that
    a name cannot change its meaning in between. Raises InvalidInput for a forbidden, broken, slow or too large answer.
    """
    deadline = time.monotonic() + deadline_seconds
    for _hop in range(MAX_REDIRECTS + 1):
        target = _resolve(url, allowed)
        try:
            redirect, body = _get(target, max_bytes, deadline)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise InvalidInput(N_("The image at {url} cannot be fetched: {reason}"), url=url, reason=error) from error
        if redirect is None:
            return body
        url = urljoin(url, redirect)
    raise InvalidInput(N_("The image at {url} redirects too often."), url=url)


def _resolve(url: str, allowed: Callable[[str, int], bool]) -> _Target:
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme, 0)
        if parts.scheme not in PORTS or not parts.hostname or parts.username is not None or not url.isprintable():
            raise ValueError(url)
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]).split("%")[0] for entry in found]
    except (ValueError, OSError) as error:
        raise InvalidInput(N_("'{url}' is not the address of an image."), url=url) from error
    # One private answer among public ones is an attack, not an accident: refuse them all.
    if not addresses or not all(allowed(address, port) for address in addresses):
        raise InvalidInput(N_("Images are not fetched from {host}: it is not on the open internet."), host=parts.netloc)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Target(parts.scheme, parts.hostname, port, path, addresses[0])


def _get(target: _Target, max_bytes: int, deadline: float) -> tuple[str | None, bytes]:
    """(where it redirects to, b"") or (None, the body)."""
    sock = _connect(target, deadline)
    # One clock for all of it: a server that drips bytes does not get new time with each of them.
    clock = threading.Timer(_left(deadline), _hang_up, [sock])
    clock.daemon = True
    connection = http.client.HTTPConnection(target.host, target.port)
    connection.sock = sock
    try:
        clock.start()
        connection.request("GET", target.path, headers={"Accept": "image/*", "User-Agent": "Shelfwright"})
        response = connection.getresponse()
        if response.status in (301, 302, 303, 307, 308):
            return response.headers.get("Location", ""), b""
        if response.status != 200:
            raise ValueError(f"HTTP {response.status}")
        body = response.read(max_bytes + 1)
        if len(body) > max_bytes:
            raise ValueError(f"more than {max_bytes:,} bytes")
        _left(deadline)  # what the clock cut off is not the whole image
        return None, body
    finally:
        clock.cancel()
        connection.close()
        sock.close()


def _hang_up(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _connect(target: _Target, deadline: float) -> socket.socket:
    raw = socket.create_connection((target.address, target.port), timeout=_left(deadline))
    if target.scheme == "http":
        return raw
    try:
        return ssl.create_default_context().wrap_socket(raw, server_hostname=target.host)
    except (OSError, ValueError):
        raw.close()
        raise


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("too slow")
    return left
