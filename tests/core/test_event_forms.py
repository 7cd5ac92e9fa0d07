"""The forms in which the library takes events: tuples, mappings, and no single event where many are meant."""

import asyncio
from datetime import UTC, datetime

import pytest

import vigility
from vigility import InvalidInput, NewEvent
from vigility.core.events import validation

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def v():
    with vigility.connect("memory:", clock=lambda: NOW) as v:
        v.users.add_without_password("ada", 36, "Female")
        yield v


class Table(list):
    """A table, which yields the names of its columns."""

    def to_dict(self, orient): ...


def test_a_table_is_not_read_as_the_names_of_its_columns(v):
    with pytest.raises(
        InvalidInput, match=r"must be many events, not a Table of 2: use to_dict\('records'\)"
    ):
        v.track_many(Table(["username", "feature"]))


@pytest.mark.parametrize("size", [0, -1, 1.5, None, True, "2"], ids=repr)
def test_no_event_is_lost_in_batches_of_an_impossible_size(v, size):
    with pytest.raises(InvalidInput, match="batch_size must be a whole number from 1, not"):
        v.track_many([("ada", "a")], size)
    assert v.track_many([("ada", "a"), ("ada", "b"), ("ada", "c")], 2).accepted == 3


@pytest.mark.parametrize("events", ["ada", b"bytes", {"username": "ada"}, NewEvent("ada", "a"), None, 5])
def test_one_event_is_not_many(v, events):
    with pytest.raises(InvalidInput, match=r"events must be many events, each .*, not "):
        v.track_many(events)


def test_an_event_has_one_name_for_each_value(v):
    twice = {"username": "ada", "feature": "a", "feature_name": "a"}
    (rejected,) = v.track_many([twice]).rejected
    assert str(rejected.error) == "event must not have both feature and feature_name, or at and timestamp"


def test_a_submitted_event_can_be_awaited(v):
    async def submitted():
        return await v.submit("ada", "a")

    assert asyncio.run(submitted()).record.feature == "a"


def test_awaiting_elsewhere_says_what_is_needed(v):
    with pytest.raises(RuntimeError, match=r"await needs a running event loop of asyncio: use result\(\)"):
        v.submit("ada", "a").__await__()


def test_the_caches_of_users_and_features_are_bounded(v, monkeypatch):
    monkeypatch.setattr(validation, "MAX_CACHED", 0)
    importer = v.events.importer()
    for feature in ("a", "b", "c"):
        assert importer.store([NewEvent("ada", feature)]).accepted == 1
    assert len(importer._validator._features) <= 1


def test_a_user_is_found_by_id(v):
    ada = v.users.get("ada")
    assert v.users.with_id(ada.id) == ada
    assert v.users.with_id(ada.id + 1) is None


def test_a_new_feature_name_is_validated(v):
    v.track("ada", "a")
    with pytest.raises(InvalidInput, match="new_name must not be blank"):
        v.maintenance.rename_feature("a", " ")


def test_a_preview_tells_a_conflict(v):
    event_id = "00000000-0000-4000-8000-000000000001"
    v.track("ada", "a", event_id=event_id)
    preview = v.preview()
    result = preview.store([NewEvent("ada", "b", None, event_id), NewEvent("ada", "a", None, event_id)])
    assert (result.accepted, result.duplicates, len(result.rejected)) == (0, 1, 1)


def test_events_may_be_mappings_lists_and_tuples(v):
    forms = [{"username": "ada", "feature_name": "a"}, ["ada", "a"], ("ada", "a", NOW)]
    assert v.track_many(forms).accepted == 3
