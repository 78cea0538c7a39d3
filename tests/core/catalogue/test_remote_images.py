"""Fetching by URL: never into the private network, never for long, never too much."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from core import guarded_http
from core.catalogue.remote_images import fetch_image, is_public
from core.errors import InvalidInput

Answer = Callable[[BaseHTTPRequestHandler], None]


def anywhere(address: str, port: int) -> bool:
    return True


@pytest.fixture
def site() -> Iterator[tuple[str, dict[str, Answer], list[str]]]:
    """(address, answers by path, Host headers seen) of a small web server."""
    answers: dict[str, Answer] = {}
    hosts: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hosts.append(self.headers["Host"])
            answers[self.path](self)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", answers, hosts
    server.shutdown()
    thread.join()
    server.server_close()


def send(body: bytes, status: int = 200, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def test_fetches_and_follows_a_redirect(site: tuple[str, dict[str, Answer], list[str]]) -> None:
    address, answers, _ = site
    answers["/a?size=1"] = send(b"", 302, Location="/b")
    answers["/b"] = send(b"picture")
    assert fetch_image(address + "/a?size=1", 100, allowed=anywhere) == b"picture"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/big", "more than"),
        ("/gone", "HTTP 404"),
        ("/round", "too often"),
        ("/slow", "too slow"),
        ("/drip", "fetched"),
    ],
)
def test_what_is_refused(site: tuple[str, dict[str, Answer], list[str]], path: str, reason: str) -> None:
    address, answers, _ = site
    stop = threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        stop.wait(5)

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.0 200 OK\r\nX-Long: ")
        while not stop.wait(0.05):
            handler.wfile.write(b"x")

    answers |= {
        "/big": send(b"x" * 101),
        "/gone": send(b"", 404),
        "/round": send(b"", 301, Location="/round"),
        "/slow": slow,
        "/drip": drip,
    }
    started = time.monotonic()
    with pytest.raises(InvalidInput, match=reason):
        fetch_image(address + path, 100, deadline_seconds=0.5, allowed=anywhere)
    assert time.monotonic() - started < 3
    stop.set()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_private_addresses_are_not_public(address: str) -> None:
    assert not is_public(address, 80)


def test_public_addresses_only_on_the_webs_ports() -> None:
    assert is_public("1.1.1.1", 443)
    assert is_public("2606:4700::1111", 80)
    assert not is_public("1.1.1.1", 22)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/a.png",
        "http://127.0.0.1/a.png",
        "http://2130706433/a.png",
        "http://0x7f.1/a.png",
        "http://[::1]/a.png",
        "http://[::ffff:7f00:1]/a.png",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "gopher://example.com/",
        "http://user:word@example.com/",
        "http:///a.png",
        "http://exa mple.com/\r\nX: 1",
        "http://[::1",
        "http://example.com:99999/",
        f"http://{'a' * 300}.com/",
    ],
)
def test_forbidden_urls_are_refused_before_a_connection(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*args: object, **options: object) -> socket.socket:
        raise AssertionError("connected")

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(InvalidInput):
        fetch_image(url, 100)


def test_a_redirect_into_the_private_network_is_refused(site: tuple[str, dict[str, Answer], list[str]]) -> None:
    address, answers, hosts = site
    answers["/a"] = send(b"", 302, Location=address + "/secret")
    answers["/secret"] = send(b"secret")
    once = iter([True, False])
    with pytest.raises(InvalidInput, match="open internet"):
        fetch_image(address + "/a", 100, allowed=lambda *_: next(once))
    assert len(hosts) == 1


def test_the_checked_address_is_the_one_connected_to(
    site: tuple[str, dict[str, Answer], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that answers differently the second time it is asked cannot lead elsewhere."""
    address, answers, hosts = site
    answers["/a"] = send(b"picture")
    asked = []

    def resolve(host: str, port: int, **options: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(guarded_http.socket, "getaddrinfo", resolve)
    monkeypatch.setattr(
        guarded_http.socket,
        "create_connection",
        lambda where, timeout: _connect(where, timeout),
    )
    port = address.rsplit(":", 1)[1]
    assert fetch_image(f"http://shop.example:{port}/a", 100, allowed=anywhere) == b"picture"
    assert asked == ["shop.example"]
    assert hosts == [f"shop.example:{port}"]


def _connect(where: tuple[str, int], timeout: float) -> socket.socket:
    assert where[0] == "127.0.0.1"
    sock = socket.socket()
    sock.settimeout(timeout)
    sock.connect(where)
    return sock
