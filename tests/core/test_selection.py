"""Which events are chosen, and what cannot choose any."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

import vigility
from vigility import InvalidInput, NewEvent, UnknownUser
from vigility.core.events.selection import MAX_NAMED, EventSelection, valid_ids, valid_span
from vigility.core.times import CALENDAR, MICROS_PER_DAY, MICROS_PER_SECOND, Span

EVENT_ID = "123e4567-e89b-42d3-a456-426614174000"
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def test_ids_are_numbers_or_uuids():
    assert valid_ids([7, "8", EVENT_ID.upper()]) == ((7, 8), (EVENT_ID,))
    assert valid_ids([]) == ((), ())


@pytest.mark.parametrize("value", ["x", "1.5", "", None, True, 0, "-1", 2**63, "\u0667"])
def test_nothing_else_is_an_id(value):
    with pytest.raises(InvalidInput, match="id must be a whole number"):
        valid_ids([value])


def test_one_id_is_one_id():
    assert valid_ids("15") == ((15,), ())  # and not the events 1 and 5
    assert valid_ids(15) == ((15,), ())
    assert valid_ids(UUID(EVENT_ID)) == ((), (EVENT_ID,))


@pytest.mark.parametrize("value", [None, b"15", {"id": 15}, 1.5], ids=repr)
def test_what_is_neither_an_id_nor_a_list_of_them_is_refused(value):
    with pytest.raises(InvalidInput, match="ids must be one value or a list of them, not"):
        valid_ids(value)


def test_a_day_is_included_as_a_whole_and_a_moment_exactly():
    assert valid_span(None, None) == CALENDAR
    assert valid_span("1970-01-02", date(1970, 1, 2)) == Span(MICROS_PER_DAY, 2 * MICROS_PER_DAY - 1)
    second = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert valid_span(second, "1970-01-01T01:00:02+01:00") == Span(MICROS_PER_SECOND, 2 * MICROS_PER_SECOND)


@pytest.mark.parametrize("value", ["yesterday", "2026-02-30", "2026-3-1", "2026-03-01T12:00:00", "", 7])
def test_nothing_else_is_a_time(value):
    for given in ((value, None), (None, value)):
        with pytest.raises(InvalidInput, match=r"^(start|end) must be"):
            valid_span(*given)


def test_a_selection_names_a_bounded_number():
    with pytest.raises(InvalidInput, match="ids must be at most 10,000 in one call"):
        EventSelection(ids=tuple(range(MAX_NAMED + 1)))


@pytest.fixture
def v():
    with vigility.connect("memory:", clock=lambda: NOW) as opened:
        opened.users.add_without_password("ada", 36, "Female")
        opened.track_many([NewEvent("ada", "a")] * 2)
        yield opened


@pytest.mark.parametrize(
    ("choice", "error", "message"),
    [
        ({}, InvalidInput, "events must be chosen by at least one of ids, user, feature, start and end"),
        ({"user": None}, InvalidInput, "events must be chosen by"),
        ({"username": "eve"}, InvalidInput, "username does not choose events; what does is ids, user, featu"),
        ({"user": "ada", "features": "b"}, InvalidInput, "features does not choose events"),
        ({"ids": []}, InvalidInput, "ids must not be empty"),
        ({"user": "eve"}, UnknownUser, "no user is named 'eve'"),
        ({"feature": "b"}, InvalidInput, "feature_name must be that of a stored feature, not 'b'"),
        ({"feature": ""}, InvalidInput, "feature_name is required"),
        ({"start": "x"}, InvalidInput, "start must be"),
    ],
    ids=str,
)
def test_a_choice_that_is_none_deletes_nothing(v, choice, error, message):
    for call in (v.maintenance.delete_events, v.maintenance.count_events, v.maintenance.find_events):
        with pytest.raises(error, match=message):
            call(**choice)
    assert v.report().total == 2
