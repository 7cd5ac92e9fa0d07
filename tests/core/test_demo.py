from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random as Draw

import pytest

from vigility.core.demo import FEATURES, FIRST_USERS, demo_events, demo_users
from vigility.core.validators import valid_age, valid_feature, valid_username

NOW = datetime(2026, 3, 1, 12, 30, 0, 123_456, tzinfo=UTC)
NAMES = [name for name, _, _ in FIRST_USERS]


def draw(seed):
    return Draw(seed)  # noqa: S311 - a demo, no secret


def test_the_first_ten_users_are_those_of_the_table():
    users = demo_users(10, NOW, "hash", draw(1))
    assert [(user.username, user.age, user.gender.value) for user in users] == [
        ("user1", 16, "Male"),
        ("user2", 25, "Female"),
        ("user3", 32, "Male"),
        ("user4", 45, "Female"),
        ("user5", 55, "Other"),
        ("user6", 17, "Female"),
        ("user7", 28, "Male"),
        ("user8", 38, "Female"),
        ("user9", 50, "Male"),
        ("user10", 22, "Other"),
    ]
    assert {(user.password_hash, user.created) for user in users} == {("hash", NOW)}


@pytest.mark.parametrize("count", [1, 3, 10, 11, 500])
def test_any_number_of_users_begins_with_those_of_the_table(count):
    users = demo_users(count, NOW, "hash", draw(1))
    assert [user.username for user in users] == [f"user{number}" for number in range(1, count + 1)]
    assert all(valid_username(user.username) and valid_age(user.age) for user in users)
    assert users[:10] == demo_users(10, NOW, "hash", draw(2))[:count]


def test_the_same_seed_draws_the_same_users_and_events():
    def drawn(seed):
        random = draw(seed)
        return demo_users(20, NOW, "hash", random), list(demo_events(NAMES, NOW, 90, 200, random))

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


@pytest.mark.parametrize(("days", "count"), [(1, 1), (1, 500), (90, 100), (3_650, 2_000)])
def test_events_are_in_order_within_the_last_days_and_never_in_the_future(days, count):
    moments = [event.at for event in demo_events(NAMES, NOW, days, count, draw(7))]
    assert len(moments) == count
    assert moments == sorted(moments)
    assert NOW - timedelta(days=days) <= moments[0] <= moments[-1] <= NOW


def test_events_are_spread_evenly_over_days_users_and_features():
    events = list(demo_events(NAMES, NOW, 10, 70_000, draw(3)))
    days = Counter((NOW - event.at).days for event in events)
    assert set(days) == set(range(10))
    assert all(6_500 < count < 7_500 for count in days.values())
    assert Counter(event.username for event in events).keys() == set(NAMES)
    features = Counter(event.feature for event in events)
    assert features.keys() == set(FEATURES)
    assert all(9_500 < count < 10_500 for count in features.values())
    assert all(valid_feature(feature) for feature in features)


def test_zero_events_are_allowed():
    assert list(demo_events(NAMES, NOW, 90, 0, draw(1))) == []
