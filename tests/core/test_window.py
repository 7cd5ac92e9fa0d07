"""Which times are taken: ten years back and five minutes ahead, unless more is chosen."""

from datetime import UTC, datetime, timedelta

import pytest

import vigility
from support.reports import daily, totals
from vigility import InvalidInput, NewEvent
from vigility.core.errors import OutsideWindow
from vigility.core.events.window import EventWindow
from vigility.core.times import CALENDAR

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
OLD = NOW - timedelta(days=3653)
AHEAD = NOW + timedelta(minutes=5)
SECOND = timedelta(seconds=1)


def opened(clock=lambda: NOW, **options):
    v = vigility.connect("memory:", clock=clock, **options)
    v.users.add_without_password("ada", 36, "Female")
    return v


def test_the_edges_of_the_window_are_taken_and_what_lies_beyond_is_not():
    v = opened()
    outcome = v.track_many(NewEvent("ada", "x", at) for at in (OLD, AHEAD, OLD - SECOND, AHEAD + SECOND))
    assert outcome.accepted == 2
    assert [(entry.index, entry.error.too_old) for entry in outcome.rejected] == [(2, True), (3, False)]
    assert "must lie between 2016-03-09T12:00:00+00:00 and 2026-03-10T12:05:00+00:00" in str(
        outcome.rejected[0].error
    )


@pytest.mark.parametrize(
    "at",
    [
        "0001-01-01T00:00:00Z",
        "0026-03-01T09:00:00Z",
        "1970-01-01T00:00:00Z",
        "2569-03-01T09:00:00+07:00",
        "9999-12-31T23:59:59.999999Z",
    ],
)
def test_a_time_of_a_wrong_calendar_is_refused_by_every_call(at):
    v = opened()
    for call in (v.track, v.submit):
        with pytest.raises(OutsideWindow, match="timestamp must lie between"):
            call("ada", "x", at)
    outcome = v.track_many([NewEvent("ada", "x", at), NewEvent("ada", "x")])
    assert (outcome.accepted, [entry.index for entry in outcome.rejected]) == (1, [0])
    assert totals(v.report()) == {"x": 1}


def test_older_history_is_an_explicit_choice():
    v = opened(oldest_event_days=20 * 365)
    assert v.track("ada", "x", "2010-01-01T00:00:00Z").at.year == 2010
    assert v.track_many([NewEvent("ada", "x", "2010-01-01T00:00:00Z")]).accepted == 1
    with pytest.raises(OutsideWindow):
        v.track("ada", "x", "1970-01-01T00:00:00Z")


def test_an_importer_takes_the_span_that_it_is_given():
    v = opened()
    events = [NewEvent("ada", "x", "1970-01-01T00:00:00Z")]
    assert v.events.importer(CALENDAR).store(events).accepted == 1
    assert v.events.importer().store(events).accepted == 0


def test_the_window_of_an_importer_moves_with_the_clock():
    """An import from a pipe can take days."""
    moments = [NOW]
    v = opened(lambda: moments[-1])
    importer = v.events.importer()
    moments.append(NOW + timedelta(days=3))
    assert importer.store([NewEvent("ada", "x", NOW + timedelta(days=2))]).accepted == 1


@pytest.mark.parametrize("days", [0, -1, 365_001, 1.5, "30", True, None])
def test_a_window_is_a_number_of_days(days):
    with pytest.raises(InvalidInput, match="oldest_event_days must be a whole number from 1 to 365,000"):
        EventWindow(days)
    with pytest.raises(InvalidInput, match="oldest_event_days"):
        vigility.connect("memory:", oldest_event_days=days)


def test_the_widest_window_is_inside_the_calendar():
    v = opened(oldest_event_days=365_000)
    with pytest.raises(OutsideWindow, match="must lie between 1026-"):
        v.track("ada", "x", "0001-01-01T00:00:00Z")


def test_an_event_without_a_time_is_now():
    v = opened()
    v.track("ada", "x")
    assert daily(v.report(feature="x")) == [(NOW.date(), 1)]
