"""Events that are too old, or of too many features, are rejected by line, with what takes them."""

import pytest

from vigility.bootstrap import utc_now

OLD = "2001-01-01T00:00:00Z"


@pytest.fixture
def strict(with_users, monkeypatch):
    """A program with the default window."""
    monkeypatch.delenv("VIGILITY_OLDEST_EVENT_DAYS")
    return with_users


def test_old_and_future_events_of_a_file_are_rejected_by_line(strict, event):
    lines = event(at=OLD) + event(at="2569-01-01T00:00:00Z") + event(at="0001-01-01T00:00:00Z")
    outcome = strict("track", "--file", "-", stdin=lines + event(feature="x", at=utc_now().isoformat()))
    assert (outcome.code, strict.counts()) == (1, {"x": 1})
    first, second, third = outcome.err.splitlines()
    assert first.startswith("line 1: timestamp must lie between 20")
    assert first.endswith(f"not '{OLD}'; to take older events, use --oldest-days")
    assert second.startswith("line 2: timestamp must lie between")
    assert "--oldest-days" not in second
    assert third.startswith("line 3: ")
    assert "3 invalid lines skipped" in outcome.out


def test_the_option_takes_older_events(strict, event):
    days = ["--oldest-days", 365_000]
    assert strict.done("track", "--file", "-", *days, stdin=event(at=OLD)) == "1 event stored.\n"
    strict.done("track", "x", "--user", "ada", "--at", OLD, *days)
    assert strict.counts() == {"date_filter": 1, "x": 1}


def test_so_does_the_setting_which_the_option_overrides(strict, event, monkeypatch):
    monkeypatch.setenv("VIGILITY_OLDEST_EVENT_DAYS", "365000")
    assert strict.done("track", "--file", "-", stdin=event(at=OLD)) == "1 event stored.\n"
    assert strict("track", "--file", "-", "--oldest-days", 1, stdin=event(at=OLD)).code == 1
    assert strict.counts() == {"date_filter": 1}


def test_a_single_old_event_is_refused_with_the_option(strict):
    outcome = strict("track", "x", "--user", "ada", "--at", OLD)
    assert outcome.code == 2
    assert outcome.err.startswith("vigility: --at must lie between 20")
    assert outcome.err.endswith(f"not '{OLD}'; to take older events, use --oldest-days\n")


@pytest.mark.parametrize("name", ["VIGILITY_OLDEST_EVENT_DAYS", "VIGILITY_MAX_FEATURES"])
@pytest.mark.parametrize("value", ["0", "-1", "x", "1.5"])
def test_a_wrong_setting_is_one_line_that_names_it(with_users, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    outcome = with_users("track", "x", "--user", "ada")
    assert outcome.code == 2
    assert outcome.err.startswith(f"vigility: {name} must be a whole number")
    with_users.done("report")


def test_a_file_stores_no_more_features_than_the_setting_allows(with_users, event, monkeypatch):
    monkeypatch.setenv("VIGILITY_MAX_FEATURES", "2")
    lines = b"".join(event(feature=name) for name in "abcab")
    outcome = with_users("track", "--file", "-", stdin=lines)
    assert outcome.code == 1
    assert outcome.err == (
        "line 3: feature_name must be that of a feature that was tracked before, not 'c': "
        "more than 2 features are not taken (VIGILITY_MAX_FEATURES)\n"
    )
    assert with_users.counts() == {"a": 2, "b": 2}
    assert with_users("track", "d", "--user", "ada").code == 2
    assert with_users("report", "--as", "ada", "--json").code == 2


def test_demo_data_may_be_older_than_the_window(strict):
    strict.done("seed", "--yes", "--days", 36_500, "--events", 200)
    assert sum(strict.counts().values()) == 200
