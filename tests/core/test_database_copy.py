from datetime import UTC, datetime, timedelta

import pytest

import vigility
from support.installations import open_vigility
from vigility import CopyDiffers, CopyRefused, InvalidInput, NewEvent, StoreError
from vigility.adapters.memory.backend import open_memory
from vigility.core import database_copy
from vigility.core.database_copy import Copy
from vigility.core.events.export import VALUE_MODULUS, WEIGHT_MODULUS, EventPage, event_checksum
from vigility.core.events.model import EventRecord

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
EVENT_ID = "123e4567-e89b-42d3-a456-426614174000"


@pytest.fixture(autouse=True)
def small_steps(monkeypatch):
    monkeypatch.setattr(database_copy, "EVENTS_PER_STEP", 3)
    monkeypatch.setattr(database_copy, "USERS_PER_STEP", 2)


@pytest.fixture
def source():
    """Seven events of three users, and two revoked tokens of which one has expired."""
    installation = open_memory()
    v = opened(installation)
    for name, age in (("ada", 36), ("bob", 17), ("eve", 50)):
        v.users.add_without_password(name, age, "Other")
    v.track_many([NewEvent("ada", "a", NOW), NewEvent("bob", "b", NOW)] * 3)
    v.track("eve", "a", "1969-12-31T23:59:59.999999Z", EVENT_ID)
    v.users.sessions.revoke("open", NOW + timedelta(hours=1))
    v.users.sessions.revoke("expired", NOW)
    return installation


@pytest.fixture
def target():
    return open_memory()


def opened(installation):
    return open_vigility(installation, NOW)


def copy(source, target):
    return Copy(source, target, lambda: NOW)


def copied(source, target):
    task = copy(source, target)
    task.begin()
    task.users()
    while task.events():
        pass
    return task, task.finish()


def test_users_events_and_revoked_tokens_keep_their_ids(source, target):
    task, more = copied(source, target)
    assert (task.total, task.copied, task.new_users, more) == (7, 7, 3, False)
    assert list(target.users.all()) == list(source.users.all())
    assert target.event_log.page(0, 99, 99) == source.event_log.page(0, 99, 99)
    assert target.revoked_tokens.expiring(0) == {"open": source.revoked_tokens.expiring(0)["open"]}
    later = opened(target)
    assert later.users.add_without_password("new", 1, "Other").id == 4
    assert later.track("new", "a").id == 8
    assert later.track("eve", "a", event_id=EVENT_ID).id == 7


def test_an_empty_database_can_be_copied(target):
    assert copied(open_memory(), target)[1] is False
    assert opened(target).maintenance.is_empty()


@pytest.mark.parametrize("steps", range(4))
def test_an_interrupted_copy_continues(source, target, steps):
    task = copy(source, target)
    task.begin()
    task.users()
    for _ in range(steps):
        task.events()
    again, _ = copied(source, target)
    assert (again.copied, again.new_users) == (7, 0)
    assert target.event_log.page(0, 99, 99) == source.event_log.page(0, 99, 99)


def test_events_that_the_source_takes_during_a_copy_are_left_to_the_next(source, target):
    v = opened(source)
    task = copy(source, target)
    task.begin()
    v.users.add_without_password("late", 20, "Male")
    v.track("late", "a")
    task.users()
    while task.events():
        v.track("ada", "a")
    assert task.finish() is True
    assert (task.total, task.copied) == (7, 7)
    again, more = copied(source, target)
    assert (again.copied, more) == (11, False)


def test_a_database_is_not_copied_into_itself(source):
    with pytest.raises(InvalidInput, match="target must be another database than the source"):
        copy(source, source).begin()


def another_user(v):
    v.users.add_without_password("mallory", 20, "Other")


def a_later_user(v):
    for name in ("ada", "bob", "eve", "mallory"):
        v.users.add_without_password(name, {"ada": 36, "bob": 17, "eve": 50}.get(name, 1), "Other")


def another_event(v):
    v.users.add_without_password("ada", 36, "Other")
    v.track("ada", "a", "2020-01-01T00:00:00Z")


def more_events(v):
    v.users.add_without_password("ada", 36, "Other")
    for _ in range(8):
        v.track("ada", "a")


@pytest.mark.parametrize(
    ("fill", "message"),
    [
        (another_user, "a user that the source does not: 'mallory', id 1"),
        (a_later_user, "a user that the source does not: 'mallory', id 4"),
        (another_event, "other events than the first ones"),
        (more_events, "other events than the first ones"),
    ],
)
def test_a_target_with_other_data_is_refused_and_left_unchanged(source, target, fill, message):
    fill(opened(target))
    before = list(target.users.all()), target.event_log.page(0, 99, 99)
    with pytest.raises(CopyRefused, match=message):
        copied(source, target)
    assert (list(target.users.all()), target.event_log.page(0, 99, 99)) == before


def test_a_target_that_changes_during_the_copy_is_detected(source, target):
    task = copy(source, target)
    task.begin()
    task.users()
    while task.events():
        pass
    opened(target).track("ada", "a")
    with pytest.raises(CopyDiffers, match="the target holds 8 events, and the source 7"):
        task.finish()


def with_event_replaced(target, **changed):
    page = target.event_log.page(0, 99, 99)
    target.event_log.clear()
    target.event_log.insert_with_ids(
        EventPage(page.ids, [page.records[0]._replace(**changed), *page.records[1:]])
    )


def test_events_that_differ_are_detected(source, target):
    task, _ = copied(source, target)
    with_event_replaced(target, at=1)
    with pytest.raises(CopyDiffers, match="as many events as the source, but not the same"):
        task.finish()


def test_rollups_that_differ_are_detected(source, target):
    task, _ = copied(source, target)
    with_event_replaced(target, feature="z")  # which the checksum does not cover
    expected = (
        r"2 rows of the daily rollup differ, first a on 2026-03-10 \(18-40, Other\): 2 in the target, 3 "
    )
    with pytest.raises(CopyDiffers, match=expected):
        task.finish()


def test_taken_ids_and_names_are_refused(source, target):
    copied(source, target)
    page = source.event_log.page(0, 99, 99)
    for ids in (
        page.ids,
        [number + 100 for number in page.ids],
    ):  # the second holds an event_id that is stored
        with pytest.raises(StoreError):
            target.event_log.insert_with_ids(EventPage(ids, page.records))
    with pytest.raises(StoreError):
        target.users.insert_with_ids(list(source.users.all()))
    with pytest.raises(vigility.UserGone):
        target.event_log.insert_with_ids(EventPage([99], [page.records[0]._replace(user_id=99)]))


def test_the_checksum_fits_64_bits_and_depends_on_every_value():
    record = EventRecord(1, "a", 1, 1, "Other")
    assert 9_000_000_000 * VALUE_MODULUS * WEIGHT_MODULUS < 2**63
    assert 0 <= event_checksum(1_020, record._replace(at=-7)) < VALUE_MODULUS * WEIGHT_MODULUS
    others = [record._replace(user_id=2), record._replace(at=2), record._replace(age=2)]
    assert event_checksum(7, record) not in [event_checksum(7, other) for other in others] + [
        event_checksum(8, record)
    ]
