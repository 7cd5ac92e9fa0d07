import pytest

import vigility
from support.reports import daily
from vigility import Filters, InvalidInput
from vigility.core.reports.query import Query


@pytest.fixture
def v():
    with vigility.connect("memory:") as opened:
        opened.users.add_without_password("ada", 36, "Female")
        opened.track("ada", "a")
        yield opened


def test_the_default_query_counts_all_events_by_feature():
    query = Query()
    assert (query.filters, query.metrics, query.group_by) == (Filters(), ("events",), ("feature",))
    assert (query.series_of, query.interval, query.time_zone) == ((), "day", "UTC")


def test_names_may_be_given_as_text_or_as_any_sequence():
    assert Query(series_of="a") == Query(series_of=["a"]) == Query(series_of=("a", "a"))
    assert hash(Query(metrics="events")) == hash(Query(metrics=["events"]))


@pytest.mark.parametrize("feature", ["", "a\nb", "x" * 101])
def test_a_series_of_an_invalid_feature_name_is_refused(feature):
    with pytest.raises(InvalidInput, match="feature_name"):
        Query(series_of=(feature,))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"metrics": ("users",)}, "metrics must be events, not users"),
        ({"metrics": ()}, "metrics must be events, not empty"),
        ({"group_by": ("gender",)}, "group_by must be feature, not gender"),
        ({"interval": "week"}, "interval must be day, not week"),
        ({"time_zone": "Europe/Berlin"}, "time_zone must be UTC, not Europe/Berlin"),
    ],
)
def test_what_no_reader_can_answer_is_refused(v, asked, message):
    with pytest.raises(InvalidInput, match=f"^{message}$"):
        v.report(query=Query(**asked))


def test_a_query_says_what_filters_and_feature_say(v):
    by_query = v.report(query=Query(filters=Filters(gender="Female"), series_of=("a",)))
    by_arguments = v.report(Filters(gender="Female"), "a")
    assert by_query.totals == by_arguments.totals
    assert daily(by_query) == daily(by_arguments)


def test_one_report_can_have_several_series(v):
    v.track("ada", "b")
    series = v.report(query=Query(series_of=("b", "a", "never tracked"))).series
    assert [(each.label, sum(point.value for point in each.points)) for each in series] == [
        ("b", 1),
        ("a", 1),
        ("never tracked", 0),
    ]


@pytest.mark.parametrize("arguments", [{"filters": Filters()}, {"feature": "a"}], ids=str)
def test_a_query_is_not_combined_with_filters_or_feature(v, arguments):
    with pytest.raises(InvalidInput, match="query must not be combined with filters or feature"):
        v.report(query=Query(), **arguments)
