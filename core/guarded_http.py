"""Going to an address that somebody typed in, without being led into the private network or held up."""

import contextlib
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

PORTS = {"http": 80, "https": 443}
# Addresses that carry another address inside and would smuggle a private one past the check.
_TUNNELS = [ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")]


class NoAddress(ValueError):
    """This is no http(s) address, or its name leads nowhere."""


class NotAllowed(ValueError):
    """The address lies where nobody may be led. The message is host and port."""


@dataclass(frozen=True)
class Target:
    """One request: the address that was checked is the address that is connected to."""

    scheme: str
    host: str
    port: int
    path: str
    address: str


def is_global(address: str) -> bool:
    """Whether an IP address lies on the open internet, and carries no other one inside."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            ip = ip.ipv4_mapped
        elif any(ip in tunnel for tunnel in _TUNNELS):
            return False
    return ip.is_global and not ip.is_multicast


def resolve(url: str, allowed: Callable[[str, int], bool]) -> Target:
    """Where the URL leads. `allowed(address, port)` is asked after the name was resolved, and the connection goes to
    that address, so that a name cannot change its meaning in between. Raises NoAddress or NotAllowed.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme, 0)
        if parts.scheme not in PORTS or not parts.hostname or parts.username is not None or not url.isprintable():
            raise NoAddress(url)
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]).split("%")[0] for entry in found]
    except (ValueError, OSError) as error:
        raise NoAddress(url) from error
    # One private answer among public ones is an attack, not an accident: refuse them all.
    if not addresses or not all(allowed(address, port) for address in addresses):
        raise NotAllowed(parts.netloc)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, parts.hostname, port, path, addresses[0])


@contextmanager
def connected(target: Target, deadline: float) -> Iterator[socket.socket]:
    """A socket to the checked address, with TLS for https, that hangs up at `deadline` (of `time.monotonic`).

    One clock for all of it: a server that drips bytes does not get new time with each of them. Raises OSError.
    """
    sockets = [socket.create_connection((target.address, target.port), timeout=seconds_left(deadline))]
    clock = threading.Timer(seconds_left(deadline), _hang_up, [sockets])
    clock.daemon = True
    clock.start()
    try:
        if target.scheme == "https":
            sockets.append(ssl.create_default_context().wrap_socket(sockets[0], server_hostname=target.host))
        yield sockets[-1]
    finally:
        clock.cancel()
        for sock in sockets:
            sock.close()


def _hang_up(sockets: list[socket.socket]) -> None:
    for sock in sockets:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def seconds_left(deadline: float) -> float:
    """Raises TimeoutError when there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("too slow")
    return left
