"""The demo population: who and what `vigility seed` fills a database with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from vigility.core.dimensions import Gender
from vigility.core.events.model import NewEvent
from vigility.core.users.model import NewUser

PASSWORD: Final = "password123"  # noqa: S105 - of demo users, and printed with them
"""The password of every demo user."""

FEATURES: Final = (
    "date_filter",
    "gender_filter",
    "age_filter",
    "bar_chart_zoom",
    "line_chart_hover",
    "export_data",
    "refresh_data",
)

FIRST_USERS: Final = (
    ("user1", 16, Gender.MALE),
    ("user2", 25, Gender.FEMALE),
    ("user3", 32, Gender.MALE),
    ("user4", 45, Gender.FEMALE),
    ("user5", 55, Gender.OTHER),
    ("user6", 17, Gender.FEMALE),
    ("user7", 28, Gender.MALE),
    ("user8", 38, Gender.FEMALE),
    ("user9", 50, Gender.MALE),
    ("user10", 22, Gender.OTHER),
)

YOUNGEST: Final = 10
OLDEST: Final = 80


def demo_users(count: int, now: datetime, password_hash: str, random: Random) -> list[NewUser]:
    """`count` users: the ten of the table, then drawn ones of 10 to 80 years named user11, user12, …

    All share one hash: making one for each would take a fifth of a second a user.
    """
    genders = tuple(Gender)
    drawn = (
        (f"user{number}", random.randint(YOUNGEST, OLDEST), random.choice(genders))
        for number in range(len(FIRST_USERS) + 1, count + 1)
    )
    return [
        NewUser(username=name, age=age, gender=gender, created=now, password_hash=password_hash)
        for name, age, gender in (*FIRST_USERS[:count], *drawn)
    ]


def demo_events(
    usernames: Sequence[str], now: datetime, days: int, count: int, random: Random
) -> Iterator[NewEvent]:
    """`count` events of random users and features at random moments of the `days` days before `now`.

    In the order of time, as real events come, so that each batch touches the rollups of few days and not
    of all. Lazy, and about a microsecond each.
    """
    draw = random.random
    users, features = len(usernames), len(FEATURES)
    end, span = now.timestamp(), timedelta(days=days).total_seconds()
    at = datetime.fromtimestamp
    before_end = 1.0
    for remaining in range(count, 0, -1):
        # The earliest of the `remaining` uniform moments that are left: sorted without keeping them.
        before_end *= draw() ** (1 / remaining)
        yield NewEvent(
            usernames[int(draw() * users)],
            FEATURES[int(draw() * features)],
            at(end - before_end * span, UTC),
        )
