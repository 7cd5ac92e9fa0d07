"""Hypothesis strategies for users, events and filters, with many edge cases."""

from datetime import UTC, date, datetime, time, timedelta, timezone

from hypothesis import strategies as st

from vigility import AgeGroup, Filters, Gender, NewEvent, NewUser

CREATED = datetime(2026, 1, 1, tzinfo=UTC)

# Few names, so that they repeat; some break careless queries or collations.
USERNAMES = ("ada", "Ada", "bob", "o'hara", "ünal", "用户", "%", "robert'); DROP TABLE vigility_users;--")
FEATURES = ("date_filter", "Date_filter", "export_data", "a", "é", "_", "<img onerror=x>", "100 %")
AGES = (1, 17, 18, 40, 41, 120)
EVENT_IDS = tuple(f"00000000-0000-4000-8000-00000000000{n}" for n in range(6))

# Adjacent days: the end of a month, a leap day, the days around the epoch.
DAYS = (
    *(date(2026, 2, 27) + timedelta(days=n) for n in range(4)),
    date(2024, 2, 29),
    date(1969, 12, 31),
    date(1970, 1, 1),
)
TIMES = (time(0), time(0, 0, 0, 1), time(12), time(23, 59, 59, 999_999))
ZONES = (UTC, timezone(timedelta(hours=3, minutes=30)), timezone(timedelta(hours=-12)))

new_users = st.builds(
    NewUser,
    username=st.sampled_from(USERNAMES),
    age=st.sampled_from(AGES),
    gender=st.sampled_from(Gender),
    created=st.just(CREATED),
    password_hash=st.none() | st.just("hash"),
)

moments = st.builds(datetime.combine, st.sampled_from(DAYS), st.sampled_from(TIMES), st.sampled_from(ZONES))

new_events = st.builds(
    NewEvent,
    username=st.sampled_from((*USERNAMES, "nobody", "", " x")),
    feature=st.sampled_from((*FEATURES, "", "\n")),
    at=moments | moments.map(datetime.isoformat) | st.sampled_from(("yesterday", "2026-02-30T00:00:00Z")),
    event_id=st.none() | st.none() | st.sampled_from((*EVENT_IDS, EVENT_IDS[0].upper(), "no uuid")),
)

filters = st.builds(
    Filters,
    start=st.none() | st.sampled_from(DAYS),
    end=st.none() | st.sampled_from(DAYS),
    age_group=st.none() | st.sampled_from(AgeGroup),
    gender=st.none() | st.sampled_from(Gender),
)
