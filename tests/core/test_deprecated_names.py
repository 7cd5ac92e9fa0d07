"""Old public names work, and warn once where they are used."""

import warnings
from datetime import UTC, date, datetime

import pytest

import vigility
from vigility.auth.passwords import BcryptHasher
from vigility.bootstrap import PoolSettings
from vigility.core.reports.rollups import RollupKey

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def v():
    with vigility.connect("memory:", clock=lambda: NOW, hasher=BcryptHasher(rounds=4)) as v:
        v.register("ada", "a long password", 36, "Female")
        v.track("ada", "date_filter", NOW)
        yield v


@pytest.fixture
def report(v):
    return v.report(feature="date_filter")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Ingested", "IngestResult"),
        ("Limits", "PoolSettings"),
        ("SummaryDifference", "RollupDifference"),
        ("Tracked", "StoredEvent"),
    ],
)
def test_exported_names(old, new):
    with pytest.warns(DeprecationWarning, match=f"vigility.{old} is deprecated: use vigility.{new}"):
        assert getattr(vigility, old) is getattr(vigility, new)


@pytest.mark.parametrize("old", ["DayCount", "FeatureCount"])
def test_exported_types_of_the_old_report(old):
    with pytest.warns(DeprecationWarning, match=old):
        assert getattr(vigility, old).__name__ == old


def test_a_name_that_never_was_is_an_error():
    with pytest.raises(AttributeError, match="module 'vigility' has no attribute 'Nonsense'"):
        vigility.Nonsense  # noqa: B018


@pytest.mark.parametrize(
    ("old", "call", "expected"),
    [
        ("Vigility.users()", lambda v: v.users(), lambda v: v.users.all()),
        ("Vigility.user()", lambda v: v.user("ada"), lambda v: v.users.get("ada")),
        ("Vigility.users_named()", lambda v: v.users_named(["ada"]), lambda v: v.users.by_names(["ada"])),
        ("Vigility.accounts", lambda v: v.accounts, lambda v: v.users),
        ("Vigility.sessions", lambda v: v.sessions, lambda v: v.users.sessions),
        ("Vigility.attempts", lambda v: v.attempts, lambda v: v.users.rate_limits),
        (
            "Vigility.authenticate()",
            lambda v: v.authenticate("ada", "a long password"),
            lambda v: v.users.get("ada"),
        ),
        ("Users.checked()", lambda v: v.users.checked("bob", 5, "Male").username, lambda _: "bob"),
        ("Users.import_users()", lambda v: v.users.import_users([]).added, lambda _: 0),
        ("Sessions.ended()", lambda v: v.users.sessions.ended(), lambda _: frozenset()),
        ("RateLimits.take()", lambda v: v.users.rate_limits.take([]), lambda _: 0),
        ("Vigility.queued", lambda v: v.queued, lambda _: 0),
        ("Vigility.importer()", lambda v: v.importer().store([]).accepted, lambda _: 0),
        ("Vigility.verify_summaries()", lambda v: v.verify_summaries(), lambda _: []),
        ("Vigility.rebuild_summaries()", lambda v: v.rebuild_summaries(), lambda _: None),
        ("Vigility.ping()", lambda v: v.ping(), lambda _: None),
        ("Vigility.is_empty()", lambda v: v.is_empty(), lambda _: False),
    ],
)
def test_methods_that_moved(v, old, call, expected):
    with pytest.warns(DeprecationWarning, match="is deprecated: use ") as warned:
        result = call(v)
    assert result == expected(v)
    (warning,) = warned
    assert str(warning.message).startswith(f"{old} is deprecated: use ")
    assert warning.filename == __file__


def test_a_session_can_still_be_ended(v):
    with pytest.warns(DeprecationWarning, match=r"Sessions\.end\(\)"):
        v.users.sessions.end("token", NOW.replace(year=2027))
    assert v.users.sessions.revoked() == {"token"}


def test_submit_now_queues(v):
    outcomes = []
    with pytest.warns(DeprecationWarning, match="submit_now"):
        v.submit_now(v.users.get("ada"), "a", None, outcomes.append)
    assert v.flush(60)
    assert outcomes[0].record.feature == "a"


def test_wipe_still_wipes(v):
    with pytest.warns(DeprecationWarning, match="wipe"):
        v.wipe()
    assert v.maintenance.is_empty()


def test_the_old_report(report):
    with pytest.warns(DeprecationWarning, match=r"Report\.feature "):
        assert report.feature == "date_filter"
    with pytest.warns(DeprecationWarning, match=r"Report\.features "):
        (bar,) = report.features
    assert (bar.feature, bar.count) == ("date_filter", 1)
    with pytest.warns(DeprecationWarning, match=r"Report\.days "):
        (point,) = report.days
    assert (point.day, point.count) == (date(2026, 3, 1), 1)
    with pytest.warns(DeprecationWarning, match=r"Report\.as_answer\(\) "):
        answer = report.as_answer()
    assert answer == {
        "barChartData": [{"feature": "date_filter", "count": 1}],
        "lineChartData": [{"date": "2026-03-01", "count": 1}],
    }


@pytest.mark.parametrize(
    ("old", "expected"),
    [
        ("day", date(2026, 3, 1)),
        ("feature", "a"),
        ("age_group", vigility.AgeGroup.UNDER_18),
        ("gender", vigility.Gender.MALE),
        ("in_summary", 1),
    ],
)
def test_the_old_difference(old, expected):
    key = RollupKey("a", date(2026, 3, 1), ("<18", "Male"))
    difference = vigility.RollupDifference(key=key, in_rollup=1, in_events=2)
    with pytest.warns(DeprecationWarning, match=rf"RollupDifference\.{old} "):
        assert getattr(difference, old) == expected


def test_limits_of_connect():
    with pytest.warns(DeprecationWarning, match=r"connect\(limits=\) is deprecated: use connect\(pool=\)"):
        vigility.connect("memory:", limits=PoolSettings(connections=2)).close()


def test_python_shows_a_warning_once_for_each_place(v):
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("default")
        for _ in range(3):
            v.queued  # noqa: B018
    assert len(shown) == 1
