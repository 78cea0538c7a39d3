"""Around every request: its id, a line in the log, a limit to its size, headers that keep answers out of caches."""

import logging
import re
import time
import uuid

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = b"x-request-id"
MAX_BODY_BYTES = 1_000_000
USABLE = re.compile(rb"[A-Za-z0-9._:/+=-]{1,64}")
logger = logging.getLogger("core.api")


class Frame:
    """Plain ASGI: the framework's own middleware classes cost a task a request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == HEADER), b"")
        request_id = given if USABLE.fullmatch(given) else uuid.uuid4().hex.encode()
        state = scope.setdefault("state", {})
        state["request_id"] = request_id.decode()
        began, status, received = time.perf_counter(), 0, 0

        async def receive_limited() -> Message:
            """Raised here, the refusal reaches whoever reads the body, and is answered as a problem."""
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY_BYTES:
                raise HTTPException(413)
            return message

        async def send_framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                rate = state.get("rate_headers", {})
                message["headers"] = [
                    *message["headers"],
                    (HEADER, request_id),
                    (b"x-content-type-options", b"nosniff"),
                    *((name.lower().encode(), value.encode()) for name, value in rate.items()),
                    *([(b"cache-control", b"no-store")] if scope["path"].startswith("/v1/") else []),
                ]
            await send(message)

        try:
            await self.app(scope, receive_limited, send_framed)
        finally:
            milliseconds = (time.perf_counter() - began) * 1000
            logger.info(
                "%s %s %s %s %.1f ms", request_id.decode(), scope["method"], scope["path"], status, milliseconds
            )
