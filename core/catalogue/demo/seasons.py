"""When demo products were registered: 24 calendar months, each kind of thing in its season."""

import random
from datetime import UTC, datetime, timedelta, timezone

KOREA = timezone(timedelta(hours=9))
FIRST_YEAR, FIRST_MONTH = 2024, 11
N_MONTHS = 24  # up to and with October 2026

# How many are registered in January .. December, relative to each other.
CURVES: dict[str, tuple[float, ...]] = {
    "": (9, 9, 10, 10, 10, 10, 9, 9, 10, 11, 11, 10),
    "winter": (9, 4, 2, 1, 1, 1, 1, 2, 8, 16, 20, 16),
    "deep_winter": (10, 3, 1, 0.4, 0.3, 0.3, 0.4, 1, 6, 18, 26, 20),
    "spring": (6, 12, 18, 18, 14, 10, 7, 6, 8, 7, 4, 3),
    "summer": (1, 2, 6, 12, 20, 24, 20, 10, 3, 1, 1, 1),
    "rain": (1, 1, 3, 6, 14, 26, 26, 12, 4, 1, 1, 1),
    "autumn": (4, 7, 11, 9, 4, 2, 2, 8, 18, 18, 10, 5),
    "camping": (2, 3, 10, 16, 18, 14, 12, 10, 14, 12, 4, 2),
    "school": (14, 26, 16, 4, 2, 2, 4, 12, 6, 3, 4, 8),
    "year_end": (14, 6, 2, 1, 1, 1, 1, 2, 4, 14, 26, 28),
    "holiday": (24, 14, 2, 1, 2, 2, 3, 18, 26, 6, 2, 6),
    "harvest": (5, 4, 3, 2, 2, 2, 4, 10, 22, 24, 16, 8),
}


def draw_moment(rng: random.Random, season: str) -> datetime:
    """A registration time (UTC) of this season's curve; the second year is a little busier."""
    curve = CURVES[season]
    weights = [
        curve[(FIRST_MONTH - 1 + index) % 12] * (1.15 if index >= N_MONTHS // 2 else 1.0) for index in range(N_MONTHS)
    ]
    index = rng.choices(range(N_MONTHS), weights)[0]
    year, month = divmod(FIRST_YEAR * 12 + FIRST_MONTH - 1 + index, 12)
    first = datetime(year, month + 1, 1, tzinfo=KOREA)
    after = datetime(year + (month + 1) // 12, (month + 1) % 12 + 1, 1, tzinfo=KOREA)
    day = first + timedelta(days=rng.randrange((after - first).days))
    hour = rng.choices(range(24), (2, 1, 1, 1, 1, 1, 2, 3, 5, 9, 11, 11, 7, 9, 10, 10, 9, 8, 6, 4, 4, 4, 3, 3))[0]
    return (day + timedelta(hours=hour, minutes=rng.randrange(60), seconds=rng.randrange(60))).astimezone(UTC)


def korean_month(moment: datetime) -> int:
    """1 to 12, as the seller's calendar says."""
    return moment.astimezone(KOREA).month


def fashion_season(moment: datetime) -> str:
    """The half-year a clothing seller would name: '26SS' from February to July, '26FW' else."""
    local = moment.astimezone(KOREA)
    if 2 <= local.month <= 7:
        return f"{local.year % 100}SS"
    return f"{(local.year - (local.month == 1)) % 100}FW"
