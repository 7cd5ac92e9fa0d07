from datetime import UTC, datetime, timedelta

import pytest

import vigility
from vigility import CopyDiffers, CopyRefused, InvalidInput, NewEvent, StoreError
from vigility.core import migration
from vigility.core.migration import Copy
from vigility.core.events.model import EventRecord
from vigility.core.events.export import PLACES, VALUES, Page, checked
from vigility.adapters.memory.backend import MemoryStore

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
EVENT_ID = "123e4567-e89b-42d3-a456-426614174000"


@pytest.fixture(autouse=True)
def small_steps(monkeypatch):
    monkeypatch.setattr(migration, "EVENTS_A_STEP", 3)
    monkeypatch.setattr(migration, "USERS_A_STEP", 2)


@pytest.fixture
def source():
    """Seven events of three users, and two ended tokens of which one has expired."""
    store = MemoryStore()
    v = opened(store)
    for name, age in (("ada", 36), ("bob", 17), ("eve", 50)):
        v.accounts.add_without_password(name, age, "Other")
    v.track_many([NewEvent("ada", "a", NOW), NewEvent("bob", "b", NOW)] * 3)
    v.track("eve", "a", "1969-12-31T23:59:59.999999Z", EVENT_ID)
    v.sessions.end("open", NOW + timedelta(hours=1))
    v.sessions.end("expired", NOW)
    return store


@pytest.fixture
def target():
    return MemoryStore()


def opened(store):
    return vigility.Vigility(store, hasher=None, clock=lambda: NOW)


def copy(source, target):
    return Copy(source, target, lambda: NOW)


def copied(source, target):
    task = copy(source, target)
    task.begin()
    task.users()
    while task.events():
        pass
    return task, task.finish()


def test_users_events_and_ended_tokens_arrive_under_their_ids(source, target):
    task, more = copied(source, target)
    assert (task.total, task.copied, task.new_users, more) == (7, 7, 3, False)
    assert list(target.users.all()) == list(source.users.all())
    assert target.events.page(0, 99, 99) == source.events.page(0, 99, 99)
    assert target.revoked_tokens.expiring(0) == {"open": source.revoked_tokens.expiring(0)["open"]}
    later = opened(target)
    assert later.accounts.add_without_password("new", 1, "Other").id == 4
    assert later.track("new", "a").id == 8
    assert later.track("eve", "a", event_id=EVENT_ID).id == 7


def test_an_empty_store_is_copied_too(target):
    assert copied(MemoryStore(), target)[1] is False
    assert target.is_empty()


@pytest.mark.parametrize("steps", range(4))
def test_what_was_begun_goes_on(source, target, steps):
    task = copy(source, target)
    task.begin()
    task.users()
    for _ in range(steps):
        task.events()
    again, _ = copied(source, target)
    assert (again.copied, again.new_users) == (7, 0)
    assert target.events.page(0, 99, 99) == source.events.page(0, 99, 99)


def test_events_of_the_source_during_a_copy_wait_for_the_next(source, target):
    v = opened(source)
    task = copy(source, target)
    task.begin()
    v.accounts.add_without_password("late", 20, "Male")
    v.track("late", "a")
    task.users()
    while task.events():
        v.track("ada", "a")
    assert task.finish() is True
    assert (task.total, task.copied) == (7, 7)
    again, more = copied(source, target)
    assert (again.copied, more) == (11, False)


def test_a_store_is_not_copied_into_itself(source):
    with pytest.raises(InvalidInput, match="target must be another database than the source"):
        copy(source, source).begin()


def another_user(v):
    v.accounts.add_without_password("mallory", 20, "Other")


def a_later_user(v):
    for name in ("ada", "bob", "eve", "mallory"):
        v.accounts.add_without_password(name, {"ada": 36, "bob": 17, "eve": 50}.get(name, 1), "Other")


def another_event(v):
    v.accounts.add_without_password("ada", 36, "Other")
    v.track("ada", "a", "2020-01-01T00:00:00Z")


def more_events(v):
    v.accounts.add_without_password("ada", 36, "Other")
    for _ in range(8):
        v.track("ada", "a")


@pytest.mark.parametrize(
    ("filled", "said"),
    [
        (another_user, "a user that the source does not: 'mallory', id 1"),
        (a_later_user, "a user that the source does not: 'mallory', id 4"),
        (another_event, "other events than the first ones"),
        (more_events, "other events than the first ones"),
    ],
)
def test_a_target_with_anything_else_is_refused_and_left_alone(source, target, filled, said):
    filled(opened(target))
    before = list(target.users.all()), target.events.page(0, 99, 99)
    with pytest.raises(CopyRefused, match=said):
        copied(source, target)
    assert (list(target.users.all()), target.events.page(0, 99, 99)) == before


def test_a_target_that_changes_meanwhile_is_found_out(source, target):
    task = copy(source, target)
    task.begin()
    task.users()
    while task.events():
        pass
    opened(target).track("ada", "a")
    with pytest.raises(CopyDiffers, match="the target holds 8 events, and the source 7"):
        task.finish()


def with_event_replaced(target, **changed):
    page = target.events.page(0, 99, 99)
    target.events.clear()
    target.events.restore(Page(page.ids, [page.records[0]._replace(**changed), *page.records[1:]]))


def test_events_that_are_not_the_same_are_found_out(source, target):
    task, _ = copied(source, target)
    with_event_replaced(target, at=1)
    with pytest.raises(CopyDiffers, match="as many events as the source, but not the same"):
        task.finish()


def test_summaries_that_differ_are_found_out(source, target):
    task, _ = copied(source, target)
    with_event_replaced(target, feature="z")  # of which the tally knows nothing
    expected = (
        r"2 day summaries differ, the first that of a on 2026-03-10 \(18-40, Other\): 2 in the target, 3 "
    )
    with pytest.raises(CopyDiffers, match=expected):
        task.finish()


def test_ids_and_names_that_are_taken_are_not_stored_again(source, target):
    copied(source, target)
    page = source.events.page(0, 99, 99)
    for ids in (page.ids, [number + 100 for number in page.ids]):  # the second with an event_id that is there
        with pytest.raises(StoreError):
            target.events.restore(Page(ids, page.records))
    with pytest.raises(StoreError):
        target.users.restore(list(source.users.all()))
    with pytest.raises(vigility.UserGone):
        target.events.restore(Page([99], [page.records[0]._replace(user_id=99)]))


def test_the_checksum_fits_64_bits_and_depends_on_every_value():
    record = EventRecord(1, "a", 1, 1, "Other")
    assert 9_000_000_000 * VALUES * PLACES < 2**63
    assert 0 <= checked(1_020, record._replace(at=-7)) < VALUES * PLACES
    others = [record._replace(user_id=2), record._replace(at=2), record._replace(age=2)]
    assert checked(7, record) not in [checked(7, other) for other in others] + [checked(8, record)]
