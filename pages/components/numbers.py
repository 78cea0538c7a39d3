"""Numbers as people read them: counts with thousands, rates with their interval and n."""

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from core.training.intervals import Rate
from pages.components.words import _


def count_text(n: int) -> str:
    return f"{n:,}"


def rate_text(rate: Rate) -> str:
    """'89.7 % (89.0 to 90.4, n = 6,587)'; under 30 rows 'too few (n = 12)'."""
    if rate.value is None or rate.is_too_few:
        return _("too few (n = {n})").format(n=count_text(rate.n))
    return _("{rate} % ({low} to {high}, n = {n})").format(
        rate=percent(rate.value), low=percent(rate.low), high=percent(rate.high), n=count_text(rate.n)
    )


def percent(fraction: float) -> str:
    """0..1 as '89.7'."""
    return f"{100 * fraction:.1f}"


def time_text(at: datetime) -> str:
    """A moment to the minute, by the clock of the browser; by UTC where it does not say which clock it has."""
    try:
        zone: tzinfo = ZoneInfo(st.context.timezone or "UTC")
    except (ValueError, ZoneInfoNotFoundError):  # a name that this machine does not know
        zone = UTC
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def duration_text(duration: timedelta) -> str:
    """'3 min 20 s'."""
    minutes, seconds = divmod(round(duration.total_seconds()), 60)
    if minutes >= 60:
        return _("{hours} h {minutes} min").format(hours=minutes // 60, minutes=minutes % 60)
    if minutes:
        return _("{minutes} min {seconds} s").format(minutes=minutes, seconds=seconds)
    return _("{seconds} s").format(seconds=seconds)
