"""How often a token may ask, and how often an address may try tokens that are not known: moving windows in memory."""

import hashlib
import math
import time
from dataclasses import dataclass

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from core.errors import N_, AppError

NO_LIMIT = "off"
FAILURES = parse("60/minute")  # unknown tokens from one address


class TooManyRequests(AppError):
    """The window of a token, or of an address that tries tokens, is full for `wait` seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__(N_("Too many requests. Wait a moment and go on."))
        self.retry_after = max(1, math.ceil(wait))


@dataclass(frozen=True)
class Window:
    """How much of a token's window is left: `remaining` requests, all of them again after `reset` seconds."""

    limit: int
    seconds: int
    remaining: int
    reset: int

    def headers(self) -> dict[str, str]:
        """RateLimit-Policy and RateLimit as the IETF's draft writes them."""
        return {
            "RateLimit-Policy": f'"token";q={self.limit};w={self.seconds}',
            "RateLimit": f'"token";r={self.remaining};t={self.reset}',
        }


class RateLimiter:
    """Counts in this process; several workers count each for themselves."""

    def __init__(self, rate: str) -> None:
        self._rate: RateLimitItem | None = None if rate == NO_LIMIT else parse(rate)
        self._windows = MovingWindowRateLimiter(MemoryStorage())

    def count(self, token: str) -> Window | None:
        """Count a request of a token that is known; None when there is no limit. Raises TooManyRequests."""
        if self._rate is None:
            return None
        name = hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
        allowed = self._windows.hit(self._rate, "token", name)
        reset_at, remaining = self._windows.get_window_stats(self._rate, "token", name)
        wait = max(0.0, reset_at - time.time())
        if not allowed:
            raise TooManyRequests(wait)
        return Window(self._rate.amount, self._rate.get_expiry(), remaining, math.ceil(wait))

    def check_failures(self, address: str) -> None:
        """Raise TooManyRequests for an address that tried too many unknown tokens."""
        if not self._windows.test(FAILURES, "failure", address):
            reset_at, _ = self._windows.get_window_stats(FAILURES, "failure", address)
            raise TooManyRequests(reset_at - time.time())

    def count_failure(self, address: str) -> None:
        self._windows.hit(FAILURES, "failure", address)
