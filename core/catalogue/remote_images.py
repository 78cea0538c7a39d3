"""Fetching an image by URL without being led into the private network, held up, or flooded."""

import http.client
import time
from collections.abc import Callable
from urllib.parse import urljoin

from core.errors import N_, InvalidInput
from core.guarded_http import PORTS, NoAddress, NotAllowed, Target, connected, is_global, resolve, seconds_left

DEADLINE_SECONDS = 5.0
MAX_REDIRECTS = 3


def is_public(address: str, port: int) -> bool:
    """Whether an image may be fetched from there: the open internet on the web's own ports."""
    return is_global(address) and port in PORTS.values()


def fetch_image(
    url: str,
    max_bytes: int,
    deadline_seconds: float = DEADLINE_SECONDS,
    allowed: Callable[[str, int], bool] = is_public,
) -> bytes:
    """The bytes behind an http(s) URL, redirects followed and checked one by one with `allowed(address, port)`.

    Raises InvalidInput for a forbidden, broken, slow or too large answer.
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


def _resolve(url: str, allowed: Callable[[str, int], bool]) -> Target:
    try:
        return resolve(url, allowed)
    except NoAddress as error:
        raise InvalidInput(N_("'{url}' is not the address of an image."), url=url) from error
    except NotAllowed as error:
        raise InvalidInput(
            N_("Images are not fetched from {host}: it is not on the open internet."), host=error
        ) from error


def _get(target: Target, max_bytes: int, deadline: float) -> tuple[str | None, bytes]:
    """(where it redirects to, b"") or (None, the body)."""
    with connected(target, deadline) as sock:
        connection = http.client.HTTPConnection(target.host, target.port)
        connection.sock = sock
        connection.request("GET", target.path, headers={"Accept": "image/*", "User-Agent": "Shelfwright"})
        response = connection.getresponse()
        if response.status in (301, 302, 303, 307, 308):
            return response.headers.get("Location", ""), b""
        if response.status != 200:
            raise ValueError(f"HTTP {response.status}")
        body = response.read(max_bytes + 1)
        if len(body) > max_bytes:
            raise ValueError(f"more than {max_bytes:,} bytes")
        seconds_left(deadline)  # what the clock cut off is not the whole image
        return None, body
